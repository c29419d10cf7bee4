// The typed values of GGUF metadata. Arrays have a file of their own.

/// The types of GGUF metadata; the raw value is the number in the file.
public enum MetadataType: UInt32, Sendable, CaseIterable {
  case uint8 = 0, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

  /// Bytes of one value, or nil if values differ in length.
  var byteCount: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }

  /// The fewest bytes that a value can take: a bound on how many fit in the rest of a file.
  var minimumByteCount: Int {
    switch self {
    case .string: 8  // the length
    case .array: 12  // element type and count
    default: byteCount ?? 1
    }
  }
}

/// One value of a GGUF file's metadata.
public enum MetadataValue: Sendable, Equatable {
  case uint8(UInt8), uint16(UInt16), uint32(UInt32), uint64(UInt64)
  case int8(Int8), int16(Int16), int32(Int32), int64(Int64)
  case float32(Float), float64(Double)
  case bool(Bool)
  case string(String)
  case array(MetadataArray)

  public var type: MetadataType {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .uint32: .uint32
    case .int32: .int32
    case .uint64: .uint64
    case .int64: .int64
    case .float32: .float32
    case .float64: .float64
    case .bool: .bool
    case .string: .string
    case .array: .array
    }
  }

  /// A value of any integer type, or nil if it is none or exceeds `Int`.
  public var int: Int? {
    switch self {
    case .uint8(let value): Int(value)
    case .int8(let value): Int(value)
    case .uint16(let value): Int(value)
    case .int16(let value): Int(value)
    case .uint32(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint64(let value): Int(exactly: value)
    case .int64(let value): Int(value)
    default: nil
    }
  }

  /// A value of any floating-point or integer type.
  public var double: Double? {
    switch self {
    case .float32(let value): Double(value)
    case .float64(let value): value
    case .uint64(let value): Double(value)
    default: int.map(Double.init)
    }
  }

  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  public var array: MetadataArray? { if case .array(let value) = self { value } else { nil } }

  /// An array of strings; invalid UTF-8 is repaired. Made anew by each call.
  public var strings: [String]? { array?.strings }
  /// An array of strings as the bytes in the file. Made anew by each call.
  public var byteStrings: [[UInt8]]? { array?.byteStrings }
  /// An array of integers of any type, or nil if it is none or a value exceeds `Int`. Made anew by each call.
  public var ints: [Int]? { array?.ints }
  /// An array of floating-point values or integers, rounded to single precision. Made anew by each call.
  public var floats: [Float]? { array?.floats }
  /// An array of truth values. Made anew by each call.
  public var bools: [Bool]? { array?.bools }

  /// What the value is, in words for a message: `uint32 7`, `array of 3 strings`.
  var summary: String {
    switch self {
    case .array(let array): "an array of \(array.count) × \(array.elementType)"
    case .string(let text): "the string '\(text.prefix(40))'"
    default: "\(type) \(double.map { "\($0)" } ?? bool.map { "\($0)" } ?? "")"
    }
  }
}
