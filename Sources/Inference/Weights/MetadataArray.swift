// The arrays of GGUF metadata. They stay in their encoded form: a vocabulary is not turned into boxed values.

/// An array in GGUF metadata: its elements stay encoded, in the mapped file or in memory, and are decoded on demand.
public struct MetadataArray: Sendable {
  public let elementType: MetadataType
  public let count: Int
  private let storage: Storage
  /// Where strings and nested arrays start in the encoded bytes; empty for types of one length.
  private let starts: [Int]
  /// 1 for an array of plain values, 2 for an array of those, and so on.
  let nesting: Int

  private enum Storage: Sendable {
    case mapped(MappedFile, Range<Int>)
    case owned([UInt8])
  }

  /// An array inside a mapped file, which the parser found laid out so. `range` is the elements' place in the file.
  init(_ layout: GGUFArrayLayout, in file: MappedFile, range: Range<Int>) {
    elementType = layout.elementType
    count = layout.count
    starts = layout.starts
    nesting = layout.nesting
    storage = .mapped(file, range)
  }

  public init(_ strings: [String]) { self.init(byteStrings: strings.map { Array($0.utf8) }) }

  /// An array of strings that need not be UTF-8: tokens of a vocabulary often are not.
  public init(byteStrings: [[UInt8]]) {
    var encoded: [UInt8] = []
    var starts: [Int] = []
    starts.reserveCapacity(byteStrings.count)
    for string in byteStrings {
      starts.append(encoded.count)
      encoded.append(littleEndian: UInt64(string.count))
      encoded += string
    }
    self.init(
      GGUFArrayLayout(
        elementType: .string, count: byteStrings.count, content: 0..<encoded.count, starts: starts, nesting: 1),
      encoded: encoded)
  }

  public init(_ values: [UInt8]) { self.init(.uint8, integers: values) }
  public init(_ values: [Int8]) { self.init(.int8, integers: values) }
  public init(_ values: [UInt16]) { self.init(.uint16, integers: values) }
  public init(_ values: [Int16]) { self.init(.int16, integers: values) }
  public init(_ values: [UInt32]) { self.init(.uint32, integers: values) }
  public init(_ values: [Int32]) { self.init(.int32, integers: values) }
  public init(_ values: [UInt64]) { self.init(.uint64, integers: values) }
  public init(_ values: [Int64]) { self.init(.int64, integers: values) }
  public init(_ values: [Float]) { self.init(.float32, integers: values.map(\.bitPattern)) }
  public init(_ values: [Double]) { self.init(.float64, integers: values.map(\.bitPattern)) }
  public init(_ values: [Bool]) { self.init(.bool, integers: values.map { $0 ? UInt8(1) : 0 }) }

  /// An array of arrays.
  public init(_ arrays: [MetadataArray]) {
    var encoded: [UInt8] = []
    var starts: [Int] = []
    for array in arrays {
      starts.append(encoded.count)
      array.encode(to: &encoded)
    }
    let nesting = 1 + (arrays.map(\.nesting).max() ?? 0)
    self.init(
      GGUFArrayLayout(
        elementType: .array, count: arrays.count, content: 0..<encoded.count, starts: starts, nesting: nesting),
      encoded: encoded)
  }

  private init<T: FixedWidthInteger>(_ type: MetadataType, integers: [T]) {
    var encoded: [UInt8] = []
    encoded.reserveCapacity(integers.count * MemoryLayout<T>.size)
    for value in integers { encoded.append(littleEndian: value) }
    self.init(
      GGUFArrayLayout(
        elementType: type, count: integers.count, content: 0..<encoded.count, starts: [], nesting: 1),
      encoded: encoded)
  }

  private init(_ layout: GGUFArrayLayout, encoded: [UInt8]) {
    elementType = layout.elementType
    count = layout.count
    starts = layout.starts
    nesting = layout.nesting
    storage = .owned(encoded)
  }
}

// MARK: Reading

extension MetadataArray {
  /// The elements as they stand in a file.
  func withEncodedBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    switch storage {
    case .owned(let bytes): bytes.withUnsafeBytes { body($0) }
    case .mapped(let file, let range):
      withExtendedLifetime(file) { body(UnsafeRawBufferPointer(rebasing: file.bytes[range])) }
    }
  }

  /// Calls `body` with the bytes of each string in turn, without copying them; does nothing for other types.
  public func forEachString(_ body: (UnsafeRawBufferPointer) -> Void) {
    guard elementType == .string else { return }
    withEncodedBytes { bytes in
      for (index, start) in starts.enumerated() {
        let end = index + 1 < starts.count ? starts[index + 1] : bytes.count
        body(UnsafeRawBufferPointer(rebasing: bytes[(start + 8)..<end]))
      }
    }
  }

  /// The strings, invalid UTF-8 repaired, or nil if the elements are no strings.
  public var strings: [String]? {
    guard elementType == .string else { return nil }
    var result: [String] = []
    result.reserveCapacity(count)
    forEachString { result.append(String(decoding: $0, as: UTF8.self)) }
    return result
  }

  /// The strings' bytes, or nil if the elements are no strings.
  public var byteStrings: [[UInt8]]? {
    guard elementType == .string else { return nil }
    var result: [[UInt8]] = []
    result.reserveCapacity(count)
    forEachString { result.append(Array($0)) }
    return result
  }

  /// The integers, or nil if the elements are none or one of them exceeds `Int`.
  public var ints: [Int]? {
    switch elementType {
    case .uint8: map(UInt8.self) { Int($0) }
    case .int8: map(Int8.self) { Int($0) }
    case .uint16: map(UInt16.self) { Int($0) }
    case .int16: map(Int16.self) { Int($0) }
    case .uint32: map(UInt32.self) { Int($0) }
    case .int32: map(Int32.self) { Int($0) }
    case .int64: map(Int64.self) { Int($0) }
    case .uint64:
      map(UInt64.self) { $0 }.allSatisfy { $0 <= UInt64(Int.max) }
        ? map(UInt64.self) { Int(truncatingIfNeeded: $0) } : nil
    default: nil
    }
  }

  /// The floating-point values, or integers converted, in single precision; nil for other types.
  public var floats: [Float]? {
    switch elementType {
    case .float32: map(UInt32.self) { Float(bitPattern: $0) }
    case .float64: map(UInt64.self) { Float(Double(bitPattern: $0)) }
    case .uint64: map(UInt64.self) { Float($0) }
    default: ints?.map { Float($0) }
    }
  }

  /// The truth values, or nil for other types.
  public var bools: [Bool]? { elementType == .bool ? map(UInt8.self) { $0 != 0 } : nil }

  /// The inner arrays of an array of arrays, or nil for other types.
  public var arrays: [MetadataArray]? {
    elementType == .array ? (0..<count).compactMap { self[$0].array } : nil
  }

  /// The first `limit` elements as values of their own.
  public func prefix(_ limit: Int) -> [MetadataValue] { (0..<min(max(limit, 0), count)).map { self[$0] } }

  /// The element at `index`, which must be below `count`.
  public subscript(index: Int) -> MetadataValue {
    precondition(index >= 0 && index < count, "index \(index) of an array of \(count) elements")
    return withEncodedBytes { bytes in
      if let size = elementType.byteCount { return MetadataValue(elementType, in: bytes, at: index * size) }
      let start = starts[index]
      let end = index + 1 < count ? starts[index + 1] : bytes.count
      if elementType == .string {
        return .string(String(decoding: bytes[(start + 8)..<end], as: UTF8.self))
      }
      return .array(innerArray(in: bytes, start..<end))
    }
  }

  private func innerArray(in bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> MetadataArray {
    var cursor = GGUFCursor(bytes: UnsafeRawBufferPointer(rebasing: bytes[range]), path: "")
    // The elements were checked when this array was parsed or built: walking them again cannot fail.
    guard let layout = try? cursor.arrayLayout(depth: 1) else { return MetadataArray([UInt8]()) }
    let inner = (range.lowerBound + layout.content.lowerBound)..<(range.lowerBound + layout.content.upperBound)
    return switch storage {
    case .mapped(let file, let outer):
      MetadataArray(
        layout, in: file, range: (outer.lowerBound + inner.lowerBound)..<(outer.lowerBound + inner.upperBound))
    case .owned: MetadataArray(layout, encoded: Array(bytes[inner]))
    }
  }

  private func map<T: FixedWidthInteger, R>(_: T.Type, _ convert: (T) -> R) -> [R] {
    withEncodedBytes { bytes in
      (0..<count).map {
        convert(T(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self)))
      }
    }
  }
}

extension MetadataArray: Equatable {
  /// Equal when of the same element type and the same bytes.
  public static func == (a: MetadataArray, b: MetadataArray) -> Bool {
    guard a.elementType == b.elementType, a.count == b.count else { return false }
    return a.withEncodedBytes { left in b.withEncodedBytes { left.elementsEqual($0) } }
  }
}
