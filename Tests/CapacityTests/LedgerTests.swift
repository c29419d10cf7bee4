// The ledger: what was acknowledged is there, whatever happens; what is wrong is told and changes nothing.
import Capacity
import Foundation
import GRDB
import TestSupport
import Testing

/// A folder with a ledger in it.
private struct Place {
  let folder: TemporaryFolder
  var path: String { folder.path("ledger.sqlite") }

  init() throws { folder = try TemporaryFolder() }

  func entry(_ node: String, _ report: SmallReport, _ name: String = "r.json") throws -> LedgerEntry {
    try LedgerEntry(node: node, path: report.write(to: folder.path(name)))
  }
}

private func failure(_ body: () throws -> Void) -> LedgerError? {
  do { try body() } catch { return error as? LedgerError }
  return nil
}

@Suite struct LedgerTests {
  @Test func whatIsAddedIsThereAgain() throws {
    let place = try Place()
    let entry = try place.entry("n1", SmallReport())
    #expect(try Ledger(path: place.path, creating: true).add(entry) == 1)
    let ledger = try Ledger(path: place.path)
    let record = try #require(try ledger.records().first)
    #expect(record.node == "n1" && record.hash == entry.hash && record.day == "2026-01-02" && !record.isSigned)
    #expect(record.figures.map(\.name) == entry.report.namedFigures.map(\.name))
    #expect(
      record.figures[0].nominal == 1.2e12 && record.figures[0].value == entry.report.roofs.compute[0].figure.value)
    #expect(record.figures[1].nominal == nil)
    #expect(try ledger.report("1").report == entry.report)
    #expect(try ledger.report(String(entry.hash.prefix(10))).hash == entry.hash)
    #expect(try ledger.integrity() == ["ok"])
    #expect(failure { _ = try ledger.report("999999") } != nil)
    #expect(failure { _ = try ledger.report("*") } != nil)
    #expect(try ledger.records(of: "n2").isEmpty)
  }

  @Test func theSameReportTwiceIsRefused() throws {
    let place = try Place()
    let ledger = try Ledger(path: place.path, creating: true)
    let entry = try place.entry("n1", SmallReport())
    try ledger.add(entry)
    let again = try place.entry("n2", SmallReport(), "copy.json")
    #expect(failure { try ledger.add(again) } == .duplicate(hash: entry.hash, node: "n1"))
    #expect(try ledger.records().count == 1)
  }

  @Test func theCertificateIsKeptBeside() throws {
    let place = try Place()
    let report = try SmallReport().report()
    let bytes = [UInt8](try report.json())
    try Data(bytes).write(to: URL(fileURLWithPath: place.folder.path("r.json")))
    let certificate = try Certificate(
      of: report, reportBytes: bytes, key: SigningKey(), nonce: "n", issued: "2026-01-02T03:04:05Z")
    let path = place.folder.path("c.json")
    try certificate.write(to: path)
    let ledger = try Ledger(path: place.path, creating: true)
    try ledger.add(LedgerEntry(node: "n1", path: place.folder.path("r.json"), certificate: path))
    #expect(try ledger.report("1").certificate == certificate.bytes())
    #expect(try ledger.records()[0].isSigned)
    // Of another report.
    let other = try SmallReport(seed: 9).write(to: place.folder.path("other.json"))
    #expect(failure { _ = try LedgerEntry(node: "n1", path: other, certificate: path) } != nil)
  }

  @Test func unsoundReportsAreRefused() throws {
    let place = try Place()
    let path = place.folder.path("bad.json")
    var report = try SmallReport().report()
    report.roofs.compute[0].figure.value *= 1.5
    var late = try SmallReport().report()
    late.started = "yesterday"
    for data in [Data(), Data("{}".utf8), try report.json(), try late.json()] {
      try data.write(to: URL(fileURLWithPath: path))
      let error = failure { _ = try LedgerEntry(node: "n1", path: path) }
      guard case .unsound(path, _) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
    let good = try SmallReport().write(to: place.folder.path("good.json"))
    for node in ["", "a b", "a,b", "../x", "a=b", "-o", "..", String(repeating: "n", count: 256), "a\u{0}", "ä"] {
      guard case .request = failure({ _ = try LedgerEntry(node: node, path: good) }) else {
        Issue.record("'\(node)' was taken")
        continue
      }
    }
  }

  // MARK: Files that are wrong

  @Test func foreignAndDamagedFilesAreToldAndLeftAlone() throws {
    let place = try Place()
    #expect(failure { _ = try Ledger(path: place.path) } == .missing(path: place.path))
    let other = try DatabaseQueue(path: place.folder.path("other.sqlite"))
    try other.write { try $0.execute(sql: "CREATE TABLE t (x)") }
    try other.close()
    let foreign = try Data(contentsOf: URL(fileURLWithPath: place.folder.path("other.sqlite")))
    for data in [Data(), Data("hello".utf8), Data(repeating: 0, count: 5000), foreign] {
      try data.write(to: URL(fileURLWithPath: place.path))
      guard case .foreign = failure({ _ = try Ledger(path: place.path, creating: true) }) else {
        Issue.record("\(data.count) bytes were taken for a ledger")
        continue
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: place.path)) == data)
    }
  }

  @Test func damageIsToldAndEndsNothing() throws {
    let place = try Place()
    do {
      let ledger = try Ledger(path: place.path, creating: true)
      for seed in 1...3 as ClosedRange<UInt64> { try ledger.add(place.entry("n1", SmallReport(seed: seed))) }
    }
    let whole = try Data(contentsOf: URL(fileURLWithPath: place.path))
    var random = RandomSource(seed: 3)
    let long = ProcessInfo.processInfo.environment["GOBI_LONG_TESTS"] == "1"
    var told = 0
    for _ in 0..<(long ? 400 : 40) {
      var damaged = whole
      for _ in 0..<64 { damaged[100 + random.index(below: whole.count - 100)] = UInt8(random.index(below: 256)) }
      for end in ["-wal", "-shm"] { unlink(place.path + end) }
      try damaged.write(to: URL(fileURLWithPath: place.path))
      let error = failure {
        let ledger = try Ledger(path: place.path)
        let view = FleetView(try ledger.records(), nodes: try ledger.nodes())
        _ = FleetText(view).text()
        for number in 1...3 { _ = try ledger.report(String(number)) }
        guard try ledger.integrity() == ["ok"] else { throw LedgerError.corrupt(path: "", what: "") }
      }
      told += error == nil ? 0 : 1
    }
    #expect(told > 30)
  }

  @Test func aLockIsWaitedForAndTold() throws {
    let place = try Place()
    let ledger = try Ledger(path: place.path, creating: true, patience: 0.2)
    let entry = try place.entry("n1", SmallReport())
    let other = try DatabaseQueue(path: place.path)
    try other.inDatabase { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      #expect(failure { try ledger.add(entry) } == .locked(path: place.path, seconds: 0.2))
      #expect(try ledger.records().isEmpty)
      try db.execute(sql: "ROLLBACK")
    }
    #expect(try ledger.add(entry) == 1)
  }

  @Test(.enabled(if: canMount)) func aFullDiskLosesNothing() throws {
    let mount = try Mount("size=400k")
    let place = try Place()
    let path = mount.folder.path("ledger.sqlite")
    let ledger = try Ledger(path: path, creating: true)
    var added: [String] = []
    var error: LedgerError?
    for seed in 1...200 as ClosedRange<UInt64> {
      let entry = try place.entry("n1", SmallReport(seed: seed))
      error = failure {
        try ledger.add(entry)
        added.append(entry.hash)
      }
      if error != nil { break }
    }
    #expect(error == .full(path: path) && !added.isEmpty)
    #expect(try Ledger(path: path).records().map(\.hash) == added)
    #expect(try ledger.integrity() == ["ok"])
  }

  @Test(.enabled(if: canMount)) func aReadOnlyFolderIsTold() throws {
    let mount = try Mount("size=400k,ro")
    let path = mount.folder.path("ledger.sqlite")
    guard case .readOnly(path, _) = failure({ _ = try Ledger(path: path, creating: true) }) else {
      Issue.record("a ledger was made where nothing can be written")
      return
    }
  }

  // MARK: Killed at any point

  /// The tool that was built beside the tests.
  private var tool: String {
    URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent("gobi").path
  }

  @Test func killedAtAnyPointItHasWhatItAcknowledged() throws {
    try #require(access(tool, X_OK) == 0, "the tool is built with the tests: \(tool)")
    let place = try Place()
    let long = ProcessInfo.processInfo.environment["GOBI_LONG_TESTS"] == "1"
    var random = RandomSource(seed: UInt64(getpid()))
    var acknowledged: [String] = []
    var seconds = 0.3
    var cut = 0
    for trial in 0..<(long ? 200 : 20) {
      let reports = try (0..<6).map {
        "n\($0)=" + (try SmallReport(seed: UInt64(1 + trial * 6 + $0)).write(to: place.folder.path("r\($0).json")))
      }
      let command = [tool, "ledger", "add", "--ledger", place.path] + reports
      let begin = FigureSampler.now()
      let child = try ChildProcess(command)
      // The first one ends by itself and tells how long that takes.
      let end = trial == 0 ? begin + 60 : begin + seconds * Double(random.index(below: 1000)) / 1000
      var output: [UInt8] = []
      while FigureSampler.now() < end, let piece = child.output(within: end - FigureSampler.now()) { output += piece }
      let isWhole = child.output(within: 0) == nil
      child.stop()
      while let piece = child.output(within: 1), !piece.isEmpty { output += piece }
      if trial == 0 { seconds = max(0.05, 1.1 * (FigureSampler.now() - begin)) }
      let lines = String(decoding: output, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      // The last piece is empty, or a line that was cut.
      let hashes = lines.dropLast().filter { $0.hasPrefix("added ") }.map { String($0.split(separator: " ")[2]) }
      if trial == 0 { #expect(hashes.count == 6 && isWhole) }
      if !hashes.isEmpty, hashes.count < 6 { cut += 1 }
      acknowledged += hashes
      guard access(place.path, F_OK) == 0 else {
        #expect(acknowledged.isEmpty)
        continue
      }
      let ledger = try Ledger(path: place.path)
      #expect(try ledger.integrity() == ["ok"])
      let kept = Set(try ledger.records().filter { $0.figures.count == 5 }.map(\.hash))
      #expect(kept.isSuperset(of: acknowledged), "trial \(trial)")
    }
    #expect(acknowledged.count > 6 && cut > 0)
    // And the reports are what was added.
    let ledger = try Ledger(path: place.path)
    for hash in acknowledged.suffix(10) { #expect(try ledger.report(hash).hash == hash) }
  }

  @Test func twoThatWriteAtOnce() async throws {
    let place = try Place()
    let entries = try (1...16).map { try place.entry("n\($0)", SmallReport(seed: UInt64($0))) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for entry in entries {
        group.addTask { _ = try Ledger(path: place.path, creating: true, patience: 30).add(entry) }
      }
      try await group.waitForAll()
    }
    #expect(try Ledger(path: place.path).records().count == 16)
  }
}
