// The kernels' list of formats, as Swift values. The list itself is CKernels'.
import CKernels

enum FormatTable {
  struct Row: Sendable {
    let name: String
    let valuesPerBlock: Int
    let bytesPerBlock: Int
    /// Nil for a format that GGUF has no number for.
    let ggufType: UInt32?
  }

  /// A row for each format; the position is the format's raw value.
  static let rows: [Row] = (0..<CK_FORMAT_COUNT.rawValue).compactMap { number in
    guard let info = ck_format_describe(ck_format(rawValue: number))?.pointee else { return nil }
    return Row(
      name: String(cString: info.name), valuesPerBlock: Int(info.values_per_block),
      bytesPerBlock: Int(info.bytes_per_block), ggufType: UInt32(exactly: info.gguf_type))
  }
}

// The formats that the library itself names: what checkpoints hold and what the kernels compute in. The others come
// and go with the list.
extension Format {
  /// Single precision, IEEE 754 binary32.
  public static var f32: Format { Format(known: Int32(CK_FORMAT_F32.rawValue)) }
  /// Half precision, IEEE 754 binary16.
  public static var f16: Format { Format(known: Int32(CK_FORMAT_F16.rawValue)) }
  /// The upper half of a binary32.
  public static var bf16: Format { Format(known: Int32(CK_FORMAT_BF16.rawValue)) }
}

extension Format {
  /// Decodes `count` values, a multiple of the block's, to F32; false if the count is not.
  package func decode(_ blocks: UnsafeRawPointer, count: Int, into values: UnsafeMutablePointer<Float>) -> Bool {
    count >= 0 && ck_decode(ck_format(rawValue: UInt32(rawValue)), blocks, count, values) == CK_OK
  }

  /// Encodes `count` values, a multiple of the block's; false if the count is not, or the format cannot be written.
  package func encode(_ values: UnsafePointer<Float>, count: Int, into blocks: UnsafeMutableRawPointer) -> Bool {
    count >= 0 && ck_encode(ck_format(rawValue: UInt32(rawValue)), values, count, nil, blocks) == CK_OK
  }
}
