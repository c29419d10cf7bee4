// The classes of characters that pre-tokenizers tell apart. The rules over them stand in PreTokenizer.

/// A set of character classes, or the classes of one character.
struct CharacterClass: OptionSet, Sendable {
  let rawValue: UInt32

  static let uppercase = CharacterClass(rawValue: 1 << 0)  // Lu
  static let lowercase = CharacterClass(rawValue: 1 << 1)  // Ll
  static let titlecase = CharacterClass(rawValue: 1 << 2)  // Lt
  static let modifier = CharacterClass(rawValue: 1 << 3)  // Lm
  static let otherLetter = CharacterClass(rawValue: 1 << 4)  // Lo
  static let mark = CharacterClass(rawValue: 1 << 5)  // M
  static let number = CharacterClass(rawValue: 1 << 6)  // N
  static let punctuation = CharacterClass(rawValue: 1 << 7)  // P
  static let symbol = CharacterClass(rawValue: 1 << 8)  // S
  /// White_Space, which `\s` means.
  static let whitespace = CharacterClass(rawValue: 1 << 9)
  /// Carriage return and line feed.
  static let lineBreak = CharacterClass(rawValue: 1 << 10)
  static let lineFeed = CharacterClass(rawValue: 1 << 11)
  static let space = CharacterClass(rawValue: 1 << 12)  // U+0020
  static let slash = CharacterClass(rawValue: 1 << 13)
  static let asciiDigit = CharacterClass(rawValue: 1 << 14)
  static let asciiLetter = CharacterClass(rawValue: 1 << 15)
  /// `!` to `/`, `:` to `@`, `[` to `` ` ``, `{` to `~`.
  static let asciiPunctuation = CharacterClass(rawValue: 1 << 16)
  /// `$ + < = > ^ ~ |`, which Falcon's rules count as punctuation.
  static let operatorSign = CharacterClass(rawValue: 1 << 17)
  static let backquote = CharacterClass(rawValue: 1 << 18)
  /// U+4E00 to U+9FA5, U+0800 to U+4E00, U+AC00 to U+D7FF: one class in the rules of DeepSeek's first models.
  static let eastAsian = CharacterClass(rawValue: 1 << 19)
  /// U+4E00 to U+9FA5 and U+3040 to U+30FF: one class in the rules of DeepSeek V3.
  static let ideographOrKana = CharacterClass(rawValue: 1 << 20)
  /// The letters of cased scripts as DeepSeek LLM's rules list them.
  static let listedLetter = CharacterClass(rawValue: 1 << 21)
  /// Punctuation as DeepSeek LLM's rules list it: `!` to `/`, `:` to `~` (so letters too: it cuts `ée` in two), the
  /// same in full width, U+2018 to U+201F, U+3000 to U+3002.
  static let listedPunctuation = CharacterClass(rawValue: 1 << 22)
  /// What `\w` means: alphabetic, marks, decimal digits, connectors, joiners.
  static let word = CharacterClass(rawValue: 1 << 23)
  /// U+2581, which stands for a space in SentencePiece vocabularies.
  static let spaceMark = CharacterClass(rawValue: 1 << 24)
  static let other = CharacterClass(rawValue: 1 << 25)  // C, but for what is not assigned

  static let letter: CharacterClass = [.uppercase, .lowercase, .titlecase, .modifier, .otherLetter]
  static let upperLike: CharacterClass = [.uppercase, .titlecase, .modifier, .otherLetter, .mark]
  static let lowerLike: CharacterClass = [.lowercase, .modifier, .otherLetter, .mark]

  /// The classes of a scalar value; U+FFFD's for a value that is none.
  @inline(__always)
  static func of(_ value: UInt32) -> CharacterClass {
    value < 128 ? ascii[Int(value)] : computed(value)
  }

  private static let ascii: [CharacterClass] = (0..<128).map { computed(UInt32($0)) }

  private static func computed(_ value: UInt32) -> CharacterClass {
    guard let scalar = Unicode.Scalar(value) else { return .symbol }
    var result = general(scalar.properties.generalCategory)
    if scalar.properties.isWhitespace { result.insert(.whitespace) }
    if isWord(scalar, result) { result.insert(.word) }
    if value < 128 { return result.union(asciiClasses(UInt8(value))) }
    switch value {
    case 0x2581: result.insert(.spaceMark)
    case 0x2018...0x201F, 0x3000...0x3002, 0xFF01...0xFF0F, 0xFF1A...0xFF5E: result.insert(.listedPunctuation)
    default: break
    }
    switch value {
    case 0x0800...0x9FA5, 0xAC00...0xD7FF: result.insert(.eastAsian)
    default: break
    }
    switch value {
    case 0x4E00...0x9FA5, 0x3040...0x30FF: result.insert(.ideographOrKana)
    default: break
    }
    if isListedLetter(value) { result.insert(.listedLetter) }
    return result
  }

  private static func general(_ category: Unicode.GeneralCategory) -> CharacterClass {
    switch category {
    case .uppercaseLetter: .uppercase
    case .lowercaseLetter: .lowercase
    case .titlecaseLetter: .titlecase
    case .modifierLetter: .modifier
    case .otherLetter: .otherLetter
    case .nonspacingMark, .spacingMark, .enclosingMark: .mark
    case .decimalNumber, .letterNumber, .otherNumber: .number
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation:
      .punctuation
    case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol: .symbol
    case .control, .format, .surrogate, .privateUse: .other
    default: []
    }
  }

  private static func isWord(_ scalar: Unicode.Scalar, _ classes: CharacterClass) -> Bool {
    let properties = scalar.properties
    return properties.isAlphabetic || properties.isJoinControl || classes.contains(.mark)
      || properties.generalCategory == .decimalNumber || properties.generalCategory == .connectorPunctuation
  }

  private static func asciiClasses(_ byte: UInt8) -> CharacterClass {
    switch byte {
    case UInt8(ascii: "\n"): return [.lineBreak, .lineFeed]
    case UInt8(ascii: "\r"): return .lineBreak
    case UInt8(ascii: " "): return .space
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return .asciiDigit
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
      return [.asciiLetter, .listedLetter, .listedPunctuation]
    case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E:
      var result: CharacterClass = [.asciiPunctuation, .listedPunctuation]
      if byte == UInt8(ascii: "/") { result.insert(.slash) }
      if byte == UInt8(ascii: "`") { result.insert(.backquote) }
      if "$+<=>^~|".utf8.contains(byte) { result.insert(.operatorSign) }
      return result
    default: return []
    }
  }
}

extension CharacterClass {
  private static func isListedLetter(_ value: UInt32) -> Bool {
    var low = 0
    var high = listedLetters.count
    while low < high {
      let middle = (low + high) / 2
      if listedLetters[middle].1 < value { low = middle + 1 } else { high = middle }
    }
    return low < listedLetters.count && listedLetters[low].0 <= value
  }

  // The second split rule of deepseek-llm-7b's tokenizer.json, its ranges as they are written there.
  private static let listedLetters: [(UInt32, UInt32)] = [
    (0x00B5, 0x00B5), (0x00C0, 0x00D6), (0x00D8, 0x00F6), (0x00F8, 0x01BA), (0x01BC, 0x01BF), (0x01C4, 0x0293),
    (0x0295, 0x02AF), (0x0370, 0x0373), (0x0376, 0x0376), (0x0377, 0x0377), (0x037B, 0x037D), (0x037F, 0x037F),
    (0x0386, 0x0386), (0x0388, 0x038A), (0x038C, 0x038C), (0x038E, 0x03A1), (0x03A3, 0x03F5), (0x03F7, 0x0481),
    (0x048A, 0x052F), (0x0531, 0x0556), (0x10A0, 0x10C5), (0x13A0, 0x13F5), (0x13F8, 0x13FD), (0x1C90, 0x1CBA),
    (0x1CBD, 0x1CBF), (0x1D00, 0x1D2B), (0x1D6B, 0x1D77), (0x1D79, 0x1D9A), (0x1E00, 0x1F15), (0x1F18, 0x1F1D),
    (0x1F20, 0x1F45), (0x1F48, 0x1F4D), (0x1F50, 0x1F57), (0x1F59, 0x1F59), (0x1F5B, 0x1F5B), (0x1F5D, 0x1F5D),
    (0x1F5F, 0x1F7D), (0x1F80, 0x1FB4), (0x1FB6, 0x1FBC), (0x1FBE, 0x1FBE), (0x1FC2, 0x1FC4), (0x1FC6, 0x1FCC),
    (0x1FD0, 0x1FD3), (0x1FD6, 0x1FDB), (0x1FE0, 0x1FEC), (0x1FF2, 0x1FF4), (0x1FF6, 0x1FFC), (0x2102, 0x2102),
    (0x2107, 0x2107), (0x210A, 0x2113), (0x2115, 0x2115), (0x2119, 0x211D), (0x2124, 0x2124), (0x2126, 0x2126),
    (0x2128, 0x2128), (0x212A, 0x212D), (0x212F, 0x2134), (0x2139, 0x2139), (0x213C, 0x213F), (0x2145, 0x2149),
    (0x214E, 0x214E), (0x2183, 0x2183), (0x2184, 0x2184), (0x2C00, 0x2C7B), (0x2C7E, 0x2CE4), (0x2CEB, 0x2CEE),
    (0x2CF2, 0x2CF2), (0x2CF3, 0x2CF3), (0xA640, 0xA66D), (0xA680, 0xA69B), (0xA722, 0xA76F), (0xA771, 0xA787),
    (0xA78B, 0xA78E), (0xAB70, 0xABBF), (0xFB00, 0xFB06), (0xFB13, 0xFB17), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A),
    (0x10400, 0x1044F), (0x104B0, 0x104D3), (0x104D8, 0x104FB), (0x10C80, 0x10CB2), (0x10CC0, 0x10CF2),
    (0x118A0, 0x118DF), (0x1E900, 0x1E943),
  ]
}
