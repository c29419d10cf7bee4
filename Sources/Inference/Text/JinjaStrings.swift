// Python's string functions over Swift strings, by code points. They know nothing of templates or their limits.

enum JinjaStrings {
  /// The words between runs of white space; the last keeps its tail once `limit` cuts are made.
  static func words(_ text: String, limit: Int) -> [String] {
    var words: [String] = []
    var rest = text.unicodeScalars[...]
    while true {
      rest = rest.drop { $0.isPythonSpace }
      guard !rest.isEmpty else { return words }
      if limit >= 0, words.count == limit { return words + [String(rest)] }
      let word = rest.prefix { !$0.isPythonSpace }
      words.append(String(word))
      rest = rest[word.endIndex...]
    }
  }

  /// As ``words(_:limit:)``, cutting from the end.
  static func wordsFromEnd(_ text: String, limit: Int) -> [String] {
    words(reversed(text), limit: limit).reversed().map(reversed)
  }

  static func reversed(_ text: String) -> String {
    var result = ""
    result.unicodeScalars.append(contentsOf: text.unicodeScalars.reversed())
    return result
  }

  /// The lines of `text` at every break that Python knows.
  static func lines(_ text: String, keepsEnds: Bool = false) -> [String] {
    var lines: [String] = []
    let scalars = Array(text.unicodeScalars)
    var start = 0
    var index = 0
    func append(to end: Int) {
      var line = ""
      line.unicodeScalars.append(contentsOf: scalars[start..<end])
      lines.append(line)
    }
    while index < scalars.count {
      guard isLineBreak(scalars[index]) else {
        index += 1
        continue
      }
      let isPair = scalars[index] == "\r" && index + 1 < scalars.count && scalars[index + 1] == "\n"
      let next = index + (isPair ? 2 : 1)
      append(to: keepsEnds ? next : index)
      start = next
      index = next
    }
    if start < scalars.count { append(to: scalars.count) }
    return lines
  }

  private static func isLineBreak(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0a...0x0d, 0x1c...0x1e, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }

  // MARK: Case

  /// `str.lower`: as Unicode has it, with the sigma that ends a word in its final form.
  static func lowered(_ text: String) -> String {
    guard text.unicodeScalars.contains("\u{3a3}") else { return text.lowercased() }
    let scalars = Array(text.unicodeScalars)
    var result = ""
    for (index, scalar) in scalars.enumerated() {
      let isFinal =
        scalar == "\u{3a3}" && scalars[..<index].last { !$0.properties.isCaseIgnorable }?.properties.isCased == true
        && scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }?.properties.isCased != true
      result += isFinal ? "\u{3c2}" : scalar.properties.lowercaseMapping
    }
    return result
  }

  static func capitalized(_ text: String) -> String {
    guard let first = text.unicodeScalars.first else { return "" }
    return first.properties.titlecaseMapping + lowered(String(text.unicodeScalars.dropFirst()))
  }

  /// `str.title`: every run of letters starts with a capital.
  static func titled(_ text: String) -> String {
    var result = ""
    var inWord = false
    for scalar in text.unicodeScalars {
      result += inWord ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
      inWord = isCased(scalar)
    }
    return result
  }

  private static func isCased(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isCased }

  /// The `title` filter: words start behind white space, hyphens and opening brackets alone.
  static func filterTitled(_ text: String) -> String {
    var result = ""
    var atStart = true
    for scalar in text.unicodeScalars {
      let separates = scalar.isPythonSpace || ["-", "(", "{", "[", "<"].contains(scalar)
      result += atStart ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
      atStart = separates
    }
    return result
  }

  static func swappedCase(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      let properties = scalar.properties
      result += properties.isUppercase ? properties.lowercaseMapping : properties.uppercaseMapping
    }
    return result
  }

  // MARK: Classes

  /// Whether `text` is not empty and every scalar passes.
  static func all(_ text: String, _ passes: (Unicode.Scalar) -> Bool) -> Bool {
    !text.isEmpty && text.unicodeScalars.allSatisfy(passes)
  }

  static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.numericType == .decimal || scalar.properties.numericType == .digit
  }

  // MARK: Padding

  enum Alignment { case left, right, center }

  /// `text` in a field of `width` code points.
  static func padded(_ text: String, width: Int, fill: Unicode.Scalar = " ", _ alignment: Alignment) -> String {
    let count = text.unicodeScalars.count
    guard width > count else { return text }
    let missing = width - count
    // Where it does not come out even, Python's center puts the odd one to the left in fields of odd width.
    let left =
      switch alignment {
      case .left: 0
      case .right: missing
      case .center: missing / 2 + (missing & width & 1)
      }
    return String(repeating: Character(fill), count: left) + text
      + String(repeating: Character(fill), count: missing - left)
  }

  static func zeroFilled(_ text: String, width: Int) -> String {
    let sign = text.unicodeScalars.first.map { $0 == "-" || $0 == "+" } == true
    let digits = sign ? String(text.unicodeScalars.dropFirst()) : text
    let filled = padded(digits, width: sign ? max(width, 1) - 1 : width, fill: "0", .right)
    return sign ? String(text.unicodeScalars.prefix(1)) + filled : filled
  }

  // MARK: Escapes

  static func escapedHTML(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "'": result += "&#39;"
      case "\"": result += "&#34;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// `text` percent-encoded; in a query '/' is encoded too and a blank becomes '+'.
  static func percentEncoded(_ text: String, inQuery: Bool) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
        UInt8(ascii: "~"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      case UInt8(ascii: "/") where !inQuery: result += "/"
      case UInt8(ascii: " ") where inQuery: result += "+"
      default:
        let hex = String(byte, radix: 16, uppercase: true)
        result += "%" + (hex.utf8.count < 2 ? "0" : "") + hex
      }
    }
    return result
  }
}
