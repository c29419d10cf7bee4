// A whole run at the quick level, cut short: it is a valid, partial report. And the hash.
import Capacity
import Foundation
import TestSupport
import Testing

@Suite struct RunTests {
  @Test func aCancelledRunIsAValidPartialReport() throws {
    var options = CapacityOptions(level: .quick, version: "test")
    options.threads = 1
    var phases: [CapacityProgress] = []
    let run = CapacityRun(options, models: [])
    let report = try run.run(progress: { phases.append($0) }, isCancelled: { phases.count > 4 })
    #expect(!report.isComplete)
    #expect(report.notMeasured.contains { $0.why.contains("cancelled") })
    #expect(!report.roofs.compute.isEmpty && report.kernels.isEmpty)
    #expect(phases.last?.fraction == 1)
    #expect(zip(phases, phases.dropFirst()).allSatisfy { $0.fraction <= $1.fraction && $1.fraction <= 1 })
    #expect(phases.allSatisfy { $0.secondsLeft >= 0 && $0.secondsLeft <= 25 })
    #expect(try CapacityReport(json: report.json(), path: "x") == report)
    #expect(report.node.build.version == "test" && report.node.build.binaryHash?.count == 64)
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
    options.kernelShape = "nothing"
    #expect(throws: CapacityError.self) { _ = try CapacityRun(options, models: []).run() }
  }
}
