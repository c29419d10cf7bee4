// Which processors a thread may run on: a worker's slices stay on one, its preparation may use all.
import CProcessors

enum Affinity {
  /// Of the calling thread, in ascending order; empty if the system does not tell.
  static func allowed() -> [Int32] {
    var numbers = [Int32](repeating: 0, count: 1024)
    return Array(numbers[..<processors_allowed(&numbers, numbers.count)])
  }

  /// Where the system refuses, the thread runs where it did: figures are noisier then, not wrong.
  static func keep(to processors: [Int32]) {
    guard !processors.isEmpty else { return }
    _ = processors_keep_to(processors, processors.count)
  }
}
