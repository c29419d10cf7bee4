// The report: JSON there and back, its schema, well-formed pages and pictures, 80 columns, files that are whole.
import Capacity
import Foundation
import FoundationXML
import TestSupport
import Testing

/// A report with every kind of part, good and bad.
func sampleReport() throws -> CapacityReport {
  let tree = try RecordedTree.twoSocketXeon()
  var node = NodeReader(tree.files).manifest(build: RecordedTree.build)
  node.processor.model = "Fast & <Furious> \"CPU\""
  var report = CapacityReport(started: "2026-01-02T03:04:05Z", level: .standard, seed: 7, node: node)
  let rule = StoppingRule(minimumSamples: 3, seconds: 1)
  let quiet = GuardCounts(from: Guard(tree.files).read(), to: Guard(tree.files).read())
  var shared = quiet
  (shared.ticks, shared.busyTicks, shared.ownTicks) = (1000, 700, 400)
  let figure = { (value: Double, unit: String, tag: String?, name: String) in
    Figure(
      samples: [value, value * 1.001, value * 0.999, value], unit: unit, precision: tag, protocol: name, rule: rule,
      windows: [quiet])
  }
  for (precision, value) in [(Precision.f64, 6e10), (.f32, 1.2e11), (.bf16, 2.4e11), (.s8, 4.7e11)] {
    for threads in [1, 2] {
      report.roofs.compute.append(
        ComputeRoof(
          precision: precision, threads: threads,
          figure: figure(value * Double(threads), precision.unit, precision.tag, "roof-compute")))
    }
  }
  for (level, pass, value) in [
    ("L1", MemoryRoof.Pass.read, 4e11), ("DRAM", .read, 5.4e10), ("DRAM", .copy, 4e10), ("DRAM", .latency, 9.8e-8),
  ] {
    report.roofs.memory.append(
      MemoryRoof(
        level: level, pass: pass, threads: pass == .latency ? 1 : 2, bytes: 1 << 27, hugePages: true,
        figure: figure(value, pass == .latency ? "s" : "B/s", nil, pass == .latency ? "roof-latency" : "roof-memory")))
  }
  report.roofs.memory.append(
    MemoryRoof(
      level: "DRAM", pass: .loadedLatency, threads: 2, bytes: 1 << 27, hugePages: true,
      figure: figure(2e-7, "s", nil, "roof-loaded-latency"), load: figure(5e10, "B/s", nil, "roof-load")))
  report.roofs.memory.append(
    MemoryRoof(
      level: "DRAM", pass: .read, threads: 2, bytes: 1 << 27, hugePages: false,
      figure: figure(4e10, "B/s", nil, "roof-memory")))
  report.roofs.numa = [(0, 0), (0, 1), (1, 0), (1, 1)].map { from, to in
    NUMARoof(
      processors: from, memory: to, threads: 1, bytes: 1 << 27, placed: 1,
      read: figure(from == to ? 3e10 : 2e10, "B/s", nil, "roof-memory"),
      latency: figure(from == to ? 1e-7 : 2e-7, "s", nil, "roof-latency"))
  }
  for (format, tag) in [("Q4_0", "w4×s8:s32→f32:32"), ("BF16", Precision.bf16.tag)] {
    for (m, rate, intensity) in [(1, 8e10, 3.5), (512, 7e11, 800.0)] {
      var point = KernelPoint(
        model: "llama-3.2-1b", format: format, m: m, kernel: "ck_matmul_\(format)",
        rate: figure(rate, "OP/s", tag, "gemm-layer"),
        intensity: intensity, share: nil, boundBy: m == 1 ? "memory" : "compute", check: "rows 0 and 3 against double")
      if m == 1 && format == "BF16" {
        point.rate.windows = [shared]
        point.rate = point.rate.recomputed
      }
      point.share = point.rate.share(of: 9e11, protocol: "gemm-share")
      report.kernels.append(point)
    }
  }
  report.linpack = [
    LinpackResult(
      kind: .mixed, n: 4000, residual: 0.004, refinements: 2,
      rate: figure(1e11, "FLOP/s", Precision.f64.tag, "linpack-mixed"),
      share: nil)
  ]
  let facts = ModelFacts(
    label: "a <model> & more", architecture: "llama", layers: 16, heads: 32, headDimension: 64, vocabulary: 128_256,
    activeParameters: 1_235_814_400, headParameters: 262_668_288, activeWeightBytes: 700_000_000,
    cacheBytesPerPosition: 32_768, precision: .s8, precisionTag: "w4×s8:s32→f32:32", fileBytes: 766_000_000, hash: nil,
    isGenerated: true)
  let speed = figure(350, "token/s", facts.precisionTag, "prefill")
  report.models = [
    ModelResult(
      facts: facts, formula: ModelFacts.formula,
      quality: QualityCheck(exact: [1, 2, 3, 1], served: [1.001, 2, 3, 1.01], vocabulary: 2),
      figures: [
        ModelFigure(
          work: .prefill, count: 512, depth: 0, rate: speed, mfu: speed.share(of: 480, protocol: "mfu"), mbu: nil),
        ModelFigure(
          work: .decode, count: 1, depth: 2048, rate: speed, mfu: nil, mbu: speed.share(of: 400, protocol: "mbu")),
      ], notMeasured: ["decode of 16 at depth 2048: filling it would take 90 s"])
  ]
  let nominal = NominalFigures(
    peaks: [.init(precision: .s8, value: 1.2e12, source: "a <data sheet>")],
    memory: .init(value: 7.7e10, source: "2 channels"))
  report.nominal = NominalShare.of(nominal, report.roofs)
  report.node.memory.modules = [.init(place: "A", bytes: 1 << 35, kind: "DDR5", megatransfers: 4800)]
  report.node.memory.slots = 4
  report.node.build.libc = "glibc 2.36"
  try addEnergy(to: &report)
  report.models[0].figures.append(ModelFigure(work: .decode, count: 4, depth: 9, rate: speed))
  report.serving = [try simulatedService(model: facts.label, precision: facts.precisionTag)]
  report.flex[0].objective = report.serving[0].objective
  report.flex[0].points[0].service = report.serving[0].best
  report.waterfalls = WaterfallBuilder(report).waterfalls
  report.notMeasured = [.init(what: "BF16 multiply-adds", why: "avx2 has no instruction for it")]
  report.window = GuardWindow(quiet)
  report.isComplete = true
  report.seconds = 123.4
  return report
}

/// Two sensors of two classes, of 80 and 200 W, and what a site states.
private func addEnergy(to report: inout CapacityReport) throws {
  for (name, component, energyClass, watts) in [
    ("rapl package-0", PowerChannel.Component.processor, EnergyClass.c, 80.0), ("ipmi dcmi", .node, .b, 200),
  ] {
    var channel = PowerChannel(name: name, group: "rapl", component: component, energyClass: energyClass)
    channel.isCounted = true
    var series = PowerSeries(channel)
    for i in 0...40 { series.append(seconds: Double(i) / 2, watts: watts, joules: watts * Double(i) / 2) }
    report.energy.series.append(series)
  }
  let stated = { (value: Double) in SiteFactors.Stated(value: value, source: "<operator>", time: "2026-01-01T00:00:00Z")
  }
  report.energy.site = SiteFactors(
    pue: stated(1.3), gramsPerKilowattHour: stated(550), embodiedGramsPerHour: stated(20))
  report.energy.notMeasured = [.init(what: "power of accelerators (NVML)", why: "no <library>")]
  report.energy.idleSpan = WorkSpan(begin: 0, end: 4, tokens: 0)
  for i in report.models[0].figures.indices {
    report.models[0].figures[i].depth = 0
    report.models[0].figures[i].spans = (0..<4).map {
      WorkSpan(begin: 5 + Double($0), end: 5.9 + Double($0), tokens: i == 0 ? 512 : 80)
    }
  }
  let rate = report.models[0].figures[1].rate
  var point = FlexPoint(cap: 150, isIdle: false, rate: rate, stepP99: 0.02, setAt: 9, spans: [])
  point.spans = (0..<4).map { WorkSpan(begin: 10 + Double($0), end: 10.9 + Double($0), tokens: 80) }
  let idle = FlexPoint(
    cap: 0, isIdle: true, setAt: 1, spans: [WorkSpan(begin: 2, end: 4, tokens: 0)])
  report.flex = [FlexCurve(kind: .power, unit: "W", model: "a <model>", points: [point, idle], seed: 3)]
  let account = EnergyAccount(report.energy.series, site: report.energy.site, seed: report.seed)
  report.flex = report.flex.map(account.filled)
  report.models = report.models.map(account.filled)
  report.energy.idle = account.idle(report.energy.idleSpan)
}

@Suite struct ReportTests {
  @Test func jsonThereAndBack() throws {
    let report = try sampleReport()
    let json = try report.json()
    #expect(try CapacityReport(json: json, path: "x") == report)
  }

  @Test func jsonFollowsThePublishedSchema() throws {
    let json = try JSONSerialization.jsonObject(with: sampleReport().json())
    let schema = try Schema.published()
    #expect(schema.errors(in: json) == [])
  }

  @Test func theSchemaRefusesWhatItShould() throws {
    let schema = try Schema.published()
    var json = try #require(JSONSerialization.jsonObject(with: sampleReport().json()) as? [String: Any])
    json["level"] = "eternal"
    json["surprise"] = 1
    json["started"] = nil
    let errors = schema.errors(in: json).joined(separator: "\n")
    #expect(errors.contains("level") && errors.contains("surprise") && errors.contains("started"))
  }

  @Test func foreignJSONIsRefusedByName() {
    for text in ["", "[]", "{}", "{\"schema\": 5}"] {
      let error = #expect(throws: CapacityError.self) {
        _ = try CapacityReport(json: Data(text.utf8), path: "some.json")
      }
      #expect(error?.description.contains("some.json") == true)
    }
  }

  @Test func anotherVersionIsRefused() throws {
    let text = String(decoding: try sampleReport().json(), as: UTF8.self)
      .replacingOccurrences(of: "gobi.capacity/1", with: "gobi.capacity/9")
    #expect(throws: CapacityError.self) { _ = try CapacityReport(json: Data(text.utf8), path: "x") }
  }

  @Test func textFitsEightyColumns() throws {
    let text = TextReport(try sampleReport()).text()
    for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    for word in [
      "INT8", "350", "CONTENDED", "not measured", "LINPACK", "Q4_0", "class C", "J/token", "a request of 512",
      "150 W", "idle", "INT8 nominal", "SERVICE", "requests/s", "WATERFALL", "bytes of decode",
      "operations of serving, 4 at once",
      "token/s within the objective",
    ] {
      #expect(text.contains(word), "\(word)")
    }
  }

  @Test func pageIsWellFormedAndSelfContained() throws {
    let page = HTMLReport(try sampleReport()).page()
    let xml = page.replacingOccurrences(of: "<!DOCTYPE html>", with: "")
    let parser = XMLParser(data: Data(xml.utf8))
    #expect(parser.parse(), "\(String(describing: parser.parserError)) at line \(parser.lineNumber)")
    #expect(page.contains("Fast &amp; &lt;Furious&gt;"))
    #expect(page.contains("class B") && page.contains("&lt;operator&gt;"))
    #expect(page.contains("<svg") && page.contains("CONTENDED") && page.contains("prefers-color-scheme: dark"))
    for outside in ["https://", "src=", "href", "@import", "url("] {
      #expect(!page.contains(outside))
    }
    // The one address is SVG's name space, which nothing fetches.
    #expect(
      page.components(separatedBy: "http://").count - 1 == page.components(
        separatedBy: "xmlns=\"http://www.w3.org/2000/svg\""
      ).count - 1)
  }

  @Test func emptyReportIsAPageToo() throws {
    var report = try sampleReport()
    (report.roofs, report.kernels, report.models, report.linpack) = (Roofs(), [], [], [])
    report.isComplete = false
    let page = HTMLReport(report).page().replacingOccurrences(of: "<!DOCTYPE html>", with: "")
    #expect(XMLParser(data: Data(page.utf8)).parse())
    #expect(page.contains("partial"))
    #expect(TextReport(report).text().contains("partial"))
  }

  @Test func noSensorIsNotMeasuredNeverZero() throws {
    var report = try sampleReport()
    report.energy = EnergyReport()
    report.energy.notMeasured = [.init(what: "power by RAPL", why: "there is no such folder")]
    for i in report.models[0].figures.indices { report.models[0].figures[i].energy = [] }
    let pages = [
      TextReport(report).text(), MarkdownReport(report).energy(), MarkdownReport(report).models(),
      HTMLReport(report).page(),
    ]
    for page in pages {
      #expect(page.localizedCaseInsensitiveContains("not measured") && !page.contains("0.00 J"))
    }
    for page in [pages[0], pages[1], pages[3]] { #expect(page.contains("there is no such folder")) }
  }

  @Test func markdownTables() throws {
    let report = MarkdownReport(try sampleReport())
    #expect(report.models().contains("class B") && report.energy().contains("idle 200 W"))
    #expect(report.flex().contains("150 W"))
    #expect(report.energy().contains("550, stated: <operator>"))
    for table in [report.roofs(), report.kernels(), report.models()] {
      let lines = table.split(separator: "\n")
      let columns = Set(lines.map { $0.filter { $0 == "|" }.count })
      #expect(columns.count == 1 && lines.count > 2)
    }
  }

  @Test func filesAreWrittenWhole() throws {
    let folder = try TemporaryFolder()
    let report = try sampleReport()
    let paths = try report.write(to: folder.path("out"))
    #expect(try CapacityReport(json: Data(contentsOf: URL(fileURLWithPath: paths.json)), path: paths.json) == report)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("out")).sorted() == [
        "capacity.csv", "capacity.html", "capacity.json",
      ])
    // A file where the folder should be.
    let error = #expect(throws: CapacityError.self) { _ = try report.write(to: paths.json) }
    #expect(error?.description.contains(paths.json) == true)
  }

  @Test func failuresAreWrongArithmeticAndUnexplainedSpeed() throws {
    var report = try sampleReport()
    #expect(report.failures == [])
    report.kernels[0].rate.mark(.impossible)
    #expect(report.failures == [.impossible])
    report.kernels[0].rate.mark(.contended)
    #expect(report.failures == [])
    report.kernels[1].rate.mark(.numericFail)
    #expect(report.failures == [.numericFail])
  }

  @Test func roofOfAnIntensity() throws {
    let roofs = try sampleReport().roofs
    #expect(abs(try #require(roofs.limit(.s8, intensity: 2)).value - 1.08e11) < 1e9)
    #expect(roofs.limit(.s8, intensity: 1000)?.value == roofs.peak(.s8)?.value)
    #expect(Roofs().limit(.s8, intensity: 1) == nil)
  }
}

/// As much of JSON Schema as the published file uses.
private struct Schema {
  let root: [String: Any]

  static func published() throws -> Schema {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("docs/capacity.schema.json")
    let json = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
    return Schema(root: try #require(json as? [String: Any]))
  }

  func errors(in value: Any) -> [String] { errors(value, root, "") }

  private func errors(_ value: Any, _ schema: [String: Any], _ path: String) -> [String] {
    if let name = schema["$ref"] as? String {
      let defs = root["$defs"] as? [String: Any] ?? [:]
      guard let target = defs[String(name.dropFirst("#/$defs/".count))] as? [String: Any] else {
        return ["\(path): no \(name)"]
      }
      return errors(value, target, path)
    }
    var found: [String] = []
    if let only = schema["const"] as? String, value as? String != only { found.append("\(path): not \(only)") }
    if let list = schema["enum"] as? [String], !list.contains(value as? String ?? "") {
      found.append("\(path): not in the list")
    }
    switch schema["type"] as? String {
    case "string": if !(value is String) { found.append("\(path): no string") }
    case "number", "integer":
      guard let number = value as? NSNumber, !(value is String) else { return found + ["\(path): no number"] }
      if schema["type"] as? String == "integer", number.doubleValue != number.doubleValue.rounded() {
        found.append("\(path): not whole")
      }
      if let least = schema["minimum"] as? NSNumber, number.doubleValue < least.doubleValue {
        found.append("\(path): too small")
      }
    case "boolean": if !(value is Bool) { found.append("\(path): no boolean") }
    case "array":
      guard let array = value as? [Any] else { return found + ["\(path): no array"] }
      if let least = schema["minItems"] as? Int, array.count < least { found.append("\(path): too few") }
      if let most = schema["maxItems"] as? Int, array.count > most { found.append("\(path): too many") }
      guard let items = schema["items"] as? [String: Any] else { break }
      for (i, item) in array.enumerated() { found += errors(item, items, "\(path)[\(i)]") }
    case "object":
      guard let object = value as? [String: Any] else { return found + ["\(path): no object"] }
      let properties = schema["properties"] as? [String: Any] ?? [:]
      for key in schema["required"] as? [String] ?? [] where object[key] == nil {
        found.append("\(path).\(key): missing")
      }
      for (key, item) in object {
        if let part = properties[key] as? [String: Any] {
          found += errors(item, part, "\(path).\(key)")
        } else if schema["additionalProperties"] as? Bool == false {
          found.append("\(path).\(key): not known")
        }
      }
    default: break
    }
    return found
  }
}
