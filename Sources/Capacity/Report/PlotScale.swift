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

  /// An axis that holds all of `values`. A linear one begins at 0 and leaves out what is below; a logarithmic one leaves
  /// out what is not above 0. nil where nothing is left.
  package init?(_ kind: Kind, holding values: [Double], from start: Double, to end: Double, mostTicks: Int = 6) {
    self.kind = kind
    self.start = start
    self.end = end
    let usable = values.filter { Self.isDrawable($0) && (kind == .linear ? $0 >= 0 : $0 > 0) }
    guard let least = usable.min(), let most = usable.max(), most > 0 else { return nil }
    switch kind {
    case .linear:
      let step = Self.step(most / Double(max(mostTicks - 1, 1)))
      let count = max((most / step - 1e-9).rounded(.up), 1)
      lower = 0
      upper = count * step
      ticks = (0...Int(count)).map { Double($0) * step }
    case .logarithmic:
      let decades = log10(most / least)
      let marks: [Double] = decades < 1.2 ? [1, 2, 3, 5, 7] : decades < 3 ? [1, 2, 5] : [1]
      let all = Self.marks(marks, log10(least).rounded(.down) - 1, log10(most).rounded(.up) + 1)
      let low = all.last { $0 <= least * (1 + 1e-9) } ?? least
      let high = all.first { $0 >= most * (1 - 1e-9) } ?? most
      lower = low
      upper = high > low ? high : all.first { $0 > low } ?? low * 10
      let inside = all.filter { [lower, upper] in $0 >= lower * (1 - 1e-9) && $0 <= upper * (1 + 1e-9) }
      let every = max(1, (inside.count + mostTicks - 1) / max(mostTicks, 1))
      ticks = inside.enumerated().filter { $0.offset % every == 0 }.map(\.element)
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

  private static func marks(_ marks: [Double], _ from: Double, _ to: Double) -> [Double] {
    stride(from: from, through: to, by: 1).flatMap { exponent in marks.map { $0 * pow(10, exponent) } }
  }
}
