// Finding marks in a text that is still growing.

/// What a mark in a text means.
enum Mark: Sendable, Equatable {
  case openReasoning
  case closeReasoning
  case call
  /// Nothing; it is taken out, with the white space around it.
  case silent
  /// Nothing; it is taken out.
  case hidden
}

/// Marks by their bytes, the longest that fits wins.
struct MarkSet: Sendable {
  enum Match: Equatable {
    case none
    /// The text ends within a mark.
    case partial
    case found(Mark, length: Int)
  }

  private var entries: [(bytes: [UInt8], mark: Mark)] = []
  private var begins = [Bool](repeating: false, count: 256)

  /// Of two meanings of the same bytes the first counts.
  init(_ marks: [([UInt8], Mark)]) {
    var seen: Set<[UInt8]> = []
    for (bytes, mark) in marks where !bytes.isEmpty && seen.insert(bytes).inserted {
      entries.append((bytes, mark))
      begins[Int(bytes[0])] = true
    }
    entries.sort { $0.bytes.lexicographicallyPrecedes($1.bytes) }
  }

  /// Whether a mark may begin with this byte.
  func mayBegin(_ byte: UInt8) -> Bool { begins[Int(byte)] }

  /// The mark at `start`. Only with `isEnd` does the end of the text decide anything.
  func match(_ bytes: [UInt8], at start: Int, isEnd: Bool) -> Match {
    var (low, high, depth) = (0, entries.count, 0)
    var best: Match = .none
    while low < high {
      // A mark that ends here stands before those that go on.
      if entries[low].bytes.count == depth {
        best = .found(entries[low].mark, length: depth)
        low += 1
        continue
      }
      guard start + depth < bytes.count else { return isEnd ? best : .partial }
      let byte = bytes[start + depth]
      while low < high, entries[low].bytes[depth] < byte { low += 1 }
      while low < high, entries[high - 1].bytes[depth] > byte { high -= 1 }
      depth += 1
    }
    return best
  }
}
