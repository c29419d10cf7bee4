// A service in the report: its trials worked out anew from their samples, edits found, what is chosen for a node, the
// table and its CSV.
import Capacity
import Foundation
import TestSupport
import Testing

@Suite struct ServingReportTests {
  private let service = Result { try simulatedService(model: "m", precision: "t") }

  @Test func trialsFollowFromTheirSamples() throws {
    let result = try service.get()
    #expect(result.problems == [] && result.validity == .valid && result.knee.trials.count > 3)
    #expect(result.goodput?.value == result.best?.goodRate && result.goodput?.validity == .valid)
    #expect(result.goodput?.precision == "t" && result.goodput?.recomputed.value == result.goodput?.value)
    let short = result.withoutSamples
    #expect(short.knee.trials.allSatisfy { $0.samples == nil } && short.goodput == result.goodput)
    #expect(short.problems.contains { $0.contains("no samples") })
  }

  /// Each edit is one that makes a node look better than it is.
  @Test func editsAreFound() throws {
    let sound = try service.get()
    let passing = try #require(sound.knee.trials.lastIndex { $0.passes })
    let edits: [(String, (inout ServingResult) -> Void)] = [
      ("goodput", { $0.knee.trials[passing].goodRate *= 1.01 }),
      ("rate", { $0.knee.trials[passing].rate *= 1.01 }),
      ("misses", { $0.knee.trials[0].misses += 1 }),
      ("passes", { result in result.knee.trials.indices.forEach { result.knee.trials[$0].passes = true } }),
      ("knee", { $0.knee.passed = 100 }), ("validity", { $0.validity = .inconclusive }),
      ("width", { $0.width = 1e-9 }),
      ("arrival", { $0.knee.trials[passing].samples?.arrival[3] += 0.001 }),
      ("seed", { $0.seed += 1 }),
      ("column", { $0.knee.trials[0].samples?.sent.removeLast() }),
      ("gaps", { $0.knee.trials[0].samples?.largestGap += 1 }),
      ("tokens", { $0.knee.trials[0].samples?.tokens[0] = .max }),
      ("objective", { $0.objective.timeToFirstToken = 1 }),
      ("place", { $0.knee.trials[0].samples?.gapPlaces[0] = -1 }),
    ]
    for (name, edit) in edits {
      var result = sound
      edit(&result)
      #expect(result.problems != [], "\(name)")
    }
  }

  @Test func aSharedNodeIsTold() throws {
    var result = try service.get()
    let tree = try RecordedTree.twoSocketXeon()
    var window = GuardWindow(from: Guard(tree.files).read(), to: Guard(tree.files).read())
    window.reasons = [.contended]
    result.describes(model: "m", precision: "t", mostSequences: 4, depth: 9, window: window)
    #expect(result.goodput?.validity == .invalid && result.goodput?.reasons == [.contended] && result.problems == [])
  }

  @Test func aKneeThatWasNotFoundIsInconclusive() throws {
    var result = try service.get()
    result = ServingResult(
      system: "s", objective: result.objective, lengths: result.lengths,
      knee: Knee(trials: Array(result.knee.trials.prefix(1))), width: result.width, seed: result.seed)
    #expect(result.validity == .inconclusive && result.problems == [])
    #expect((result.goodput?.validity ?? .inconclusive) == .inconclusive)
    #expect(TextReport.lines(of: result).allSatisfy { $0.count <= 80 })
  }

  @Test func reportsKnowIt() throws {
    let report = try soundReport()
    #expect(report.figures.contains { $0.protocol == "goodput" })
    let named = try #require(report.namedFigures.first { $0.symbol == "G" })
    #expect(named.name.contains("ttft=0.5s") && named.layer == .tokens && named.largerIsBetter)
    var edited = report
    edited.serving[0].precision = "f32×f32:f32→f32"
    #expect(ReportCheck(edited).problems.contains { $0.contains("serving[0]") })
    edited = report
    edited.serving[0].knee.trials[0].samples?.now += 1
    #expect(try RawSamples(edited).hash() != RawSamples(report).hash())
    edited = report
    edited.flex[0].points[0].service?.goodRate *= 2
    #expect(ReportCheck(edited).problems.contains { $0.contains("flex[0].points[0].service") })
    edited.serving = []
    #expect(try RawSamples(edited).hash() != RawSamples(report).hash())
  }

  @Test func lengthsThatANodeHasTimeFor() {
    let choice = { (speed: Double, options: ServingOptions) in
      ServingChoice(options, prefill: 10 * speed, decode: speed, seconds: 150)
    }
    // 4 loads of 479 requests in 150 s are 12.8 a second: 572 token/s of decode bear requests of 128 and 32 then.
    #expect(choice(1e6, .init()).prompt == 512)
    #expect(choice(600, .init()).output == 32 && choice(500, .init()).output == 16)
    #expect(choice(1, .init()).output == 4)
    #expect(ServingChoice(.init(), prefill: nil, decode: nil, seconds: 150).bearable == nil)
    var options = ServingOptions()
    options.promptTokens = 7
    #expect(choice(1e6, options).name == "prompts of 7, outputs of 128 tokens")
    #expect(throws: Never.self) { try options.check() }
    options.outputTokens = 0
    #expect(throws: CapacityError.self) { try options.check() }
    options.outputTokens = nil
    options.timePerOutputToken = -.infinity
    #expect(throws: CapacityError.self) { try options.check() }
  }

  @Test func csvIsReadBack() throws {
    var report = try soundReport()
    report.models[0].facts.label = "a \"quoted\", long\r\nname"
    let rows = Self.parsed(try ExportFormat.csv.text(report))
    #expect(rows[0].count == 11 && rows[0][0] == "name" && rows.allSatisfy { $0.count == 11 })
    #expect(rows.count == Set(rows.map { "\($0[0]) \($0[4])" }).count)
    for named in report.namedFigures + report.namedShares {
      let row = try #require(rows.first { $0[0] == named.name })
      #expect(
        Double(row[1]) == named.figure.value && row[2] == named.figure.unit && row[3] == named.figure.precision ?? "")
      #expect(Double(row[5]) == named.figure.ci95[0] && Int(row[7]) == named.figure.n)
      #expect(row[9] == named.figure.validity.rawValue)
    }
    #expect(rows.contains { $0[0].contains("quoted\", long\r\nname") })
    let ninth = try #require(rows.first { $0[0].hasPrefix("TTFT") && $0[4] == "p99" })
    #expect(Double(ninth[1]) == report.serving[0].best?.timeToFirstToken?.p99)
    #expect(rows.count { $0[8] == "waterfall" } == report.waterfalls.reduce(0) { $0 + 2 * $1.steps.count - 1 })
  }

  /// RFC 4180, as its grammar has it.
  private static func parsed(_ text: String) -> [[String]] {
    var rows: [[String]] = [[""]]
    var isQuoted = false
    var scalars = Array(text.unicodeScalars)[...]
    while let scalar = scalars.popFirst() {
      let row = rows.count - 1, column = rows[row].count - 1
      if isQuoted {
        if scalar != "\"" {
          rows[row][column].unicodeScalars.append(scalar)
        } else if scalars.first == "\"" {
          scalars.removeFirst()
          rows[row][column].append("\"")
        } else {
          isQuoted = false
        }
      } else if scalar == "\"" {
        isQuoted = true
      } else if scalar == "," {
        rows[row].append("")
      } else if scalar == "\r", scalars.first == "\n" {
        scalars.removeFirst()
        rows.append([""])
      } else {
        rows[row][column].unicodeScalars.append(scalar)
      }
    }
    return rows.dropLast()
  }
}
