// Keys, certificates, chains, and reports worked out anew: what fits passes, and every changed byte is found.
import Capacity
import Foundation
import TestSupport
import Testing

/// A report whose shares and energy follow from its samples, as a run's do.
func soundReport() throws -> CapacityReport {
  var report = try sampleReport()
  for i in report.kernels.indices {
    let precision: Precision = report.kernels[i].format == "BF16" ? .bf16 : .s8
    let limit = report.roofs.limit(precision, intensity: report.kernels[i].intensity)
    report.kernels[i].share = limit.map {
      report.kernels[i].rate.share(of: $0.value, measuredAs: $0, protocol: "gemm-share")
    }
  }
  let model = report.models[0]
  report.models[0].figures = model.figures.map {
    ModelFigure(
      work: $0.work, count: $0.count, depth: $0.depth, rate: $0.rate, facts: model.facts, roofs: report.roofs,
      spans: $0.spans)
  }
  report.node.build.binaryHash = String(repeating: "ab", count: 32)
  let account = EnergyAccount(report.energy.series, site: report.energy.site, seed: report.seed)
  report.models = report.models.map(account.filled)
  report.waterfalls = WaterfallBuilder(report).waterfalls
  return report
}

/// A signed report in a folder of its own.
private struct Signed {
  let folder = try! TemporaryFolder()
  let report: CapacityReport
  let key = SigningKey()
  let bytes: [UInt8]
  let certificate: Certificate
  var path: String { folder.path("capacity.json") }
  var certificatePath: String { folder.path("c.json") }

  init(_ report: CapacityReport) throws {
    self.report = report
    bytes = [UInt8](try report.json())
    certificate = try Certificate(
      of: report, reportBytes: bytes, key: key, nonce: "order 17", issued: "2026-01-02T03:04:05Z")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    try certificate.write(to: certificatePath)
  }

  func verifier(nonce: String? = nil, key: PublicKey? = nil, previous: [String] = []) -> ReportVerifier {
    ReportVerifier(certificate: certificatePath, previous: previous, key: key, nonce: nonce)
  }
}

private let sound = Result { try soundReport() }

@Suite struct CertificateTests {
  @Test func aSignedReportPasses() throws {
    let signed = try Signed(sound.get())
    let found = try signed.verifier(nonce: "order 17", key: signed.key.publicKey).verify(signed.path)
    #expect(found.certificate == signed.certificate && found.figures >= 28)
    #expect(found.certificate?.sequence == 1 && found.certificate?.binaryHash == signed.report.node.build.binaryHash)
    let plain = try ReportVerifier().verify(signed.path)
    #expect(plain.certificate == nil && plain.figures == found.figures)
  }

  @Test func everyChangedByteOfACertificateIsFound() throws {
    let signed = try Signed(sound.get())
    let bytes = try signed.certificate.bytes()
    var random = RandomSource(seed: 11)
    var refused = 0
    for _ in 0..<1000 {
      var edited = bytes
      edited[random.index(below: bytes.count)] ^= UInt8(1 + random.index(below: 255))
      do { _ = try Certificate(bytes: edited, path: "c") } catch { refused += 1 }
    }
    #expect(refused == 1000)
    // The unchanged one is none of these.
    #expect(try Certificate(bytes: bytes, path: "c") == signed.certificate)
  }

  @Test func everyChangedByteOfAReportIsFound() throws {
    let signed = try Signed(sound.get())
    var random = RandomSource(seed: 12)
    var refused = 0
    for _ in 0..<1000 {
      var edited = signed.bytes
      edited[random.index(below: edited.count)] ^= UInt8(1 + random.index(below: 255))
      try Data(edited).write(to: URL(fileURLWithPath: signed.path))
      do { _ = try signed.verifier().verify(signed.path) } catch { refused += 1 }
    }
    #expect(refused == 1000)
  }

  @Test func otherSpellingsOfACertificateAreRefused() throws {
    let text = String(decoding: try Signed(sound.get()).certificate.bytes(), as: UTF8.self)
    for other in [
      text + "\n", " " + text, text.replacingOccurrences(of: ",", with: ", "), text.uppercased(),
      text.replacingOccurrences(of: "\"sequence\":1", with: "\"sequence\":1.0"),
      text.replacingOccurrences(of: "{", with: "{\"a\":1,"), String(text.dropLast()), "", "[]", "{}", "null", "\u{0}",
      String(repeating: "[", count: 5000), String(repeating: " ", count: 70_000),
    ] {
      let error = #expect(throws: CertificateError.self) {
        _ = try Certificate(bytes: Array(other.utf8), path: "c.json")
      }
      #expect(error?.description.hasPrefix("c.json: ") == true)
    }
  }

  @Test func whatWasAskedForIsHeldAgainstIt() throws {
    let signed = try Signed(sound.get())
    #expect(throws: CertificateError.self) { _ = try signed.verifier(nonce: "order 18").verify(signed.path) }
    let other = SigningKey().publicKey
    #expect(throws: CertificateError.self) { _ = try signed.verifier(key: other).verify(signed.path) }
    #expect(throws: CertificateError.self) { _ = try ReportVerifier(nonce: "order 17").verify(signed.path) }
    #expect(throws: CertificateError.self) {
      _ = try Certificate(of: signed.report, reportBytes: signed.bytes, key: signed.key, nonce: "", issued: "now")
    }
  }

  @Test func aForgedCertificateOfAnotherKeyIsAnotherKeys() throws {
    // A changed report, signed anew: sound in itself, but not by the operator's key.
    let signed = try Signed(sound.get())
    var changed = signed.report
    changed.node.processor.model = "Faster"
    let forged = try Signed(changed)
    #expect(throws: CertificateError.self) { _ = try forged.verifier(key: signed.key.publicKey).verify(forged.path) }
    // The operator's certificate beside the changed report.
    let mixed = ReportVerifier(certificate: signed.certificatePath)
    #expect(throws: CertificateError.self) { _ = try mixed.verify(forged.path) }
  }

  @Test func chains() throws {
    let signed = try Signed(sound.get())
    var later = signed.report
    later.seconds += 1
    let bytes = [UInt8](try later.json())
    let second = try Certificate(
      of: later, reportBytes: bytes, key: signed.key, nonce: "n", previous: signed.certificate,
      issued: "2026-02-02T03:04:05Z")
    #expect(second.sequence == 2)
    try second.follows(signed.certificate, path: "first")
    try Data(bytes).write(to: URL(fileURLWithPath: signed.folder.path("later.json")))
    try second.write(to: signed.folder.path("second.json"))
    let verifier = ReportVerifier(certificate: signed.folder.path("second.json"), previous: [signed.certificatePath])
    #expect(try verifier.verify(signed.folder.path("later.json")).chained == 1)

    // A first certificate of the same key, but not the one that was followed.
    let stranger = try Certificate(
      of: later, reportBytes: bytes, key: signed.key, nonce: "m", issued: "2026-01-02T03:04:05Z")
    #expect(throws: CertificateError.self) { try second.follows(stranger, path: "x") }
    #expect(throws: CertificateError.self) { try signed.certificate.follows(second, path: "x") }
    let old = try Certificate(
      of: later, reportBytes: bytes, key: signed.key, nonce: "n", previous: signed.certificate,
      issued: "2025-01-01T00:00:00Z")
    #expect(throws: CertificateError.self) { try old.follows(signed.certificate, path: "x") }
    for (key, report) in [(SigningKey(), bytes), (signed.key, signed.bytes)] {
      #expect(throws: CertificateError.self) {
        _ = try Certificate(
          of: later, reportBytes: report, key: key, nonce: "n", previous: signed.certificate, issued: "z")
      }
    }
  }
}

@Suite struct ReportCheckTests {
  @Test func aSoundReportHasNoProblems() throws {
    let check = ReportCheck(try sound.get())
    #expect(check.problems == [] && check.figures >= 28)
  }

  @Test func aFigureOffByItsLastDigitIsFound() throws {
    let report = try sound.get()
    let edits: [(String, (inout CapacityReport) -> Void)] = [
      ("value", { $0.roofs.memory[1].figure.value = $0.roofs.memory[1].figure.value.nextUp }),
      ("interval", { $0.roofs.compute[0].figure.ci95[1] = $0.roofs.compute[0].figure.ci95[1].nextDown }),
      ("n", { $0.linpack[0].rate.n += 1 }),
      ("verdict", { $0.kernels[2].rate.validity = .inconclusive }),
      ("share", { $0.kernels[0].share?.value *= 1.0001 }),
      ("kernels[1].share", { $0.kernels[1].share = nil }),
      ("mfu", { $0.models[0].figures[0].mfu?.value *= 0.5 }),
      ("mbu", { $0.models[0].figures[1].mbu = nil }),
      ("numerics", { $0.models[0].quality?.meanDivergence = 5 }),
      ("residual", { $0.linpack[0].residual = 99 }),
      ("per_token", { $0.models[0].figures[0].energy[0].perToken.value *= 0.9 }),
      ("joules", { $0.models[0].figures[0].energy[0].use.joules *= 0.9 }),
      ("idle", { $0.energy.idle[0].averageWatts = 1 }),
      ("requests", { $0.models[0].requests[0].perTotalToken = 0.001 }),
      ("added up", { $0.energy.series[0].channel.isCounted = false }),
      ("not in order", { $0.energy.series[0].seconds.swapAt(3, 4) }),
      ("no format", { $0.kernels[0].format = "Q99" }),
      ("figures[0]", { $0.roofs.memory[1].figure.samples[2] *= 1.5 }),
      ("outliers", { $0.roofs.memory[1].figure.outliers = 2 }),
      ("kernels[2].rate: verdict", { $0.kernels[2].rate.reasons = [] }),
      ("kernels[2].rate: verdict", { $0.kernels[2].rate.windows?[0].ownTicks = 699 }),
      ("kernels[3].rate: verdict", { $0.kernels[3].rate.reasons = [.throttled] }),
      ("roofs.memory[0].figure: verdict", { $0.roofs.memory[0].figure.windows?[0].throttledPeriods = 1 }),
      ("roofs.memory[0].figure: verdict", { $0.roofs.memory[0].figure.windows?[0].swappedPages = 1 }),
      ("roofs.memory[0].figure: verdict", { $0.roofs.memory[0].figure.windows?[0].wallSeconds = 9 }),
      ("roofs.memory[0].figure: verdict", { $0.roofs.memory[0].figure.windows?[0].changedSettings = ["a -> b"] }),
      (
        "roofs.memory[0].figure: verdict",
        {
          $0.roofs.memory[0].figure.windows?[0].startHertz = 2e9
          $0.roofs.memory[0].figure.windows?[0].endHertz = 3e9
        }
      ),
      ("linpack[0].rate: the guards' counts are missing", { $0.linpack[0].rate.windows = nil }),
      ("linpack[0].rate: the guards' counts are missing", { $0.linpack[0].rate.windows = [] }),
      ("kernels[1].share", { $0.kernels[1].share?.windows = [] }),
      ("window", { $0.window?.foreignShare = 0.5 }),
      ("window", { $0.window?.counts?.throttledPeriods = 3 }),
    ]
    for (word, edit) in edits {
      var changed = report
      edit(&changed)
      let found = ReportCheck(changed).problems.joined(separator: "\n")
      #expect(found.contains(word) || word == "figures[0]" && !found.isEmpty, "\(word): \(found)")
    }
  }
}

@Suite struct EarlierReportTests {
  /// A report of a version that kept neither outliers nor what the guards counted: read, and taken as it says.
  @Test func withoutOutliersAndWindows() throws {
    var report = try sound.get()
    let strip = { (figure: inout Figure) in (figure.outliers, figure.windows) = (nil, nil) }
    for i in report.roofs.compute.indices { strip(&report.roofs.compute[i].figure) }
    for i in report.roofs.memory.indices { strip(&report.roofs.memory[i].figure) }
    for i in report.linpack.indices { strip(&report.linpack[i].rate) }
    for i in report.kernels.indices { strip(&report.kernels[i].rate) }
    for i in report.models[0].figures.indices { strip(&report.models[0].figures[i].rate) }
    report.window?.counts = nil
    for i in report.kernels.indices { report.kernels[i].share?.outliers = nil }
    for i in report.models[0].figures.indices {
      report.models[0].figures[i].mfu?.outliers = nil
      report.models[0].figures[i].mbu?.outliers = nil
    }
    for i in report.nominal.indices { report.nominal[i].share?.outliers = nil }
    let json = try report.json()
    #expect(!String(decoding: json, as: UTF8.self).contains("windows\" : [\n        {"))
    let again = try CapacityReport(json: json, path: "x")
    #expect(ReportCheck(again).problems == [])
    #expect(again.kernels[2].rate.reasons == [.contended])
  }
}

@Suite struct HostileReportTests {
  // Whole and fractional numbers that overflow, vanish or turn a range round.
  private static let extremes = ["9223372036854775807", "-9223372036854775808", "1e308", "-1e308", "0", "-1", "1e-320"]

  /// Every report of these is wrong or right, and none ends the process.
  @Test func numbersThatNobodyMeasured() throws {
    var report = try sound.get()
    report.roofs.compute = report.roofs.compute.filter { $0.precision == .s8 && $0.threads == 2 }
    report.roofs.memory = report.roofs.memory.filter { $0.pass == .read }
    report.kernels = [report.kernels[0]]
    report.serving[0].knee.trials = Array(report.serving[0].knee.trials.prefix(1))
    for i in report.energy.series.indices {
      report.energy.series[i].seconds = Array(report.energy.series[i].seconds.prefix(30))
      report.energy.series[i].watts = report.energy.series[i].watts.map { Array($0.prefix(30)) }
      report.energy.series[i].joules = report.energy.series[i].joules.map { Array($0.prefix(30)) }
    }
    let text = String(decoding: try report.json(), as: UTF8.self)
    let numbers = text.matches(of: /[ ](-?[0-9][0-9.e+-]*),?\n/).map {
      $0.output.1.startIndex..<$0.output.1.endIndex
    }
    #expect(numbers.count > 300)
    var random = RandomSource(seed: 21)
    var read = 0
    for _ in 0..<(ProcessInfo.processInfo.environment["GOBI_LONG_TESTS"] == "1" ? 2000 : 60) {
      let place = numbers[random.index(below: numbers.count)]
      let changed = text.replacingCharacters(in: place, with: Self.extremes[random.index(below: Self.extremes.count)])
      guard let report = try? CapacityReport(json: Data(changed.utf8), path: "x") else { continue }
      read += 1
      _ = ReportCheck(report)
    }
    #expect(read > 20)
  }
}

@Suite struct KeyTests {
  @Test func keysThereAndBack() throws {
    let folder = try TemporaryFolder()
    let key = SigningKey()
    try key.write(to: folder.path("key"))
    var status = stat()
    #expect(stat(folder.path("key"), &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(try SigningKey(path: folder.path("key")).publicKey == key.publicKey)
    #expect(try PublicKey(path: folder.path("key.pub")) == key.publicKey)
    #expect(try PublicKey(path: folder.path("key")) == key.publicKey)
    #expect(PublicKey(hex: key.publicKey.hex) == key.publicKey && PublicKey(hex: key.publicKey.hex.uppercased()) == nil)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == ["key", "key.pub"])
    // Nothing is overwritten.
    #expect(throws: CertificateError.self) { try SigningKey().write(to: folder.path("key")) }
    #expect(try SigningKey(path: folder.path("key")).publicKey == key.publicKey)
    chmod(folder.path("key"), 0o640)
    let error = #expect(throws: CertificateError.self) { _ = try SigningKey(path: folder.path("key")) }
    #expect(error?.description.contains("others") == true)
  }

  @Test func foreignKeysAreRefused() throws {
    let folder = try TemporaryFolder()
    for text in ["", "secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "\u{0}"] {
      let path = folder.path("k")
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      chmod(path, 0o600)
      #expect(throws: CertificateError.self) { _ = try SigningKey(path: path) }
      #expect(throws: CertificateError.self) { _ = try PublicKey(path: path) }
    }
    #expect(throws: CertificateError.self) { _ = try SigningKey(path: folder.path("none")) }
  }
}

@Suite struct WholeFileTests {
  @Test(.enabled(if: canMount)) func aFullDiskLeavesNothing() throws {
    let mount = try Mount("size=16k")
    let error = #expect(throws: CapacityError.self) { _ = try sound.get().write(to: mount.folder.url.path) }
    #expect(error?.description.contains("No space left") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: mount.folder.url.path) == [])
  }

  @Test(.enabled(if: canMount)) func aReadOnlyFolderLeavesNothing() throws {
    let mount = try Mount("size=64k,ro")
    let path = mount.folder.url.path
    let signed = try Signed(sound.get())
    #expect(throws: CertificateError.self) { try signed.certificate.write(to: path + "/c.json") }
    #expect(throws: CertificateError.self) { try SigningKey().write(to: path + "/key") }
    let error = #expect(throws: CapacityError.self) { _ = try signed.report.write(to: path) }
    #expect(error?.description.contains("Read-only") == true)
  }

  @Test func aFolderThatIsNoneLeavesNothing() throws {
    let folder = try TemporaryFolder()
    try Data().write(to: URL(fileURLWithPath: folder.path("file")))
    let signed = try Signed(sound.get())
    #expect(throws: CertificateError.self) { try signed.certificate.write(to: folder.path("file/c.json")) }
    #expect(throws: CertificateError.self) { try SigningKey().write(to: folder.path("file/key")) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["file"])
  }
}
