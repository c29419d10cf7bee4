// What a list has once, in its order.

extension Sequence where Element: Equatable {
  /// Each once, in the order they come.
  var unique: [Element] { reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
}
