// Every conformance suite on every instruction set of this machine; what a suite checks stands in its C file.
import CKConformance
import CKernels
import Foundation
import Testing

/// One suite on one instruction set.
struct Conformance: CustomTestStringConvertible, Sendable {
  let index: Int
  let isa: ck_isa
  let testDescription: String

  static let all: [Conformance] = {
    var found: [Conformance] = []
    var index = 0
    while let suite = ck_suite_at(index) {
      for raw in 0..<Int(CK_ISA_COUNT.rawValue) {
        let isa = ck_isa(rawValue: ck_isa.RawValue(raw))
        guard ck_isa_available(isa) else { continue }
        let name = "\(String(cString: suite.pointee.name)) on \(String(cString: ck_isa_name(isa)))"
        found.append(Conformance(index: index, isa: isa, testDescription: name))
      }
      index += 1
    }
    return found
  }()

  /// Quick under a sanitizer or with coverage counters, long where that was asked for.
  static let effort: ck_effort = {
    let environment = ProcessInfo.processInfo.environment
    if environment["GOBI_QUICK_SWEEPS"] == "1" { return CK_EFFORT_QUICK }
    return environment["GOBI_LONG_TESTS"] == "1" ? CK_EFFORT_LONG : CK_EFFORT_TEST
  }()
}

@Suite(.serialized) struct KernelConformanceTests {
  @Test(arguments: Conformance.all)
  func conforms(_ row: Conformance) throws {
    let suite = try #require(ck_suite_at(row.index)).pointee
    var options = ck_runtime_options()
    options.struct_size = MemoryLayout<ck_runtime_options>.size
    options.threads = 2
    options.isa = row.isa
    var runtime: OpaquePointer?
    #expect(ck_runtime_create(&options, &runtime) == CK_OK)
    let created = try #require(runtime)
    defer { ck_runtime_destroy(created) }
    let report = UnsafeMutablePointer<ck_report>.allocate(capacity: 1)
    report.initialize(to: ck_report())
    defer { report.deallocate() }
    suite.run(created, Conformance.effort, report)
    let text = withUnsafeBytes(of: &report.pointee.message) { raw in
      String(decoding: raw.prefix(while: { $0 != 0 }), as: UTF8.self)
    }
    #expect(report.pointee.checks > 0)
    #expect(report.pointee.failures == 0, Comment(rawValue: text))
  }
}
