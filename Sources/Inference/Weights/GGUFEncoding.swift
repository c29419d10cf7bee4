// How GGUF lays out integers, strings and values: reading with every bound checked, and writing. Knows no tensors.

/// The limits that the GGUF specification and this reader set.
enum GGUFLimits {
  static let magic: [UInt8] = Array("GGUF".utf8)
  static let keyBytes = 65_535
  static let dimensions = 4
  static let defaultAlignment = 32
  /// Arrays of arrays are allowed without a limit; no known file has any. Four levels keep the recursion small.
  static let nesting = 4
}

/// Where an array's elements lie.
struct GGUFArrayLayout {
  var elementType: MetadataType
  var count: Int
  /// The elements' bytes, after element type and count.
  var content: Range<Int>
  /// Start of each string or inner array, from the start of `content`; empty for types of one length.
  var starts: [Int]
  var nesting: Int
}

/// Reads GGUF's little-endian values one after another. Every read is checked against the end of the bytes.
struct GGUFCursor {
  let bytes: UnsafeRawBufferPointer
  let path: String
  var offset = 0
  /// What is being read, such as a key, for messages. Empty at first.
  var context = ""

  init(bytes: UnsafeRawBufferPointer, path: String) {
    self.bytes = bytes
    self.path = path
  }

  var remaining: Int { bytes.count - offset }

  func malformed(_ reason: String, at place: Int? = nil) -> WeightError {
    .malformed(path: path, offset: place ?? offset, reason: context.isEmpty ? reason : "\(context): \(reason)")
  }

  mutating func integer<T: FixedWidthInteger>(_: T.Type, _ what: StaticString) throws(WeightError) -> T {
    let size = MemoryLayout<T>.size
    guard remaining >= size else { throw malformed("the file ends inside the \(what)") }
    defer { offset += size }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// A 64-bit count of things that take at least `minimumBytes` each: more than the file can hold is refused here,
  /// before anything is allocated for them.
  mutating func count(_ what: StaticString, minimumBytes: Int) throws(WeightError) -> Int {
    let start = offset
    let value = try integer(UInt64.self, what)
    guard let count = Int(exactly: value), count <= remaining / minimumBytes else {
      throw malformed("the \(what) is \(value), more than the remaining \(remaining) bytes can hold", at: start)
    }
    return count
  }

  /// The place of a string's bytes, after its length.
  mutating func string(_ what: StaticString) throws(WeightError) -> Range<Int> {
    let count = try count(what, minimumBytes: 1)
    defer { offset += count }
    return offset..<(offset + count)
  }

  /// A name: a string that must be UTF-8, not empty, and not longer than `limit` bytes.
  mutating func name(_ what: StaticString, limit: Int) throws(WeightError) -> String {
    let start = offset
    let range = try string(what)
    guard !range.isEmpty, range.count <= limit else {
      throw malformed("the \(what) has \(range.count) bytes; 1 to \(limit) are allowed", at: start)
    }
    guard let text = String(validating: bytes[range], as: UTF8.self) else {
      throw malformed("the \(what) is not UTF-8", at: range.lowerBound)
    }
    return text
  }

  mutating func type(_ what: StaticString) throws(WeightError) -> MetadataType {
    let start = offset
    let number = try integer(UInt32.self, what)
    guard let type = MetadataType(rawValue: number) else {
      throw malformed("the \(what) is \(number); 0 to 12 are known", at: start)
    }
    return type
  }

  /// A value of this type that lies in `file`, whose bytes these are.
  mutating func value(of type: MetadataType, in file: MappedFile) throws(WeightError) -> MetadataValue {
    switch type {
    case .string: return .string(String(decoding: bytes[try string("string length")], as: UTF8.self))
    case .array:
      let layout = try arrayLayout(depth: 1)
      return .array(MetadataArray(layout, in: file, range: layout.content))
    default:
      let start = offset
      try skipElements(of: type, count: 1)
      return MetadataValue(type, in: bytes, at: start)
    }
  }

  /// Walks over an array and checks all of it. `depth` is 1 for an array that no other contains.
  mutating func arrayLayout(depth: Int) throws(WeightError) -> GGUFArrayLayout {
    guard depth <= GGUFLimits.nesting else { throw malformed("arrays nested deeper than \(GGUFLimits.nesting)") }
    let type = try type("element type")
    let count = try count("element count", minimumBytes: type.minimumByteCount)
    let start = offset
    var layout = GGUFArrayLayout(elementType: type, count: count, content: start..<start, starts: [], nesting: 1)
    switch type {
    case .string:
      layout.starts.reserveCapacity(count)
      for _ in 0..<count {
        layout.starts.append(offset - start)
        _ = try string("string length")
      }
    case .array:
      for _ in 0..<count {
        layout.starts.append(offset - start)
        layout.nesting = max(layout.nesting, 1 + (try arrayLayout(depth: depth + 1)).nesting)
      }
    default: try skipElements(of: type, count: count)
    }
    layout.content = start..<offset
    return layout
  }

  /// Steps over elements of a type with one length.
  private mutating func skipElements(of type: MetadataType, count: Int) throws(WeightError) {
    let (total, overflow) = count.multipliedReportingOverflow(by: type.minimumByteCount)
    guard !overflow, total <= remaining else { throw malformed("the file ends inside the value") }
    if type == .bool, let wrong = bytes[offset..<(offset + total)].firstIndex(where: { $0 > 1 }) {
      throw malformed("a truth value is \(bytes[wrong]); 0 and 1 are allowed", at: wrong)
    }
    offset += total
  }
}

extension MetadataValue {
  /// Decodes a value of a type with one length. The caller has checked that the bytes hold it.
  init(_ type: MetadataType, in bytes: UnsafeRawBufferPointer, at offset: Int) {
    func load<T: FixedWidthInteger>(_: T.Type) -> T {
      T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
    self =
      switch type {
      case .uint8: .uint8(load(UInt8.self))
      case .int8: .int8(load(Int8.self))
      case .uint16: .uint16(load(UInt16.self))
      case .int16: .int16(load(Int16.self))
      case .uint32: .uint32(load(UInt32.self))
      case .int32: .int32(load(Int32.self))
      case .uint64: .uint64(load(UInt64.self))
      case .int64: .int64(load(Int64.self))
      case .float32: .float32(Float(bitPattern: load(UInt32.self)))
      case .float64: .float64(Double(bitPattern: load(UInt64.self)))
      case .bool: .bool(load(UInt8.self) != 0)
      case .string, .array: preconditionFailure("\(type) has no fixed length")
      }
  }

  /// Appends the value as it stands in a file, without its type.
  func encode(to output: inout [UInt8]) {
    switch self {
    case .uint8(let value): output.append(littleEndian: value)
    case .int8(let value): output.append(littleEndian: value)
    case .uint16(let value): output.append(littleEndian: value)
    case .int16(let value): output.append(littleEndian: value)
    case .uint32(let value): output.append(littleEndian: value)
    case .int32(let value): output.append(littleEndian: value)
    case .uint64(let value): output.append(littleEndian: value)
    case .int64(let value): output.append(littleEndian: value)
    case .float32(let value): output.append(littleEndian: value.bitPattern)
    case .float64(let value): output.append(littleEndian: value.bitPattern)
    case .bool(let value): output.append(value ? 1 : 0)
    case .string(let value): output.append(lengthPrefixed: value)
    case .array(let array): array.encode(to: &output)
    }
  }
}

extension MetadataArray {
  /// Appends element type, count and elements.
  func encode(to output: inout [UInt8]) {
    output.append(littleEndian: elementType.rawValue)
    output.append(littleEndian: UInt64(count))
    withEncodedBytes { output.append(contentsOf: $0) }
  }
}

extension [UInt8] {
  mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  /// Appends a string as GGUF has it: its length in 64 bits, then its UTF-8.
  mutating func append(lengthPrefixed text: String) {
    append(littleEndian: UInt64(text.utf8.count))
    append(contentsOf: text.utf8)
  }
}
