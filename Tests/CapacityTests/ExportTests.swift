// Exports: every format's own rules, whatever stands in a report, and no figure told as VALID that is not.
import Capacity
import Foundation
import TestSupport
import Testing

@Suite struct ExportTests {
  @Test func prometheusKeepsTheNamesApart() throws {
    let text = try ExportFormat.prometheus.text(SmallReport(invalid: .contended).report())
    let lines = text.split(separator: "\n")
    let valid = lines.filter { $0.hasPrefix("gobi_figure{") }
    #expect(valid.contains { $0.contains("symbol=\"R_pk\"") && $0.contains("precision=\"s8×s8:s32→s32\"") })
    #expect(!valid.contains { $0.contains("D_gemm") || $0.contains("rho_k") })
    #expect(
      lines.contains {
        $0.hasPrefix("gobi_unconfirmed_figure{symbol=\"D_gemm\"")
          && $0.contains("validity=\"INVALID\",reasons=\"CONTENDED\"")
      })
    for line in lines where !line.hasPrefix("#") {
      #expect(line.wholeMatch(of: /[a-z_]+(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)*\})? -?[0-9.e+-]+/) != nil, "\(line)")
    }
    #expect(Set(lines).count == lines.count)
  }

  @Test func hostileTextIsEscaped() throws {
    var report = try SmallReport().report()
    report.node.processor.model = "a\"b\\c\nd{}"
    report.node.build.version = "\n=;,|&"
    report.started = "2026\n-01"
    report.models[0].facts.label = "x\"} 1\ngobi_figure 2"
    let prometheus = try ExportFormat.prometheus.text(report).split(separator: "\n")
    #expect(prometheus.contains { $0.contains("processor=\"a\\\"b\\\\c\\nd{}\"") })
    #expect(!prometheus.contains("gobi_figure 2"))
    for line in try ExportFormat.nfd.text(report).split(separator: "\n") {
      let parts = line.split(separator: "=", omittingEmptySubsequences: false)
      #expect(parts.count == 2, "\(line)")
      for part in parts {
        #expect(part.count <= 63 && part.wholeMatch(of: /[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?/) != nil, "\(line)")
      }
    }
    let slurm = try ExportFormat.slurm.text(report)
    #expect(slurm.wholeMatch(of: /[A-Za-z0-9_.,-]+\n/) != nil)
    #expect(try JSONSerialization.jsonObject(with: Data(ExportFormat.cats.text(report).utf8)) is [String: Any])
  }

  @Test func schedulersSeeValidRoofsOnly() throws {
    var report = try SmallReport().report()
    report.roofs.memory[0].figure.mark(.contended)
    let nfd = try ExportFormat.nfd.text(report)
    #expect(nfd.contains("gobi.R_pk.s8.GOPs=") && nfd.contains("gobi.fit=true"))
    #expect(nfd.contains("gobi.B_pk.DRAM.read.validity=INVALID.CONTENDED") && !nfd.contains("GBs="))
    let slurm = try ExportFormat.slurm.text(report)
    #expect(slurm.contains("gobi_R_pk.s8_ge512GOPs") && slurm.contains("_ge128GOPs") && !slurm.contains("ge1024"))
    #expect(!slurm.contains("GBs") && slurm.contains("gobi_B_pk.DRAM.read_INVALID.CONTENDED"))
    report.roofs.compute[0].figure.mark(.numericFail)
    #expect(try ExportFormat.slurm.text(report).hasPrefix("gobi_unfit,"))
    #expect(try ExportFormat.nfd.text(report).contains("gobi.fit=false"))
  }

  @Test func catsTellsTheSource() throws {
    let text = try ExportFormat.cats.text(SmallReport(invalid: .throttled).report())
    let json = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let metrics = try #require(json["metrics"] as? [[String: Any]])
    let roof = try #require(metrics.first { $0["name"] as? String == "R_pk s8 threads=all" })
    #expect(roof["source"] as? String == "directly measured" && roof["validity"] as? String == "VALID")
    #expect(metrics.contains { $0["source"] as? String == "nominal" && $0["validity"] == nil })
    #expect(metrics.contains { $0["validity"] as? String == "INVALID" && $0["reasons"] as? [String] == ["THROTTLED"] })
  }

  @Test func filesAreReplacedWhole() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("gobi.prom")
    try Data("old".utf8).write(to: URL(fileURLWithPath: path))
    let report = try SmallReport().report()
    try ExportFormat.prometheus.write(report, to: path)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == ExportFormat.prometheus.text(report))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["gobi.prom"])
    #expect(throws: CapacityError.self) { try ExportFormat.nfd.write(report, to: path + "/x") }
  }
}
