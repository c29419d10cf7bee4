// A value's place along an axis: linear from zero or logarithmic, with round ticks. Draws nothing.
import Foundation

package struct PlotScale: Sendable {
  package enum Kind: Sendable { case linear, logarithmic }

  let kind: Kind
  /// What the two ends of the axis stand for.
  package let lower: Double
  package let upper: Double
  /// Where they are on the paper.
  let start: Double
  let end: Double
  package let ticks: [Double]

  /// What can be drawn: figures beyond are of no machine.
  package static func isDrawable(_ value: Double) -> Bool {
    value.isFinite && (value == 0 || (1e-30...1e30).contains(abs(value)))
  }

  /// An axis that holds all of `values`. A linear one begins at 0 and leaves out what is below; it ends at a tick, or, if
  /// `isTight`, with the largest value. A logarithmic one leaves out what is not above 0 and has a little room at both
  /// ends. nil where nothing is left.
  package init?(
    _ kind: Kind, holding values: [Double], from start: Double, to end: Double, mostTicks: Int = 6,
    isTight: Bool = false
  ) {
    self.kind = kind
    self.start = start
    self.end = end
    let usable = values.filter { Self.isDrawable($0) && (kind == .linear ? $0 >= 0 : $0 > 0) }
    guard let least = usable.min(), let most = usable.max() else { return nil }
    switch kind {
    case .linear:
      let most = most > 0 ? most : 1
      let step = Self.step(most / Double(max(mostTicks - 1, 1)))
      let count = isTight ? (most / step + 1e-9).rounded(.down) : (most / step - 1e-9).rounded(.up)
      lower = 0
      upper = isTight ? most : max(count, 1) * step
      ticks = (0...Int(max(count, 1))).map { Double($0) * step }.filter { [upper] in $0 <= upper * (1 + 1e-9) }
    case .logarithmic:
      let room = most / least < 2 ? 2 : 1.2
      (lower, upper) = (least / room, most * room)
      ticks = Self.logarithmicTicks(lower, upper, mostTicks)
    }
  }

  /// Always within the axis; what cannot be drawn stands at its beginning.
  package func place(_ value: Double) -> Double {
    guard value.isFinite else { return start }
    let share: Double
    switch kind {
    case .linear: share = (value - lower) / (upper - lower)
    case .logarithmic: share = value > 0 ? log(value / lower) / log(upper / lower) : 0
    }
    return start + min(max(share, 0), 1) * (end - start)
  }

  /// 1, 2 or 5 times a power of ten, at least `least`.
  private static func step(_ least: Double) -> Double {
    let power = pow(10, log10(least).rounded(.down))
    return [1, 2, 5, 10].map { $0 * power }.first { $0 >= least * (1 - 1e-9) } ?? 10 * power
  }

  /// As many round values as fit, at most `most`: the coarsest of the marks that give three.
  private static func logarithmicTicks(_ lower: Double, _ upper: Double, _ most: Int) -> [Double] {
    let exponents = stride(from: log10(lower).rounded(.down), through: log10(upper).rounded(.up), by: 1)
    let choices: [[Double]] = [[1], [1, 2, 5], [1, 1.5, 2, 3, 5, 7]]
    let all = choices.map { marks in
      exponents.flatMap { exponent in marks.map { $0 * pow(10, exponent) } }.filter { $0 >= lower && $0 <= upper }
    }
    let chosen = all.first { $0.count >= 3 } ?? all[all.count - 1]
    let every = max(1, (chosen.count + most - 1) / max(most, 1))
    return chosen.enumerated().filter { $0.offset % every == 0 }.map(\.element)
  }
}
