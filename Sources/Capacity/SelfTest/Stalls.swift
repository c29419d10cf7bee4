// One to three samples of a figure that are held up for a few times their own length. The figure must flag each. They are
// of the second half: the first may be cut as warm-up, and what is cut is told apart.
import Foundation

final class Stalls: FaultTrials {
  private let layer: TimedLayer
  private let sampler: FigureSampler
  private let passes: Int
  private var untouched = 0
  private var ownOutliers = 0
  private var missed: [String] = []

  private static let samples = 24
  private static let sampleSeconds = 0.001

  init(_ sampler: FigureSampler, seed: UInt64) throws(CapacityError) {
    self.sampler = sampler
    layer = try TimedLayer(seed: seed)
    passes = try layer.passes(in: Self.sampleSeconds, step: 1)
  }

  func faulty(_ random: inout RandomSource) throws(CapacityError) -> Bool {
    let count = 1 + random.index(below: 3)
    var places: Set<Int> = []
    while places.count < count { places.insert(Self.samples / 2 + random.index(below: Self.samples / 2)) }
    let length = Self.sampleSeconds * Double(3 + random.index(below: 6))
    let figure = try measure(stalled: places, seconds: length)
    // The real machine's own outliers do not stand for those that were planted: each of these must be flagged.
    let flagged = Set(Statistics.outliers(figure.samples).map { $0 + figure.warmUp })
    let isCaught = figure.outliers ?? 0 >= count && places.isSubset(of: flagged)
    if !isCaught {
      let spread = RobustScore.deviation(figure.samples) / figure.value
      missed.append("\(count) of \(Int(length * 1e3)) ms in a spread of \(Quantity.text(spread, "1"))")
    }
    return isCaught
  }

  private func measure(stalled: Set<Int>, seconds: Double) throws(CapacityError) -> Figure {
    var place = 0
    return try sampler.figure(
      SampleKind(unit: "OP/s", protocol: "self-test"),
      rule: StoppingRule(minimumSamples: Self.samples, maximumSamples: Self.samples, seconds: 60)
    ) { () throws(CapacityError) -> Sample in
      let start = FigureSampler.now()
      try layer.run(passes: passes)
      if stalled.contains(place) { usleep(UInt32(seconds * 1e6)) }
      place += 1
      return Sample(amount: layer.operations * Double(passes), seconds: FigureSampler.now() - start)
    }
  }

  /// Samples that are known to hold nothing but ordinary variation are drawn: normal, spread by 0.1 to 3 %. Those of a
  /// shared machine are not: what it flags among untouched ones may well have been held up, and is told beside.
  func clean(_ random: inout RandomSource) throws(CapacityError) -> Bool? {
    if try measure(stalled: [], seconds: 0).outliers ?? 0 > 0 { ownOutliers += 1 }
    untouched += 1
    let spread = 0.001 * pow(30, random.unit())
    let samples = (0..<Self.samples).map { _ in 1e9 * (1 + spread * random.normal()) }
    return Figure(samples: samples, unit: "OP/s", protocol: "self-test", seed: random.next()).outliers ?? 0 > 0
  }

  var notes: [String] {
    ["\(ownOutliers) of \(untouched) untouched series had outliers of this machine's own: flagged, and no false alarms"]
      + (missed.isEmpty ? [] : ["missed: " + missed.prefix(5).joined(separator: "; ")])
  }
}

extension RandomSource {
  /// Uniform in [0, 1).
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Standard normal (Box and Muller).
  mutating func normal() -> Double { (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit()) }
}
