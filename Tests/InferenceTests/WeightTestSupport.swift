// What the tests of the weights layer share: GGUF bytes by hand, seeded mutation, reading of tensor values. No tests.
import Inference
import Testing

/// GGUF bytes put together field by field, so that a test can get any of them wrong.
struct GGUFBytes {
  var bytes: [UInt8] = []

  init(version: UInt32 = 3, tensors: UInt64, keys: UInt64) {
    bytes = Array("GGUF".utf8)
    add(version)
    add(tensors)
    add(keys)
  }

  mutating func add<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func add(_ text: String) {
    add(UInt64(text.utf8.count))
    bytes += Array(text.utf8)
  }

  mutating func key(_ key: String, type: UInt32) {
    add(key)
    add(type)
  }

  mutating func key(_ key: String, _ value: UInt32) {
    self.key(key, type: 4)
    add(value)
  }

  /// Dimensions are the file's: innermost first.
  mutating func tensor(_ name: String, _ dimensions: [UInt64], type: UInt32 = 0, offset: UInt64 = 0) {
    add(name)
    add(UInt32(dimensions.count))
    for dimension in dimensions { add(dimension) }
    add(type)
    add(offset)
  }

  /// Pads to the start of the data and adds `count` bytes of it.
  mutating func data(_ count: Int, alignment: Int = 32) {
    while bytes.count % alignment != 0 { bytes.append(0) }
    bytes += (0..<count).map { UInt8(truncatingIfNeeded: $0) }
  }

  func parse() throws -> GGUFFile { try gguf(bytes) }
}

/// A copy of `bytes` that faults when anything reads beyond them.
func mapped(_ bytes: some Collection<UInt8>, path: String = "memory") throws -> MappedFile {
  try Array(bytes).withUnsafeBytes { try MappedFile(copying: $0, path: path) }
}

/// Parses `bytes` as a GGUF file that is no part of a set.
func gguf(_ bytes: some Collection<UInt8>) throws -> GGUFFile {
  try GGUFFile(path: "memory", file: try mapped(bytes)) { path throws(WeightError) in
    throw .cannotOpen(path: path, reason: "no other part in memory")
  }
}

/// The values of a tensor in F32.
func floats(_ tensor: WeightTensor) -> [Float] {
  #expect(tensor.format == .f32)
  return withExtendedLifetime(tensor) {
    (0..<tensor.count).map {
      Float(bitPattern: UInt32(littleEndian: tensor.bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
    }
  }
}

/// A generator with a seed (SplitMix64), so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Changes a few places among the first `limit` bytes: a flipped bit, a random byte, or a number at a boundary.
  mutating func mutate(_ bytes: inout [UInt8], within limit: Int) {
    for _ in 0..<Int.random(in: 1...4, using: &self) {
      let place = Int.random(in: 0..<limit, using: &self)
      switch UInt8.random(in: 0..<3, using: &self) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
      case 1: bytes[place] = UInt8.random(in: 0...255, using: &self)
      default:
        let extremes: [UInt64] = [0, 1, 1 << 31, 1 << 32, 1 << 62, 1 << 63, .max, .max - 7]
        let value = extremes.randomElement(using: &self) ?? 0
        for byte in 0..<8 where place + byte < bytes.count {
          bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(byte)))
        }
      }
    }
  }
}

/// Reads everything that a parsed file offers: what the parser let through must be safe to use.
func touchEverything(_ file: any WeightFile) {
  var sum = 0
  for name in file.tensorNames {
    guard let tensor = file.tensorIfPresent(name), let first = tensor.bytes.first, let last = tensor.bytes.last else {
      continue
    }
    sum += Int(first) + Int(last) + tensor.count
  }
  if let file = file as? GGUFFile {
    for (_, value) in file.metadata {
      sum += (value.strings?.count ?? 0) + (value.ints?.count ?? 0) + (value.floats?.count ?? 0)
      sum += (value.byteStrings?.count ?? 0) + (value.bools?.count ?? 0) + (value.array?.prefix(3).count ?? 0)
    }
  }
  #expect(sum >= 0)
}
