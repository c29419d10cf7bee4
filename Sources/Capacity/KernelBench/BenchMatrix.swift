// Weights made for a bench: encoded by the library, packed by the library, with the check of their product. Values are
// random; no model is read.
import CKernels
import Inference

/// Rows of x that every kind of activation holds exactly: whole numbers, with 127 in every 32, so that an 8-bit scale
/// is 1 and bfloat16 loses nothing. A result then differs from the exact one by the kernel's own rounding alone.
public final class BenchInput {
  public let m: Int
  public let k: Int
  public let values: KernelMemory

  public init(m: Int, k: Int, seed: UInt64) throws(CapacityError) {
    self.m = m
    self.k = k
    values = try KernelMemory(bytes: m * k * 4)
    var random = RandomSource(seed: seed)
    let x = values.floats(m * k)
    for i in x.indices { x[i] = i % k % 32 == 0 ? 127 : Float(random.index(below: 253) - 126) }
  }

  /// Row `i`, below `m`.
  public func row(_ i: Int) -> [Float] { Array(values.floats(m * k)[(i * k)..<((i + 1) * k)]) }
  /// All rows, (m, k).
  public var floats: UnsafeBufferPointer<Float> { UnsafeBufferPointer(values.floats(m * k)) }
}

/// The input converted for one kind of activation and one number of rows.
public final class BenchActivations {
  private let memory: KernelMemory
  /// What ck_matmul takes; its data lives as long as this object.
  public var plan: ck_activations

  /// The first `m` rows of `input`.
  public init(_ runtime: KernelRuntime, _ input: BenchInput, kind: ck_activation, m: Int) throws(CapacityError) {
    plan = ck_activations()
    try check(ck_activations_plan(runtime.handle, kind, m, input.k, &plan), "ck_activations_plan")
    memory = try KernelMemory(bytes: plan.bytes)
    plan.data = memory.base
    try check(
      ck_activations_store(runtime.handle, &plan, input.floats.baseAddress, input.k, nil), "ck_activations_store")
  }
}

/// One matrix W (n, k), packed `copies` times so that a pass over the copies does not find them in a cache.
public final class BenchMatrix {
  public let shape: MatrixShape
  public let productCheck: ProductCheck
  public private(set) var copies: [ck_packed] = []
  /// Of the first copy, when it had been packed.
  let packedSum: BitSum
  private let memory: KernelMemory

  /// Distinct rows that are encoded; the others are these with their blocks turned by one more place each time.
  private static let templateRows = 64

  /// The check is made for rows 0 and 3 of `input`; `activation` nil: what the format is served with.
  public init(
    _ runtime: KernelRuntime, _ shape: MatrixShape, format: ck_format, input: BenchInput, copies count: Int,
    seed: UInt64, activation: ck_activation? = nil
  ) throws(CapacityError) {
    self.shape = shape
    let source = try TemplateRows(format: format, k: shape.k, rows: min(Self.templateRows, shape.n), seed: seed)
    // Integer kernels round once a block or so, others once a value.
    let kind = activation ?? source.info.activation
    let isInteger = kind == CK_ACTIVATION_Q8_32 || kind == CK_ACTIVATION_Q8_256
    productCheck = ProductCheck(
      n: shape.n, k: shape.k, sampledRows: [0, 3].filter { $0 < input.m },
      roundings: isInteger ? shape.k / 8 + 16 : shape.k + 16, seed: seed &+ 1, x: input.row, row: source.decodedRow)
    var packed = ck_packed()
    try check(ck_packed_plan(runtime.handle, format, shape.n, shape.k, &packed), "ck_packed_plan")
    // In one piece: copies smaller than a huge page would each lie on small ones.
    let stride = (packed.bytes + 4095) / 4096 * 4096
    memory = try KernelMemory(bytes: stride * max(count, 1))
    var sum = BitSum()
    for i in 0..<count {
      packed.data = memory.base + i * stride
      if let first = copies.first {
        packed.data.copyMemory(from: first.data, byteCount: packed.bytes)
      } else {
        try source.store(runtime, into: &packed)
        sum.add(UnsafeRawBufferPointer(start: packed.data, count: packed.bytes))
      }
      copies.append(packed)
    }
    packedSum = sum
  }
}

extension BenchMatrix {
  /// Whether every copy still has the bits that were packed. Reads all of them once.
  func isUnchanged() -> Bool {
    copies.allSatisfy { BitSum(UnsafeRawBufferPointer(start: $0.data, count: $0.bytes)) == packedSum }
  }
}

/// Encoded rows and their decoded values. Row j of the matrix is row j mod rows, turned by j / rows blocks.
private struct TemplateRows {
  let info: ck_format_info
  private let k: Int
  private let rows: Int
  private let rowBytes: Int
  private let blocks: [UInt8]
  private let values: [Double]

  init(format: ck_format, k: Int, rows: Int, seed: UInt64) throws(CapacityError) {
    guard let described = ck_format_describe(format) else {
      throw .kernel(call: "ck_format_describe", status: "no such format")
    }
    info = described.pointee
    self.k = k
    self.rows = rows
    rowBytes = k / Int(info.values_per_block) * Int(info.bytes_per_block)
    var random = RandomSource(seed: seed)
    var floats = (0..<rows * k).map { _ in random.signedUnit() * 0.05 }
    var encoded = [UInt8](repeating: 0, count: rows * rowBytes)
    try check(ck_encode(format, &floats, rows * k, nil, &encoded), "ck_encode")
    try check(ck_decode(format, &encoded, rows * k, &floats), "ck_decode")
    blocks = encoded
    values = floats.map(Double.init)
  }

  private func turn(_ row: Int) -> Int { row / rows % max(k / Int(info.values_per_block), 1) }

  func decodedRow(_ row: Int, _ out: UnsafeMutableBufferPointer<Double>) {
    let shift = turn(row) * Int(info.values_per_block)
    let start = row % rows * k
    for i in 0..<k - shift { out[i] = values[start + shift + i] }
    for i in 0..<shift { out[k - shift + i] = values[start + i] }
  }

  func store(_ runtime: KernelRuntime, into packed: inout ck_packed) throws(CapacityError) {
    for first in stride(from: 0, to: Int(packed.n), by: rows) {
      let count = min(rows, Int(packed.n) - first)
      let shift = turn(first) * Int(info.bytes_per_block)
      var part: [UInt8] = []
      part.reserveCapacity(count * rowBytes)
      for row in 0..<count {
        let start = row * rowBytes
        part += blocks[(start + shift)..<(start + rowBytes)]
        part += blocks[start..<(start + shift)]
      }
      try check(ck_packed_store(runtime.handle, &packed, first, count, part, rowBytes), "ck_packed_store")
    }
  }
}
