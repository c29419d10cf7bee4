// The page: two languages that say the same, every figure with all that belongs to it, and nothing from outside.
import Capacity
import Foundation
import FoundationXML
import Testing

@Suite struct HTMLReportTests {
  private func main(_ page: String, _ tag: String) throws -> String {
    let start = try #require(page.range(of: "<main lang=\"\(tag)\">"))
    let end = try #require(page.range(of: "</main>", range: start.upperBound..<page.endIndex))
    return String(page[start.upperBound..<end.lowerBound])
  }

  private func isWellFormed(_ page: String) -> Bool {
    XMLParser(data: Data(page.replacingOccurrences(of: "<!DOCTYPE html>", with: "").utf8)).parse()
  }

  /// What a reader sees, element by element.
  private func texts(_ html: String) -> [String] {
    html.split(separator: "<").compactMap { piece in
      piece.firstIndex(of: ">").map { String(piece[piece.index(after: $0)...]) }
    }.filter { $0.contains { !$0.isWhitespace } }
  }

  @Test func oddReportsAreWellFormedPages() throws {
    for report in try ChartTests.oddReports() { #expect(isWellFormed(HTMLReport(report).page())) }
  }

  @Test func bothLanguagesHaveTheSameParts() throws {
    let page = HTMLReport(try FullReport.make()).page()
    let (en, zh) = (try main(page, "en"), try main(page, "zh-CN"))
    for part in ["<section", "<h2>", "<svg ", "<tr>", "<td", "<li>", "<p", "<circle", "<figure"] {
      let counts = [en, zh].map { $0.components(separatedBy: part).count }
      #expect(counts[0] == counts[1] && counts[0] > 3, "\(part)")
    }
    #expect(zh.components(separatedBy: "lang=\"zh-CN\"").count == zh.components(separatedBy: "<svg ").count)
  }

  /// Three English words in a row would be a sentence that nobody translated; names and sources are the report's own.
  @Test func theChinesePageHasNoEnglishSentences() throws {
    var report = try FullReport.make()
    report.nominal[0].source = "手册"
    report.models[0].facts.label = "模型"
    report.serving[0].model = "模型"
    report.waterfalls = WaterfallBuilder(report).waterfalls
    #expect(report.waterfalls.count > 1)
    report.notMeasured = Self.omissions.map { CapacityReport.Omission(what: $0.what, why: $0.why) }
    for reason in Reason.allCases { report.kernels[0].rate.mark(reason) }
    let zh = try main(HTMLReport(report).page(), "zh-CN")
    for text in texts(zh) where !report.node.processor.features.isEmpty {
      guard !text.contains(report.node.processor.features[0]) else { continue }
      // A command's name is one.
      let text = text.replacing("gobi ledger show", with: "")
      #expect(text.firstMatch(of: #/[a-z]{2,} [a-z]{2,} [a-z]{2,}/#) == nil, "\(text)")
    }
    let en = try main(HTMLReport(report).page(), "en")
    #expect(
      texts(en).allSatisfy {
        !$0.unicodeScalars.contains { (0x4e00...0x9fff).contains($0.value) } || $0.contains("手册") || $0.contains("模型")
      })
    for reason in Reason.allCases {
      #expect(
        zh.contains(reason.rawValue) && en.contains(reason.explanation.replacing("'", with: "&#39;")), "\(reason)")
    }
  }

  /// As runs tell them.
  private static let omissions: [(what: String, why: String)] = [
    ("bf16 multiply-adds, 2 threads", "avx2 has no instruction for it"),
    ("L3 memory", "the quick level's time was over"),
    ("llama-3.2-1b layer, Q4_0", "the run was cancelled"),
    ("LINPACK f64", "this build has no BLAS"), ("rate under caps", "it needs a model"),
    ("power by RAPL", "there is no /sys/class/powercap/intel-rapl*"),
    ("power by hwmon", "no sensor of /sys/class/hwmon gives power or energy"),
    ("power by the management controller (IPMI)", "there is no /dev/ipmi0"),
    ("power of accelerators (NVML)", "libnvidia-ml.so.1 is not there, or does not answer"),
    ("nominal peak", "under a hypervisor neither cores nor clocks are the machine's own"),
    ("nominal bandwidth", "channels and transfers a second of the memory are not readable"),
    ("goodput of SmolLM2", "the quick level has no time for it"),
    ("the rest", "the run was cancelled"), ("power of the idle node", "the standard level's time was over"),
  ]

  @Test func knownOmissionsAreTranslatedAndOthersStand() {
    for (what, why) in Self.omissions {
      for text in [what, why] where text != "LINPACK f64" {
        let phrase = Phrase.told(text)
        #expect(phrase[.en] == text)
        #expect(phrase[.zh] != text && !phrase[.zh].contains("{}"), "\(text)")
      }
    }
    #expect(Phrase.told("L1 memory")[.zh] == "L1 缓存")
    #expect(
      Phrase.told("decode of 16 at depth 2048: filling it would take 90 s")[.zh] == "解码，批大小 16，上下文深度 2048：填充上下文需 90 秒")
    let words = "S·F_tok: prefill of 512 tokens of llama-3.2-1b Q4_0, generated, 2.01 G operations a token"
    #expect(Phrase.told(words)[.zh] == "S·F_tok：预填充 512 token，llama-3.2-1b Q4_0, generated，每 token 2.01 G 次运算")
    #expect(
      Phrase.told("D_gemm: products of a llama-3.2-1b layer, Q4_0, m = 16")[.zh]
        == "D_gemm：llama-3.2-1b 单层矩阵乘，Q4_0，m = 16")
    #expect(Phrase.told("Cannot allocate memory")[.zh] == "Cannot allocate memory")
  }

  @Test func everyFigureHasUnitIntervalCountTagAndVerdict() throws {
    let report = try FullReport.make()
    let en = try main(HTMLReport(report).page(), "en")
    let models = report.models[0].figures
    let figures =
      report.roofs.compute.map(\.figure) + report.roofs.memory.map(\.figure) + report.linpack.map(\.rate)
      + report.kernels.map(\.rate) + models.map(\.rate) + models.flatMap { $0.energy.map(\.perToken) }
      + report.flex.flatMap(\.points).compactMap(\.rate) + report.nominal.compactMap(\.share)
    for figure in figures {
      let tag = figure.precision ?? (figure.unit == "J/token" ? report.models[0].facts.precisionTag : "—")
      let cells =
        "<td class=\"n\">\(Quantity.text(figure.value, figure.unit))</td><td class=\"n\">"
        + (figure.n > 1 ? Quantity.interval(figure) : "—")
        + "</td><td class=\"n\">\(figure.n)</td><td class=\"tag\">\(tag)</td>"
      #expect(en.contains(cells), "\(cells)")
    }
    // Whatever table shows a figure ends in its verdict; all rows are as long as their head.
    for table in en.components(separatedBy: "<table>").dropFirst() {
      let body = table.components(separatedBy: "</table>")[0]
      let heads = body.components(separatedBy: "<th ").count
      for row in body.components(separatedBy: "<tr>").dropFirst(2) {
        #expect(row.components(separatedBy: "<td").count == heads)
        #expect(row.contains("class=\"v ") || row.contains("not measured"))
      }
    }
  }

  @Test func everyFigureIsCountedOnce() throws {
    for report in try ChartTests.oddReports() {
      #expect(TrustSummary(report).parts.reduce(0) { $0 + $1.figures.count } == report.figures.count)
    }
  }

  @Test func verdictsInPlainWords() throws {
    var report = try FullReport.make()
    var page = HTMLReport(report).page()
    #expect(page.contains("In part: ") && page.contains("部分可信："))
    #expect(page.contains("CONTENDED, ") && page.contains("资源被争用（CONTENDED）"))
    report.kernels[0].rate.mark(.numericFail)
    page = HTMLReport(report).page()
    #expect(page.contains("No: a result differed") && page.contains("不可信：计算结果与参考值之差超出误差界"))
    report = try SmallReport(spread: 0).report()
    page = HTMLReport(report).page()
    #expect(
      page.contains("Yes: all \(report.figures.count) figures") && page.contains("可信：全部 \(report.figures.count) 项"))
  }

  @Test func languageIsTheReadersOrTheOneGiven() throws {
    let report = try sampleReport()
    let reader = HTMLReport(report).page()
    #expect(reader.contains("<html lang=\"en\">") && reader.contains("navigator.language"))
    #expect(reader.contains("id=\"en\" checked=\"checked\"") && !reader.contains("id=\"zh\" checked"))
    let given = HTMLReport(report, language: .zh).page()
    #expect(given.contains("<html lang=\"zh-CN\">") && !given.contains("navigator.language"))
    #expect(given.contains("id=\"zh\" checked=\"checked\"") && !given.contains("id=\"en\" checked"))
  }

  @Test func hostileNamesAreText() throws {
    var report = try FullReport.make()
    let bad = "</title></svg><script>alert(1)</script><img src=x onerror=alert(1)>\u{0}\u{1b}\""
    report.node.processor.model = bad
    report.node.processor.features = [bad]
    report.node.system.distribution = bad
    report.models[0].facts.label = bad
    report.models[0].notMeasured = [bad]
    report.kernels[0].format = bad
    report.kernels[0].model = bad
    report.roofs.memory[0].level = bad
    report.nominal[0].source = bad
    report.energy.series[0].channel.name = bad
    report.serving[0].system = bad
    report.serving[0].lengths = bad
    report.waterfalls[0].model = bad
    report.notMeasured = [.init(what: bad, why: bad)]
    let page = HTMLReport(report).page()
    #expect(isWellFormed(page))
    #expect(page.components(separatedBy: "<script").count == 2 && !page.contains("<img"))
    #expect(page.contains("&lt;script&gt;alert(1)"))
  }

  @Test func chartsTellWhatTheyAre() throws {
    let page = HTMLReport(try FullReport.make()).page()
    let pictures = page.components(separatedBy: "<svg ").dropFirst()
    #expect(pictures.count > 40)
    for picture in pictures {
      #expect(picture.contains("role=\"img\"") && picture.contains("><title>") && picture.contains("<desc>"))
      #expect(!picture.contains("<title></title>") && !picture.contains("<desc></desc>"))
    }
  }
}
