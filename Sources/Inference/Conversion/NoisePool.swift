// Seeded noise in any format, made once and dealt out in segments: fast enough to fill a disk.
import Glibc

/// SplitMix64: a counter through a mixing function, so that any place of the sequence is as cheap as the next.
struct SplitMix64 {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// The sum of four uniform numbers, scaled to a standard deviation of 1: bell-shaped, within ±3.5, and the same on
  /// every machine, which logarithms and cosines are not.
  mutating func nextBell() -> Float {
    let bits = next()
    let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
    return (Float(sum) - 131_070) * (1.732_050_8 / 65_536)
  }
}

/// A megabyte of values, encoded once for each format and deviation. A row is segments of it in a random order, which
/// costs a copy rather than an encoding, and no two rows are alike.
struct NoisePool {
  private struct Key: Hashable {
    let format: Format
    let mean: Float
    let deviation: Float
  }

  /// Values of one segment: the longest block.
  private static let segment = 256
  private static let segments = 4_096
  private static let chunkBytes = 4 << 20

  private let seed: UInt64
  private let bells: [Float]
  private var encoded: [Key: [UInt8]] = [:]

  init(seed: UInt64) {
    self.seed = seed
    var generator = SplitMix64(seed)
    bells = (0..<Self.segment * Self.segments).map { _ in generator.nextBell() }
  }

  /// Calls `body` with the encoded bytes of the tensor, some rows at a time, in order.
  mutating func forEachChunk(
    of plan: SyntheticModel.Plan, as format: Format, _ body: (UnsafeRawBufferPointer) throws(ConversionError) -> Void
  ) throws(ConversionError) {
    let columns = plan.shape.last ?? 1
    let rows = plan.shape.dropLast().reduce(1, *)
    let key: Key
    switch plan.values {
    case .computed(let values):
      let bytes = try Self.encode(values, as: format, name: plan.name)
      return try bytes.withUnsafeBufferPointer { buffer throws(ConversionError) in
        try body(UnsafeRawBufferPointer(buffer))
      }
    case .norm: key = Key(format: format, mean: 1, deviation: 0.05)
    case .noise(let deviation): key = Key(format: format, mean: 0, deviation: deviation)
    }
    let pool = try pool(key, name: plan.name)
    // Segments must start at blocks, and fill the row.
    var segment = Self.segment
    while columns % segment != 0 && segment > format.valuesPerBlock { segment /= 2 }
    guard columns % segment == 0 || format.valuesPerBlock == 1 else {
      throw .invalidArgument(argument: plan.name, reason: "rows of \(columns) hold no whole blocks of \(format)")
    }
    let dealer = Dealer(
      pool: pool, format: format, columns: columns, segment: segment, places: bells.count / segment,
      seed: SplitMix64.mix(seed ^ Self.hash(plan.name)))
    try dealer.forEachChunk(rows: rows, chunkBytes: Self.chunkBytes, body)
  }

  private mutating func pool(_ key: Key, name: String) throws(ConversionError) -> [UInt8] {
    if let found = encoded[key] { return found }
    let made = try Self.encode(bells.map { key.mean + $0 * key.deviation }, as: key.format, name: name)
    encoded[key] = made
    return made
  }

  private static func encode(_ values: [Float], as format: Format, name: String) throws(ConversionError) -> [UInt8] {
    let size = format.byteCount(of: [values.count])
    var bytes = [UInt8](repeating: 0, count: size ?? 0)
    let isEncoded = values.withUnsafeBufferPointer { values in
      bytes.withUnsafeMutableBytes { bytes in
        guard let source = values.baseAddress, let target = bytes.baseAddress else { return false }
        return format.encode(source, count: values.count, into: target)
      }
    }
    guard size != nil, isEncoded else {
      throw .invalidArgument(argument: name, reason: "\(format) cannot be encoded")
    }
    return bytes
  }

  /// FNV-1a of the tensor's name: each tensor has noise of its own.
  private static func hash(_ name: String) -> UInt64 {
    name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
  }
}

/// Deals rows out of an encoded pool.
private struct Dealer {
  let pool: [UInt8]
  let format: Format
  let columns: Int
  let segment: Int
  /// Segments in the pool.
  let places: Int
  let seed: UInt64

  func forEachChunk(
    rows: Int, chunkBytes: Int, _ body: (UnsafeRawBufferPointer) throws(ConversionError) -> Void
  ) throws(ConversionError) {
    let rowBytes = columns / format.valuesPerBlock * format.bytesPerBlock
    let chunkRows = max(1, chunkBytes / max(1, rowBytes))
    var chunk = [UInt8](repeating: 0, count: min(rows, chunkRows) * rowBytes)
    var first = 0
    while first < rows {
      let count = min(chunkRows, rows - first)
      chunk.withUnsafeMutableBytes { chunk in
        for row in 0..<count { fill(row: first + row, chunk, at: row * rowBytes) }
      }
      try chunk.withUnsafeBufferPointer { chunk throws(ConversionError) in
        try body(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: chunk[..<(count * rowBytes)])))
      }
      first += count
    }
  }

  private func fill(row: Int, _ chunk: UnsafeMutableRawBufferPointer, at offset: Int) {
    // The row's own generator: what a row holds does not depend on how rows are grouped.
    var generator = SplitMix64(SplitMix64.mix(seed &+ UInt64(row)))
    let segmentBytes = segment / format.valuesPerBlock * format.bytesPerBlock
    let end = offset + columns / format.valuesPerBlock * format.bytesPerBlock
    pool.withUnsafeBytes { pool in
      guard let source = pool.baseAddress, let target = chunk.baseAddress else { return }
      var place = offset
      while place < end {
        let index = Int(generator.next() % UInt64(places))
        memcpy(target + place, source + index * segmentBytes, min(segmentBytes, end - place))
        place += segmentBytes
      }
    }
  }
}
