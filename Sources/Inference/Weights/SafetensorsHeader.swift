// The header of one safetensors file: tensors and their places, all checked. Folders and shards are SafetensorsFile's.

/// What the header of one safetensors file says: 8 bytes of length, JSON of that length, then the data. The bytes may
/// come from anybody: nothing is trusted that is not checked here.
struct SafetensorsHeader: Sendable {
  /// The free `__metadata__` of the header; strings alone.
  private(set) var metadata: [(key: String, value: String)] = []
  private(set) var tensors: [TensorDescription] = []

  /// The limit that the format's reference reader sets for the JSON, in bytes.
  private static let maximumBytes = 100_000_000

  /// The sizes of the format's dtypes in bits, and how the library reads the ones that it does.
  private static let dtypes: [String: (bits: Int, format: Format?)] = [
    "F32": (32, .f32), "F16": (16, .f16), "BF16": (16, .bf16), "F64": (64, nil), "C64": (64, nil), "I64": (64, nil),
    "U64": (64, nil), "I32": (32, nil), "U32": (32, nil), "I16": (16, nil), "U16": (16, nil), "I8": (8, nil),
    "U8": (8, nil), "BOOL": (8, nil), "F8_E4M3": (8, nil), "F8_E5M2": (8, nil), "F8_E8M0": (8, nil),
    "F6_E2M3": (6, nil), "F6_E3M2": (6, nil), "F4": (4, nil),
  ]

  /// Parses and checks the header of `file`.
  init(parsing file: MappedFile) throws(WeightError) {
    let bytes = file.bytes
    func malformed(_ reason: String, at offset: Int = 8) -> WeightError {
      .malformed(path: file.path, offset: offset, reason: reason)
    }
    guard bytes.count >= 8 else { throw malformed("too short for a safetensors file: \(bytes.count) bytes", at: 0) }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard let headerBytes = Int(exactly: length), headerBytes <= min(bytes.count - 8, Self.maximumBytes) else {
      throw malformed("a header of \(length) bytes does not fit in the file or exceeds \(Self.maximumBytes)", at: 0)
    }
    guard headerBytes > 0, bytes[8] == UInt8(ascii: "{") else { throw malformed("the header does not begin with '{'") }
    let root: JSONValue
    do {
      root = try JSONValue(parsing: UnsafeRawBufferPointer(rebasing: bytes[8..<(8 + headerBytes)]))
    } catch {
      throw malformed("header: \(error.reason)", at: 8 + error.offset)
    }
    guard let entries = root.object else { throw malformed("the header is no JSON object") }
    let dataStart = 8 + headerBytes
    for (name, value) in entries {
      if name == "__metadata__" {
        try readMetadata(value, malformed)
      } else {
        tensors.append(
          try Self.tensor(name, value, path: file.path, dataStart: dataStart, dataBytes: bytes.count - dataStart))
      }
    }
    // A JSON object has no order that means anything; the data has.
    tensors.sort { ($0.fileOffset, $0.byteCount ?? 0) < ($1.fileOffset, $1.byteCount ?? 0) }
    try checkCoverage(from: dataStart, to: bytes.count, path: file.path)
  }

  private mutating func readMetadata(
    _ value: JSONValue, _ malformed: (String, Int) -> WeightError
  ) throws(WeightError) {
    guard let object = value.object else { throw malformed("'__metadata__' is no object", 8) }
    for (key, value) in object {
      guard let text = value.string else { throw malformed("'__metadata__' key '\(key)' is no string", 8) }
      metadata.append((key, text))
    }
  }

  private static func tensor(
    _ name: String, _ value: JSONValue, path: String, dataStart: Int, dataBytes: Int
  ) throws(WeightError) -> TensorDescription {
    func malformed(_ reason: String) -> WeightError {
      .malformed(path: path, offset: 8, reason: "tensor '\(name)': \(reason)")
    }
    guard let dtype = value["dtype"]?.string, let dimensions = value["shape"]?.array,
      let offsets = value["data_offsets"]?.array, offsets.count == 2
    else { throw malformed("lacks 'dtype', 'shape' or the two 'data_offsets'") }
    var shape: [Int] = []
    var count = 1
    for dimension in dimensions {
      guard let size = dimension.int, size >= 0 else { throw malformed("a dimension is no count") }
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { throw malformed("its dimensions overflow") }
      shape.append(size)
      count = product
    }
    guard let begin = offsets[0].int, let end = offsets[1].int, 0 <= begin, begin <= end, end <= dataBytes else {
      throw malformed("'data_offsets' do not lie in the \(dataBytes) bytes of data")
    }
    let known = dtypes[dtype]
    if let known {
      let (bits, overflow) = count.multipliedReportingOverflow(by: known.bits)
      guard !overflow, bits % 8 == 0, bits / 8 == end - begin else {
        throw malformed("\(end - begin) bytes for shape \(shape) of \(dtype)")
      }
    }
    return TensorDescription(
      name: name, shape: shape, count: count, formatName: known?.format?.name ?? dtype, format: known?.format,
      path: path, fileOffset: dataStart + begin, byteCount: end - begin)
  }

  /// The format demands that the tensors cover the data: no holes, no overlaps, nothing after the last.
  private func checkCoverage(from dataStart: Int, to end: Int, path: String) throws(WeightError) {
    var position = dataStart
    for tensor in tensors {
      guard tensor.fileOffset == position, let byteCount = tensor.byteCount else {
        let what = tensor.fileOffset < position ? "overlaps the tensor before it" : "follows a hole in the data"
        throw .malformed(path: path, offset: tensor.fileOffset, reason: "tensor '\(tensor.name)' \(what)")
      }
      position += byteCount
    }
    guard position == end else {
      throw .malformed(path: path, offset: position, reason: "\(end - position) bytes that belong to no tensor")
    }
  }
}
