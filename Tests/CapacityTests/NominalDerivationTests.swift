// Nominal figures that follow from a processor's family: the formula by hand, and nothing where something is not known.
import Capacity
import Foundation
import TestSupport
import Testing

@Suite struct NominalDerivationTests {
  private func node(_ tree: RecordedTree) -> NodeManifest { NodeReader(tree.files).manifest(build: RecordedTree.build) }

  private func processor(_ vendor: String, _ identity: String, name: String = "a name") throws -> NodeManifest {
    var node = try node(.twoSocketXeon())
    node.processor.vendor = vendor
    node.processor.identity = identity
    node.processor.model = name
    node.processor.features = []
    return node
  }

  @Test func twoSocketsOfSapphireRapids() throws {
    let derived = NominalDerivation(try node(.twoSocketXeon()))
    let peaks = Dictionary(uniqueKeysWithValues: derived.figures.peaks.map { ($0.precision, $0) })
    // 2 sockets × 4 cores × 32 × 3.8 GHz; with tiles 2,048 a cycle in INT8.
    #expect(peaks[.f64]?.value == 8.0 * 32 * 3.8e9 && peaks[.f64]?.base == 8.0 * 32 * 2e9)
    #expect(peaks[.f32]?.value == 8.0 * 64 * 3.8e9 && peaks[.s8]?.value == 8.0 * 2048 * 3.8e9)
    #expect(peaks[.bf16] == nil)
    let source = try #require(peaks[.f64]?.source)
    for part in ["Sapphire Rapids", "2 socket(s) × 4 cores × 32 FLOP/cycle", "3.80 GHz", "base clock 2.00 GHz"] {
      #expect(source.contains(part), "\(source)")
    }
    #expect(throws: Never.self) { try derived.figures.check() }
    #expect(derived.figures.memory == nil && derived.notDerived.map(\.what) == ["nominal bandwidth"])
  }

  @Test(arguments: [
    ("AuthenticAMD", "family 23 model 49 stepping 0", 16.0, 32.0),
    ("AuthenticAMD", "family 25 model 1 stepping 1", 16, 32),
    ("AuthenticAMD", "family 25 model 17 stepping 1", 16, 32), ("AuthenticAMD", "family 26 model 2 stepping 1", 32, 64),
    ("HygonGenuine", "family 24 model 1 stepping 1", 8, 16), ("GenuineIntel", "family 6 model 106 stepping 6", 32, 64),
    ("GenuineIntel", "family 6 model 207 stepping 2", 32, 64),
    ("ARM", "implementer 0x41 part 0xd0c variant 0x3 revision 1", 8, 16),
    ("ARM", "implementer 0x41 part 0xd40 variant 0x1 revision 1", 16, 32),
    ("ARM", "implementer 0x41 part 0xd49 variant 0x0 revision 0", 8, 16),
    ("ARM", "implementer 0x41 part 0xd4f variant 0x0 revision 1", 16, 32),
  ]) func operationsACycle(_ vendor: String, _ identity: String, _ f64: Double, _ f32: Double) throws {
    let peaks = NominalDerivation(try processor(vendor, identity)).figures.peaks
    #expect(peaks.first { $0.precision == .f64 }?.value == 8 * f64 * 3.8e9)
    #expect(peaks.first { $0.precision == .f32 }?.value == 8 * f32 * 3.8e9)
  }

  /// Skylake and Cascade Lake are one model number, and only the sold name tells how many units there are.
  @Test func oneModelNumberForSeveral() throws {
    let model = { (name: String, stepping: Int) in
      try NominalDerivation(self.processor("GenuineIntel", "family 6 model 85 stepping \(stepping)", name: name))
        .figures
        .peaks
    }
    #expect(try model("Intel(R) Xeon(R) Platinum 8259CL", 7).map(\.precision) == [.f64, .f32, .s8])
    #expect(try model("Intel(R) Xeon(R) Gold 6148", 4).map(\.precision) == [.f64, .f32])
    #expect(try model("Intel(R) Xeon(R) Silver 4114", 4).isEmpty)
  }

  @Test(arguments: [
    ("AuthenticAMD", "family 25 model 250 stepping 0"), ("AuthenticAMD", "family 26 model 36 stepping 0"),
    ("HygonGenuine", "family 24 model 4 stepping 0"), ("GenuineIntel", "family 6 model 158 stepping 10"),
    ("ARM", "implementer 0x41 part 0xd08 variant 0x0 revision 3"), ("unknown", ""), ("GenuineIntel", "family"),
    ("AuthenticAMD", "family 25 model -1 stepping 0"), ("ARM", "implementer 0x41 part"),
  ]) func othersAreNotGuessed(_ vendor: String, _ identity: String) throws {
    let derived = NominalDerivation(try processor(vendor, identity))
    #expect(derived.figures.peaks.isEmpty)
    #expect(derived.notDerived.contains { $0.what == "nominal peak" && $0.why.contains("family") })
  }

  @Test func clocksThatCannotBeRead() throws {
    // acpi-cpufreq tells the base clock and hides the boost.
    var hygon = try node(.hygon())
    #expect(NominalDerivation(hygon).notDerived.contains { $0.why.contains("largest clock") })
    hygon.clock.turbo = false
    #expect(NominalDerivation(hygon).figures.peaks.first?.value == 4.0 * 8 * 2e9)
    #expect(NominalDerivation(try node(.kunpeng())).figures.peaks.isEmpty)
    var guest = try node(.twoSocketXeon())
    guest.system.hypervisor = "KVM"
    #expect(NominalDerivation(guest).notDerived.contains { $0.why.contains("hypervisor") })
  }

  @Test func bandwidthOfReadableMemory() throws {
    var node = try node(.twoSocketXeon())
    node.memory.channels = 16
    node.memory.modules = [
      .init(place: "A", bytes: 1, megatransfers: 4800), .init(place: "B", bytes: 1, megatransfers: 4800),
    ]
    #expect(NominalDerivation(node).figures.memory?.value == 16 * 8 * 4800e6)
    node.memory.modules[1].megatransfers = 4400
    #expect(NominalDerivation(node).figures.memory == nil)
  }

  @Test func whatIsStatedStands() throws {
    let stated = NominalFigures(peaks: [.init(precision: .f64, value: 1e12, source: "a contract")])
    let filled = stated.filled(with: NominalDerivation(try node(.twoSocketXeon())).figures)
    #expect(filled.peaks.filter { $0.precision == .f64 }.map(\.source) == ["a contract"])
    #expect(Set(filled.peaks.map(\.precision)) == [.f64, .f32, .s8])
  }
}
