// What a core of a known processor family does in a cycle at most. Families are told by vendor, family and model, never
// by a name that may be set; what is not sure is not here, and then nothing is derived.

/// Multiply-add units of one core.
struct ProcessorFamily: Sendable, Equatable {
  var name: String
  /// Operations a core and cycle, a multiply and an add counted as two; a precision that is not here is not derived.
  var perCycle: [Precision: Double]
  /// "2 × 256-bit FMA".
  var units: String

  /// nil where the family is not known for sure.
  init?(_ processor: NodeManifest.Processor) {
    let numbers = Self.numbers(processor.identity)
    let found: ProcessorFamily? =
      switch processor.vendor {
      case "AuthenticAMD": Self.amd(numbers["family"], numbers["model"])
      case "HygonGenuine": Self.hygon(numbers["family"], numbers["model"])
      case "GenuineIntel": Self.intel(processor, numbers)
      case "ARM", "HiSilicon": Self.arm(processor.identity)
      default: nil
      }
    guard let found else { return nil }
    self = found
  }

  private init(_ name: String, _ units: String, _ perCycle: [Precision: Double]) {
    self.name = name
    self.units = units
    self.perCycle = perCycle
  }

  /// "family 25 model 17 stepping 1" as numbers by name.
  private static func numbers(_ identity: String) -> [String: Int] {
    let words = identity.split(separator: " ").map(String.init)
    return Dictionary(zip(words, words.dropFirst()).compactMap { key, value in Int(value).map { (key, $0) } }) { a, _ in
      a
    }
  }

  // MARK: x86-64

  private static func amd(_ family: Int?, _ model: Int?) -> ProcessorFamily? {
    guard let model else { return nil }
    let zen4 = ProcessorFamily(
      "Zen 4", "2 × 256-bit FMA, VNNI and BF16 of 512 bits a cycle", [.f64: 16, .f32: 32, .bf16: 64, .s8: 128])
    let wide = [Precision.f64: 16.0, .f32: 32]
    switch (family, model) {
    case (23, 0x00...0x2f): return ProcessorFamily("Zen", "2 × 128-bit FMA", [.f64: 8, .f32: 16])
    case (23, 0x30...0xaf): return ProcessorFamily("Zen 2", "2 × 256-bit FMA", wide)
    case (25, 0x00...0x0f), (25, 0x20...0x5f): return ProcessorFamily("Zen 3", "2 × 256-bit FMA", wide)
    case (25, 0x10...0x1f), (25, 0x60...0x7f), (25, 0xa0...0xaf): return zen4
    // Zen 5 for notebooks has units of half the width: not these models.
    case (26, 0x00...0x1f), (26, 0x40...0x4f):
      return ProcessorFamily("Zen 5", "2 × 512-bit FMA", [.f64: 32, .f32: 64])
    default: return nil
    }
  }

  /// Dhyana is Zen's first kind; later ones are not known.
  private static func hygon(_ family: Int?, _ model: Int?) -> ProcessorFamily? {
    guard family == 24, let model, (0...2).contains(model) else { return nil }
    return ProcessorFamily("Dhyana (Zen)", "2 × 128-bit FMA", [.f64: 8, .f32: 16])
  }

  private static func intel(_ processor: NodeManifest.Processor, _ numbers: [String: Int]) -> ProcessorFamily? {
    guard numbers["family"] == 6, let model = numbers["model"] else { return nil }
    var perCycle: [Precision: Double] = [.f64: 32, .f32: 64]
    let units = "2 × 512-bit FMA"
    switch model {
    case 85:
      // Of these only some have the second unit, and only the name they are sold under tells.
      guard ["Platinum 8", "Platinum 9", "Gold 6"].contains(where: processor.model.contains),
        let stepping = numbers["stepping"], stepping <= 7
      else { return nil }
      if stepping >= 5 { perCycle[.s8] = 256 }
      return ProcessorFamily(stepping >= 5 ? "Cascade Lake" : "Skylake-SP", units, perCycle)
    case 106:
      perCycle[.s8] = 256
      return ProcessorFamily("Ice Lake-SP", units, perCycle)
    case 143, 207:
      let hasTiles = processor.features.contains("amx_int8")
      perCycle[.s8] = hasTiles ? 2048 : 256
      if processor.features.contains("amx_bf16") { perCycle[.bf16] = 1024 }
      return ProcessorFamily(
        model == 143 ? "Sapphire Rapids" : "Emerald Rapids", units + (hasTiles ? ", AMX tiles" : ""), perCycle)
    default: return nil
    }
  }

  // MARK: aarch64

  private static func arm(_ identity: String) -> ProcessorFamily? {
    let words = identity.split(separator: " ").map(String.init)
    guard words.count >= 4, words[0] == "implementer", words[2] == "part" else { return nil }
    let two = [Precision.f64: 8.0, .f32: 16], four = [Precision.f64: 16.0, .f32: 32]
    switch "\(words[1])/\(words[3])" {
    case "0x41/0xd0c":
      return ProcessorFamily("Neoverse N1", "2 × 128-bit FMA and dot product", [.f64: 8, .f32: 16, .s8: 64])
    case "0x41/0xd40": return ProcessorFamily("Neoverse V1", "4 × 128-bit or 2 × 256-bit FMA", four)
    case "0x41/0xd49": return ProcessorFamily("Neoverse N2", "2 × 128-bit FMA", two)
    case "0x41/0xd4f": return ProcessorFamily("Neoverse V2", "4 × 128-bit FMA", four)
    // Of its FP64 rate sources differ.
    case "0x48/0xd01": return ProcessorFamily("TaiShan v110", "2 × 128-bit FMA", [.f32: 16])
    default: return nil
    }
  }
}
