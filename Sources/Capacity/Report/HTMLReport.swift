// The report as one page that needs nothing else: text, tables and pictures in line, in two languages, light and dark,
// narrow and wide, on paper too. HTMLBody writes one language; here they are put into one page with a switch.
import Foundation

public struct HTMLReport {
  private let report: CapacityReport
  private let language: ReportLanguage?

  /// `language` is the one shown at first; nil: the reader's own (English where scripts do not run).
  public init(_ report: CapacityReport, language: ReportLanguage? = nil) {
    self.report = report
    self.language = language
  }

  public func page() -> String {
    let first = language ?? .en
    let bodies = ReportLanguage.allCases.map { language in
      "<main lang=\"\(language.tag)\">\n\(HTMLBody(report, language).html())</main>"
    }
    return """
      <!DOCTYPE html>
      <html lang="\(first.tag)">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <title>Gobi capacity report · 算力实测报告 · \(escaped(report.node.processor.model))</title>
      <style>\(HTMLStyle.sheet)</style>
      </head>
      <body>
      \(Self.control(first))
      \(bodies.joined(separator: "\n"))
      <script>\(Self.script(follows: language == nil))</script>
      </body>
      </html>

      """
  }

  /// Two radio buttons, which the style sheet looks at: they work where scripts do not.
  private static func control(_ first: ReportLanguage) -> String {
    let buttons = ReportLanguage.allCases.map { language in
      let checked = language == first ? " checked=\"checked\"" : ""
      return "<input type=\"radio\" name=\"language\" id=\"\(language.rawValue)\"\(checked)/>"
    }
    return buttons.joined() + "<nav><label for=\"en\" lang=\"en\">English</label>"
      + "<label for=\"zh\" lang=\"zh-CN\">中文</label></nav>"
  }

  /// Chooses the reader's language, and keeps the page's `lang` true. No `<` and no `&`: the page is XML too.
  private static func script(follows: Bool) -> String {
    let choice = follows ? "if (/^zh/i.test(navigator.language)) { zh.checked = true; }" : ""
    return """
      (function () {
      var zh = document.getElementById("zh"), en = document.getElementById("en");
      function tell() { document.documentElement.lang = zh.checked ? "zh-CN" : "en"; }
      \(choice)
      zh.addEventListener("change", tell); en.addEventListener("change", tell);
      tell();
      })();
      """
  }
}
