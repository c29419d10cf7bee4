// One thing the page says, in each of its languages. A phrase with one of them missing does not compile. The phrases
// themselves stand in Phrase+*.swift.

/// The languages of the page.
public enum ReportLanguage: String, CaseIterable, Sendable {
  case en, zh

  /// For `lang` attributes (BCP 47).
  var tag: String { self == .en ? "en" : "zh-CN" }
}

package struct Phrase: Sendable, Equatable {
  package let en: String
  package let zh: String

  init(_ en: String, _ zh: String) {
    self.en = en
    self.zh = zh
  }

  /// Names, numbers and symbols, which are the same in every language.
  static func same(_ text: String) -> Phrase { Phrase(text, text) }

  package subscript(language: ReportLanguage) -> String {
    switch language {
    case .en: en
    case .zh: zh
    }
  }

  static func + (a: Phrase, b: Phrase) -> Phrase { Phrase(a.en + b.en, a.zh + b.zh) }

  /// "a, b, c"; "a、b、c".
  static func list(_ parts: [Phrase]) -> Phrase {
    Phrase(parts.map(\.en).joined(separator: ", "), parts.map(\.zh).joined(separator: "、"))
  }
}
