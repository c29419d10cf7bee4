// Changes to a text before it is cut and tokenized, as tokenizer files describe them. NFKC is not among them.
@_spi(_Unicode) import Swift

/// A sequence of changes to UTF-8 text. Bytes that are no UTF-8 pass unchanged where a step does not say otherwise.
struct Normalizer: Sendable {
  enum Step: Sendable {
    /// Puts bytes before a text that is not empty.
    case prepend([UInt8])
    case replace([UInt8], with: [UInt8])
    /// Runs of two spaces or more become `with`.
    case collapseSpaces(with: [UInt8])
    case strip(left: Bool, right: Bool)
    case lowercase
    case nfc
    case nfd
    /// Removes marks; they stand alone only after `nfd`.
    case stripAccents
    case bert(cleansText: Bool, spacesIdeographs: Bool, stripsAccents: Bool, lowercases: Bool)
    case precompiled(PrecompiledCharacterMap)
  }

  var steps: [Step] = []

  func normalize(_ text: [UInt8]) -> [UInt8] {
    steps.reduce(text) { text, step in Self.apply(step, to: text) }
  }

  private static func apply(_ step: Step, to text: [UInt8]) -> [UInt8] {
    switch step {
    case .prepend(let prefix): text.isEmpty ? text : prefix + text
    case .replace(let old, let new): text.replaced(old, by: new)
    case .collapseSpaces(let new): collapseSpaces(text, new)
    case .strip(let left, let right): strip(text, left: left, right: right)
    case .lowercase: text.mapScalars { $1.append(lowercaseOf: $0) }
    case .nfc: text.canonical(composed: true)
    case .nfd: text.canonical(composed: false)
    case .stripAccents:
      text.mapScalars { if !CharacterClass.of($0.value).contains(.mark) { $1.append(scalar: $0) } }
    case .bert(let cleans, let spaces, let strips, let lowercases):
      bert(text, cleans: cleans, spaces: spaces, strips: strips, lowercases: lowercases)
    case .precompiled(let map): map.apply(to: text)
    }
  }

  private static func collapseSpaces(_ text: [UInt8], _ replacement: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
      guard text[index] == 0x20 else {
        result.append(text[index])
        index += 1
        continue
      }
      let start = index
      while index < text.count, text[index] == 0x20 { index += 1 }
      result += index - start == 1 ? [0x20] : replacement
    }
    return result
  }

  private static func strip(_ text: [UInt8], left: Bool, right: Bool) -> [UInt8] {
    let scanned = ScannedText(text)
    let isWord: (CharacterClass) -> Bool = { !$0.contains(.whitespace) }
    guard let first = scanned.classes.firstIndex(where: isWord), let last = scanned.classes.lastIndex(where: isWord)
    else { return left || right ? [] : text }
    return Array(text[(left ? scanned.starts[first] : 0)..<(right ? scanned.starts[last + 1] : text.count)])
  }

  /// What BERT's basic tokenizer does before it splits: control characters go, white space becomes a space,
  /// ideographs stand alone, then accents and case go.
  private static func bert(_ text: [UInt8], cleans: Bool, spaces: Bool, strips: Bool, lowercases: Bool) -> [UInt8] {
    var text = text
    if cleans || spaces {
      text = text.mapScalars(invalid: cleans ? [] : nil) { scalar, result in
        let classes = CharacterClass.of(scalar.value)
        if cleans {
          // Tab, line feed and carriage return are white space to BERT; the other control characters are none.
          if scalar == "\t" || scalar == "\n" || scalar == "\r" { return result.append(0x20) }
          if scalar.value == UTF8Scanner.replacement || classes.contains(.other) { return }
          if classes.contains(.whitespace) { return result.append(0x20) }
        }
        if spaces, isIdeograph(scalar.value) {
          result.append(0x20)
          result.append(scalar: scalar)
          result.append(0x20)
        } else {
          result.append(scalar: scalar)
        }
      }
    }
    if strips {
      // Non-spacing marks only: the vowel signs of Indic scripts stay.
      text = text.canonical(composed: false).mapScalars {
        if $0.properties.generalCategory != .nonspacingMark { $1.append(scalar: $0) }
      }
    }
    return lowercases ? apply(.lowercase, to: text) : text
  }

  /// The blocks of CJK ideographs that BERT's tokenizer lists.
  private static func isIdeograph(_ value: UInt32) -> Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
      0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}

extension Collection<UInt8> {
  /// The bytes with every occurrence of `old`, found from the left, replaced.
  func replaced(_ old: [UInt8], by new: [UInt8]) -> [UInt8] {
    guard let first = old.first else { return Array(self) }
    var result: [UInt8] = []
    result.reserveCapacity(count)
    var rest = self[...]
    while let byte = rest.first {
      if byte == first, rest.starts(with: old) {
        result += new
        rest = rest.dropFirst(old.count)
      } else {
        result.append(byte)
        rest = rest.dropFirst()
      }
    }
    return result
  }
}

extension [UInt8] {
  fileprivate var isASCII: Bool { allSatisfy { $0 < 0x80 } }

  /// Calls `body` for each character with the bytes to add to.
  ///
  /// - Parameter invalid: what a byte that is no UTF-8 becomes; nil for itself.
  func mapScalars(
    invalid: [UInt8]? = nil, _ body: (Unicode.Scalar, inout [UInt8]) -> Void
  ) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(count)
    withUnsafeBufferPointer { buffer in
      var index = 0
      while index < buffer.count {
        let (value, length) = UTF8Scanner.scalar(buffer, at: index)
        if length == 1, buffer[index] >= 0x80 {
          result += invalid ?? [buffer[index]]
        } else if let scalar = Unicode.Scalar(value) {
          body(scalar, &result)
        }
        index += length
      }
    }
    return result
  }

  fileprivate mutating func append(lowercaseOf scalar: Unicode.Scalar) {
    if scalar.isASCII {
      append(0x41...0x5A ~= scalar.value ? UInt8(scalar.value) | 0x20 : UInt8(scalar.value))
    } else {
      append(contentsOf: scalar.properties.lowercaseMapping.utf8)
    }
  }

  /// The canonical composition or decomposition of each stretch of valid UTF-8.
  ///
  /// The standard library normalises strings, for its own comparisons and for Foundation, but does not publish it.
  fileprivate func canonical(composed: Bool) -> [UInt8] {
    if isASCII { return self }
    var result: [UInt8] = []
    result.reserveCapacity(count)
    var stretch = String.UnicodeScalarView()
    func flush() {
      guard !stretch.isEmpty else { return }
      let text = String(stretch)
      if composed {
        for scalar in text._nfc { result.append(scalar: scalar) }
      } else {
        for scalar in text._nfd { result.append(scalar: scalar) }
      }
      stretch = String.UnicodeScalarView()
    }
    withUnsafeBufferPointer { buffer in
      var index = 0
      while index < buffer.count {
        let (value, length) = UTF8Scanner.scalar(buffer, at: index)
        if let scalar = Unicode.Scalar(value), length > 1 || buffer[index] < 0x80 {
          stretch.append(scalar)
        } else {
          flush()
          result.append(buffer[index])
        }
        index += length
      }
    }
    flush()
    return result
  }
}

/// SentencePiece's `precompiled_charsmap`: a double-array trie over UTF-8, and the text each entry becomes.
///
/// Layout (sentencepiece, builder.h; darts-clone): uint32 size of the trie in bytes; its units, uint32 each; then
/// texts that end in a zero byte. A unit's bits: 31 and 0...7 label, or value; 8 has a leaf; 9 shift; 10...30 offset.
struct PrecompiledCharacterMap: Sendable {
  private let units: [UInt32]
  private let texts: [UInt8]

  /// - Throws: ``TextError/malformedTokenizer(key:reason:)`` if the sizes do not fit.
  init(_ blob: [UInt8], key: String) throws(TextError) {
    guard blob.count >= 4 else { throw .malformedTokenizer(key: key, reason: "shorter than its header") }
    let word: (Int) -> UInt32 = { at in (0..<4).reduce(0) { $0 | UInt32(blob[at + $1]) << UInt32(8 * $1) } }
    let size = Int(word(0))
    guard size <= blob.count - 4, size % 4 == 0 else {
      throw .malformedTokenizer(key: key, reason: "a trie of \(size) bytes in \(blob.count)")
    }
    units = stride(from: 4, to: 4 + size, by: 4).map(word)
    texts = Array(blob[(4 + size)...])
  }

  /// Replaces the longest entry at each place; bytes that are no UTF-8 become U+FFFD.
  func apply(to text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    text.withUnsafeBufferPointer { buffer in
      var index = 0
      while index < buffer.count {
        if let (length, offset) = longestMatch(buffer, at: index), offset < texts.count {
          result += texts[offset...].prefix { $0 != 0 }
          index += length
          continue
        }
        let (_, length) = UTF8Scanner.scalar(buffer, at: index)
        if length == 1, buffer[index] >= 0x80 {
          result += UTF8.encodedReplacementCharacter
        } else {
          result += buffer[index..<(index + length)]
        }
        index += length
      }
    }
    return result
  }

  private func longestMatch(_ text: UnsafeBufferPointer<UInt8>, at start: Int) -> (length: Int, offset: Int)? {
    guard var node = units.first.map(Self.offset) else { return nil }
    var best: (Int, Int)?
    for index in start..<text.count where text[index] != 0 {
      node ^= Int(text[index])
      guard node < units.count, units[node] & 0x8000_00FF == UInt32(text[index]) else { break }
      let hasLeaf = units[node] >> 8 & 1 == 1
      node ^= Self.offset(units[node])
      guard node < units.count else { break }
      if hasLeaf { best = (index + 1 - start, Int(units[node] & 0x7FFF_FFFF)) }
    }
    return best
  }

  private static func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & 1 << 9) >> 6)) }
}
