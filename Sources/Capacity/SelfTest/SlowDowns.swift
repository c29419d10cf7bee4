// Two arms of the same products in alternating slices, one of them with every twentieth pass done twice: 5 % slower by
// real work. Judged as bench-gate judges builds.
import Foundation

final class SlowDowns: FaultTrials {
  private let layer: TimedLayer
  private let passes: Int
  private var largestClean = 0.0

  private static let sliceSeconds = 0.001
  /// One in so many passes is done twice.
  private static let extra = 20
  // Quads are taken until the interval's half-width is below 1 %, half of what counts as a change, or there are so many.
  private static let fewestQuads = 20
  private static let mostQuads = 150
  private static let halfWidth = 0.01

  init(seed: UInt64) throws(CapacityError) {
    layer = try TimedLayer(seed: seed)
    passes = try layer.passes(in: Self.sliceSeconds, step: Self.extra)
  }

  func faulty(_ random: inout RandomSource) throws(CapacityError) -> Bool {
    let found = try compare(extraPasses: passes / Self.extra, &random)
    return found.isChange && found.change > 0
  }

  func clean(_ random: inout RandomSource) throws(CapacityError) -> Bool? {
    let found = try compare(extraPasses: 0, &random)
    largestClean = max(largestClean, abs(found.change))
    return found.isChange
  }

  private func compare(extraPasses: Int, _ random: inout RandomSource) throws(CapacityError) -> PairedChange {
    var differences: [Double] = []
    while true {
      differences.append(try quad(extraPasses: extraPasses, &random))
      guard differences.count >= Self.fewestQuads, differences.count % 5 == 0 else { continue }
      let found = PairedChange(logRatios: differences)
      let width = found.interval.upperBound - found.interval.lowerBound
      if width / 2 <= Self.halfWidth || differences.count >= Self.mostQuads { return found }
    }
  }

  /// A B B A or B A A B: a drift that is linear within the four cancels.
  private func quad(extraPasses: Int, _ random: inout RandomSource) throws(CapacityError) -> Double {
    let isSlowOutside = random.next() & 1 == 0
    var logs = [0.0, 0.0]  // of the slices outside and inside
    for place in 0..<4 {
      let isInside = place == 1 || place == 2
      let isSlow = isInside != isSlowOutside
      let start = TimedLayer.processorSeconds()
      try layer.run(passes: passes + (isSlow ? extraPasses : 0))
      logs[isInside ? 1 : 0] += log(max(TimedLayer.processorSeconds() - start, 1e-9))
    }
    return (isSlowOutside ? logs[0] - logs[1] : logs[1] - logs[0]) / 2
  }

  var notes: [String] { ["the largest change among clean trials: \(Quantity.text(largestClean, "1"))"] }
}
