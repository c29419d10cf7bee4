// The firmware's tables of processors and memory modules (SMBIOS 3.7, DMTF DSP0134), as the kernel shows them in
// /sys/firmware/dmi/tables/DMI. The bytes come from a vendor's firmware: every length is checked, none is trusted.

struct SMBIOS {
  /// Type 17.
  private(set) var modules: [NodeManifest.MemoryModule] = []
  /// Slots for modules, empty ones too.
  private(set) var slots = 0
  /// "Processor Version" of each populated socket (type 4).
  private(set) var processors: [String] = []

  init(_ bytes: [UInt8]) {
    var position = 0
    while position + 4 <= bytes.count {
      let length = Int(bytes[position + 1])
      guard length >= 4, position + length <= bytes.count else { return }
      let body = bytes[position..<position + length]
      let (strings, end) = Self.strings(bytes, from: position + length)
      let structure = Structure(bytes: Array(body), strings: strings)
      switch bytes[position] {
      case 4: addProcessor(structure)
      case 17: addModule(structure)
      case 127: return
      default: break
      }
      position = end
    }
  }

  private struct Structure {
    let bytes: [UInt8]
    let strings: [String]

    func byte(_ offset: Int) -> Int? { offset < bytes.count ? Int(bytes[offset]) : nil }
    func word(_ offset: Int) -> Int? {
      offset + 1 < bytes.count ? Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 : nil
    }
    func long(_ offset: Int) -> Int? { word(offset).flatMap { low in word(offset + 2).map { low | $0 << 16 } } }

    /// Strings are numbered from 1; 0 is none.
    func string(_ offset: Int) -> String? {
      guard let number = byte(offset), number > 0, number <= strings.count else { return nil }
      let text = strings[number - 1].split(whereSeparator: \.isWhitespace).joined(separator: " ")
      return text.isEmpty ? nil : text
    }
  }

  /// The strings behind a structure, up to two zeros, and where the next structure begins.
  private static func strings(_ bytes: [UInt8], from start: Int) -> ([String], Int) {
    var strings: [String] = []
    var position = start
    if position + 1 < bytes.count, bytes[position] == 0, bytes[position + 1] == 0 { return ([], position + 2) }
    while position < bytes.count, bytes[position] != 0 {
      let end = bytes[position...].firstIndex(of: 0) ?? bytes.count
      // Latin letters and signs; what else a firmware may hold does not reach a report.
      let printable = bytes[position..<end].filter { $0 >= 0x20 && $0 < 0x7f }
      strings.append(String(decoding: printable, as: UTF8.self))
      position = end + 1
    }
    return (strings, position + 1)
  }

  private mutating func addProcessor(_ structure: Structure) {
    // Bit 6 of the status: populated.
    guard let status = structure.byte(0x18), status & 0x40 != 0, let name = structure.string(0x10) else { return }
    processors.append(name)
  }

  private mutating func addModule(_ structure: Structure) {
    slots += 1
    guard let size = structure.word(0x0c), size != 0, size != 0xffff else { return }
    var bytes = (size & 0x7fff) << (size & 0x8000 != 0 ? 10 : 20)
    if size == 0x7fff { bytes = ((structure.long(0x1c) ?? 0) & 0x7fff_ffff) << 20 }
    let rate = { (short: Int, extended: Int) -> Int? in
      guard let value = structure.word(short), value != 0 else { return nil }
      return value == 0xffff ? structure.long(extended) : value
    }
    modules.append(
      NodeManifest.MemoryModule(
        place: [structure.string(0x11), structure.string(0x10)].compactMap { $0 }.joined(separator: " "), bytes: bytes,
        kind: structure.byte(0x12).flatMap { Self.kinds[$0] }, part: structure.string(0x1a),
        ratedMegatransfers: rate(0x15, 0x54), megatransfers: rate(0x20, 0x58)))
  }

  // Table 78 of the specification, those a server may have.
  private static let kinds = [
    0x18: "DDR3", 0x1a: "DDR4", 0x1b: "LPDDR", 0x1c: "LPDDR2", 0x1d: "LPDDR3", 0x1e: "LPDDR4", 0x20: "HBM",
    0x21: "HBM2", 0x22: "DDR5", 0x23: "LPDDR5", 0x24: "HBM3",
  ]
}
