// How the values of a tensor are stored, as the kernels number it. Holds no list: FormatTable brings the kernels' own.

/// The storage format of a tensor: blocks of `valuesPerBlock` values in `bytesPerBlock` bytes.
///
/// The raw value is the kernels' `ck_format`, and only the kernels' list says which formats there are.
public struct Format: RawRepresentable, Sendable, Hashable {
  public let rawValue: Int32

  /// The format that the kernels number `rawValue`, or nil if they know none.
  public init?(rawValue: Int32) {
    guard rawValue >= 0, rawValue < FormatTable.rows.count else { return nil }
    self.rawValue = rawValue
  }

  /// For the values of the C enumeration, which the list defines.
  init(known rawValue: Int32) { self.rawValue = rawValue }

  /// The format that GGUF files number `ggufType`, or nil if the kernels do not read it.
  public init?(ggufType: UInt32) {
    guard let row = FormatTable.rows.firstIndex(where: { $0.ggufType == ggufType }) else { return nil }
    rawValue = Int32(row)
  }

  /// The format of this name, in any case (`Q4_K`, `q4_k`), or nil if the kernels know none.
  public init?(name: String) {
    let name = name.uppercased()
    guard let row = FormatTable.rows.firstIndex(where: { $0.name.uppercased() == name }) else { return nil }
    rawValue = Int32(row)
  }

  /// Every format that the kernels know, in their order.
  public static var all: [Format] { FormatTable.rows.indices.compactMap { Format(rawValue: Int32($0)) } }

  private var row: FormatTable.Row { FormatTable.rows[Int(rawValue)] }

  /// The name in the kernels' list and in every report, such as `Q4_K`.
  public var name: String { row.name }
  /// Values in a block; a row of a tensor holds whole blocks.
  public var valuesPerBlock: Int { row.valuesPerBlock }
  /// Bytes in a block.
  public var bytesPerBlock: Int { row.bytesPerBlock }
  /// The number of this format in GGUF files, or nil if it has none.
  public var ggufType: UInt32? { row.ggufType }
  /// Bits for one value, the block's scales included.
  public var bitsPerValue: Double { Double(bytesPerBlock) * 8 / Double(valuesPerBlock) }

  /// Bytes that `shape` (outermost first) takes in this format, or nil if a row does not hold whole blocks or the count
  /// does not fit in `Int`. An empty shape is one value.
  public func byteCount(of shape: [Int]) -> Int? {
    var count = 1
    for dimension in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      guard dimension >= 0, !overflow else { return nil }
      count = product
    }
    guard (shape.last ?? 1) % valuesPerBlock == 0 else { return nil }
    let (bytes, overflow) = (count / valuesPerBlock).multipliedReportingOverflow(by: bytesPerBlock)
    return overflow ? nil : bytes
  }
}

extension Format: CustomStringConvertible {
  public var description: String { name }
}
