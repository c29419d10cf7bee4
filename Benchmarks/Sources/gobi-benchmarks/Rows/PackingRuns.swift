// What stands before a product: conversion of activations, packing of weights, and look-up of packed rows.
import CKernels
import Capacity
import Inference

/// Converts (m, k) floats for one kind of product. The record is opaque, so a product with it is what is checked.
final class ActivationRun: PreparedRow {
  let work: Work
  private let memory: RowMemory
  private let input: BenchInput
  private let activations: BenchActivations
  private let product: MatmulRun

  init(_ memory: RowMemory, _ format: Format, kind: ck_activation, m: Int, k: Int) throws {
    self.memory = memory
    let shape = MatrixShape(name: "check", n: 64, k: k)
    product = try MatmulRun(memory, shape, format, activation: kind, m: m, isStreamed: false)
    input = product.input
    activations = product.activations
    let bytes = Double(m * k * 4 + activations.plan.bytes)
    work = Work(operations: 0, bytes: bytes, footprint: bytes, precision: .f32, written: Double(activations.plan.bytes))
  }

  func run() throws {
    try check(
      ck_activations_store(memory.runtime.handle, &activations.plan, input.floats.baseAddress, input.k, nil),
      "ck_activations_store")
  }

  func isRight() throws -> Bool {
    // Nothing of an earlier conversion may pass for this one's.
    activations.plan.data.initializeMemory(as: UInt8.self, repeating: 0xFF, count: activations.plan.bytes)
    try run()
    try product.run()
    return product.isRight()
  }
}

/// Encoded rows of a format in random values, and what they decode to.
struct EncodedRows {
  let code: ck_format
  let rowBytes: Int
  let blocks: [UInt8]
  let values: [Float]

  init(_ format: Format, _ shape: MatrixShape) throws {
    code = ck_format(rawValue: UInt32(format.rawValue))
    guard let info = ck_format_describe(code)?.pointee else { throw BenchmarkError("there is no format \(format)") }
    rowBytes = shape.k / Int(info.values_per_block) * Int(info.bytes_per_block)
    // Few rows are encoded, and repeated: the search for scales takes long in some formats.
    let few = min(shape.n, 16)
    var random = RandomSource(seed: 17)
    var floats = (0..<few * shape.k).map { _ in random.signedUnit() * 0.05 }
    var encoded = [UInt8](repeating: 0, count: few * rowBytes)
    try check(ck_encode(code, &floats, floats.count, nil, &encoded), "ck_encode")
    try check(ck_decode(code, &encoded, floats.count, &floats), "ck_decode")
    blocks = encoded
    values = floats
  }

  var count: Int { blocks.count / rowBytes }
}

/// Packs a matrix from file blocks, as loading does.
final class PackRun: PreparedRow {
  let work: Work
  private let memory: RowMemory
  private let source: EncodedRows
  private let shape: MatrixShape
  private let store: KernelMemory
  private var packed = ck_packed()

  init(_ memory: RowMemory, _ format: Format, _ shape: MatrixShape) throws {
    self.memory = memory
    self.shape = shape
    source = try EncodedRows(format, shape)
    try check(ck_packed_plan(memory.runtime.handle, source.code, shape.n, shape.k, &packed), "ck_packed_plan")
    store = try KernelMemory(bytes: packed.bytes)
    packed.data = store.base
    let bytes = Double(packed.bytes + shape.n * source.rowBytes)
    work = Work(operations: 0, bytes: bytes, footprint: bytes, precision: .f32, written: Double(packed.bytes))
  }

  func run() throws {
    for first in stride(from: 0, to: shape.n, by: source.count) {
      let rows = min(source.count, shape.n - first)
      try check(
        ck_packed_store(memory.runtime.handle, &packed, first, rows, source.blocks, source.rowBytes), "ck_packed_store")
    }
  }

  /// Unpacked rows are the decoded ones, bit for bit.
  func isRight() throws -> Bool {
    let ids = (0..<shape.n).map(Int32.init)
    var rows = [Float](repeating: .nan, count: shape.n * shape.k)
    try check(
      ck_packed_rows(memory.runtime.handle, &packed, ids, ids.count, 1, &rows, shape.k), "ck_packed_rows")
    return rows.indices.allSatisfy { rows[$0] == source.values[$0 % source.values.count] }
  }
}

/// Looks rows up: token embeddings.
final class LookupRun: PreparedRow {
  let work: Work
  private let memory: RowMemory
  private let source: EncodedRows
  private let shape: MatrixShape
  private let ids: [Int32]
  private let store: KernelMemory
  private let out: Floats
  private var packed = ck_packed()

  init(_ memory: RowMemory, _ format: Format, _ shape: MatrixShape, count: Int) throws {
    self.memory = memory
    self.shape = shape
    source = try EncodedRows(format, shape)
    var random = RandomSource(seed: 19)
    ids = (0..<count).map { _ in Int32(random.index(below: shape.n)) }
    out = try Floats(count * shape.k)
    try check(ck_packed_plan(memory.runtime.handle, source.code, shape.n, shape.k, &packed), "ck_packed_plan")
    store = try KernelMemory(bytes: packed.bytes)
    packed.data = store.base
    for first in stride(from: 0, to: shape.n, by: source.count) {
      let rows = min(source.count, shape.n - first)
      try check(
        ck_packed_store(memory.runtime.handle, &packed, first, rows, source.blocks, source.rowBytes), "ck_packed_store")
    }
    let bytes = Double(count * (source.rowBytes + shape.k * 4))
    work = Work(operations: 0, bytes: bytes, footprint: bytes, precision: .f32, written: Double(count * shape.k * 4))
  }

  func run() throws {
    try check(
      ck_packed_rows(memory.runtime.handle, &packed, ids, ids.count, 1, out.mutable, shape.k), "ck_packed_rows")
  }

  func isRight() -> Bool {
    out.matches { at in
      let row = Int(ids[at / shape.k]) % source.count
      return (Double(source.values[row * shape.k + at % shape.k]), 0)
    }
  }
}
