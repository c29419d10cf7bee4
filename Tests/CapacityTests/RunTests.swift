// A whole run at the quick level, cut short: it is a valid, partial report. And the hash.
import Capacity
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct RunTests {
  @Test func aCancelledRunIsAValidPartialReport() throws {
    var options = CapacityOptions(level: .quick, version: "test")
    options.threads = 1
    options.power.stated = try StatedPower(watts: 50, source: "a test")
    options.flex = .load
    var phases: [CapacityProgress] = []
    let run = CapacityRun(options, models: [])
    let report = try run.run(progress: { phases.append($0) }, isCancelled: { phases.count > 4 })
    #expect(!report.isComplete)
    #expect(report.notMeasured.contains { $0.why.contains("cancelled") })
    #expect(report.energy.idle.last?.energyClass == .d)
    #expect(abs(try #require(report.energy.idle.last).averageWatts - 50) < 1e-9)
    #expect(ReportCheck(report).problems == [])
    #expect(!report.roofs.compute.isEmpty && report.kernels.isEmpty)
    #expect(phases.last?.fraction == 1)
    #expect(zip(phases, phases.dropFirst()).allSatisfy { $0.fraction <= $1.fraction && $1.fraction <= 1 })
    #expect(phases.allSatisfy { $0.secondsLeft >= 0 && $0.secondsLeft <= 25 })
    #expect(try CapacityReport(json: report.json(), path: "x") == report)
    #expect(report.node.build.version == "test" && report.node.build.binaryHash?.count == 64)
  }

  /// A whole run, minutes long: the service is searched, the waterfalls reach it, and all of it is worked out anew.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["GOBI_LONG_TESTS"] == "1")) func aStandardRunServes() throws {
    let folder = try TemporaryFolder()
    let shape = try #require(SyntheticShape(name: "tiny"))
    try SyntheticModel(shape: shape, type: FileType(pure: #require(Format(name: "Q8_0"))), seed: 1)
      .write(to: folder.path("tiny.gguf")) { _ in true }
    var options = CapacityOptions(level: .standard, version: "test")
    options.formats = ["Q8_0"]
    options.serving.promptTokens = 32
    options.serving.outputTokens = 8
    let model = MeasuredModel(path: folder.path("tiny.gguf"), label: "tiny", options: .init(isGenerated: true))
    let report = try CapacityRun(options, models: [model]).run()
    let result = try #require(report.serving.first, "\(report.notMeasured)")
    #expect(result.model == "tiny" && result.mostSequences == 16 && result.depth == 36 && result.window != nil)
    #expect(result.knee.passed != nil && result.problems == [])
    let serving = try #require(report.waterfalls.first { $0.work == .serving })
    #expect(serving.steps.last?.name == .objective && serving.multipliesOut)
    #expect(ReportCheck(report).problems == [])
    #expect(try CapacityReport(json: report.json(), path: "x") == report)

  }

  /// The examples of FIPS 180-4, and a file longer than one read.
  @Test func hashesOfKnownFiles() throws {
    let folder = try TemporaryFolder()
    let long = String(repeating: "a", count: 2_000_000)
    for (text, hash) in [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (long, "bcf7f9d1b4311c3352e60502255ce09a6744df84e8f2c89f79c4b5d74933a95a"),
    ] {
      let path = folder.path("f")
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      #expect(FileHash.ofFile(path) == hash)
    }
    #expect(FileHash.ofFile(folder.path("none")) == nil)
  }

  @Test func wrongOptionsAreNamed() throws {
    var options = CapacityOptions(level: .quick, version: "test")
    options.isa = "abacus"
    #expect(throws: CapacityError.option(name: "isa", what: "there is no ISA named abacus")) {
      _ = try CapacityRun(options, models: []).run()
    }
    options.isa = nil
    options.formats = ["Q4_0", "Q99"]
    #expect(throws: CapacityError.option(name: "formats", what: "there is no format Q99")) {
      _ = try CapacityRun(options, models: []).run()
    }
    options.formats = nil
    options.kernelShapes = ["nothing"]
    #expect(throws: CapacityError.self) { _ = try CapacityRun(options, models: []).run() }
  }
}
