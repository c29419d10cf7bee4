// What counts as plain text where tokens are classified: whole characters that need no escape in a JSON string.

/// The automaton of whole UTF-8 characters other than controls, the quotation mark and the backslash.
enum PlainText {
  /// Where a reader stands in a character: `start` between two, else what may follow.
  enum State: UInt8, CaseIterable {
    case start, oneMore, twoMore, threeMore, afterE0, afterED, afterF0, afterF4
  }

  /// The state behind `byte`, or nil if it cannot stand there.
  static func next(_ state: State, _ byte: UInt8) -> State? {
    let isTail = byte & 0xC0 == 0x80
    switch state {
    case .start:
      switch byte {
      case 0x22, 0x5C: return nil
      case 0x20...0x7F: return .start
      case 0xC2...0xDF: return .oneMore
      case 0xE0: return .afterE0
      case 0xED: return .afterED
      case 0xE1...0xEF: return .twoMore
      case 0xF0: return .afterF0
      case 0xF1...0xF3: return .threeMore
      case 0xF4: return .afterF4
      default: return nil
      }
    case .oneMore: return isTail ? .start : nil
    case .twoMore: return isTail ? .oneMore : nil
    case .threeMore: return isTail ? .twoMore : nil
    case .afterE0: return isTail && byte >= 0xA0 ? .oneMore : nil
    case .afterED: return isTail && byte < 0xA0 ? .oneMore : nil
    case .afterF0: return isTail && byte >= 0x90 ? .twoMore : nil
    case .afterF4: return isTail && byte < 0x90 ? .twoMore : nil
    }
  }

  /// Ranges that no class of bytes may straddle, so that ``next(_:_:)`` is a matter of classes.
  static let byteRanges: [ClosedRange<UInt8>] = [
    0x22...0x22, 0x5C...0x5C, 0x20...0x7F, 0xC2...0xDF, 0xE0...0xE0, 0xED...0xED, 0xE1...0xEF, 0xF0...0xF0, 0xF1...0xF3,
    0xF4...0xF4, 0x80...0x8F, 0x90...0x9F, 0xA0...0xBF,
  ]

  /// How many characters `bytes` are, or nil if they are not plain.
  static func length(_ bytes: some Sequence<UInt8>) -> Int? {
    var state = State.start, count = 0
    for byte in bytes {
      guard let following = next(state, byte) else { return nil }
      state = following
      if state == .start { count += 1 }
    }
    return state == .start ? count : nil
  }
}
