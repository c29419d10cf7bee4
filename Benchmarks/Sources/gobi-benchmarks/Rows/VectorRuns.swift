// Norms, elementwise operations, softmax, top-k and RoPE, each with its formula in double and a bound that follows from
// the number of roundings. Inputs are random and finite: special values are the conformance tests' business.
import CKernels
import Capacity
import Foundation

/// Half a unit in the last place of a float.
private let unit = 0x1p-24
/// A sum of n terms in blocks of at least four lanes and two chains: no value passes through more roundings.
private func sumError(_ n: Int) -> Double { (Double(n) / 4 + 8) * unit }

/// An operation made of closures over its buffers.
final class VectorRun: PreparedRow {
  let work: Work
  private let call: () throws -> Void
  private let renew: () -> Void
  private let compare: () -> Bool

  /// `renew` fills what a run overwrites of its own input; `compare` is asked after one run on that. `distinct`: how
  /// many of the bytes there are, where some are both read and written.
  init(
    bytes: Int, written: Int, distinct: Int? = nil, renew: @escaping () -> Void = {},
    call: @escaping () throws -> Void, compare: @escaping () -> Bool
  ) {
    work = Work(
      operations: 0, bytes: Double(bytes), footprint: Double(distinct ?? bytes), precision: .f32,
      written: Double(written))
    self.call = call
    self.renew = renew
    self.compare = compare
  }

  func run() throws { try call() }

  func isRight() throws -> Bool {
    renew()
    try call()
    return compare()
  }
}

/// Floats in the kernels' memory, (rows, n).
struct Floats {
  let memory: KernelMemory
  let count: Int

  init(_ count: Int) throws {
    self.count = count
    memory = try KernelMemory(bytes: count * 4)
  }

  init(_ count: Int, seed: UInt64, scale: Float = 3) throws {
    try self.init(count)
    var random = RandomSource(seed: seed)
    let values = memory.floats(count)
    for i in values.indices { values[i] = random.signedUnit() * scale }
  }

  var mutable: UnsafeMutablePointer<Float> { memory.base.assumingMemoryBound(to: Float.self) }
  var pointer: UnsafePointer<Float> { UnsafePointer(mutable) }
  subscript(_ i: Int) -> Double { Double(mutable[i]) }
  func copy(_ other: Floats) { mutable.update(from: other.pointer, count: count) }

  /// Whether every value is as `want` says, give or take its bound. NaN is wrong.
  func matches(_ want: (Int) -> (value: Double, bound: Double)) -> Bool {
    for i in 0..<count {
      let (value, bound) = want(i)
      if !(abs(self[i] - value) <= bound) { return false }
    }
    return true
  }
}

enum VectorRuns {
  static func norm(_ memory: RowMemory, rows: Int, n: Int, isLayerNorm: Bool) throws -> VectorRun {
    let (x, weight) = (try Floats(rows * n, seed: 1), try Floats(n, seed: 2, scale: 1))
    let (bias, y) = (try Floats(n, seed: 3, scale: 1), try Floats(rows * n))
    let epsilon: Float = 1e-5
    return VectorRun(bytes: (2 * rows * n + n) * 4, written: rows * n * 4) {
      var args = ck_norm_args()
      args.struct_size = MemoryLayout<ck_norm_args>.size
      (args.x, args.ldx, args.y, args.ldy) = (x.pointer, n, y.mutable, n)
      (args.rows, args.groups, args.n, args.epsilon) = (rows, 1, n, epsilon)
      args.weight = weight.pointer
      args.bias = isLayerNorm ? bias.pointer : nil
      let operation = isLayerNorm ? ck_layer_norm : ck_rms_norm
      try check(operation(memory.runtime.handle, &args), "norm")
    } compare: {
      (0..<rows).allSatisfy { row in
        isNormed(x, y, row: row, n: n, weight, isLayerNorm ? bias : nil, epsilon: Double(epsilon))
      }
    }
  }

  private static func isNormed(
    _ x: Floats, _ y: Floats, row: Int, n: Int, _ weight: Floats, _ bias: Floats?, epsilon: Double
  ) -> Bool {
    let values = (0..<n).map { x[row * n + $0] }
    let mean = bias == nil ? 0 : values.reduce(0, +) / Double(n)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n)
    let scale = 1 / (squares + epsilon).squareRoot()
    let largest = values.reduce(0) { max($0, abs($1)) }
    for (i, value) in values.enumerated() {
      let product = (value - mean) * scale * weight[i]
      let want = product + (bias?[i] ?? 0)
      // The mean is off by sumError of the largest value, which the scale and the weight carry on.
      let ofMean = bias == nil ? 0 : 2 * sumError(n) * largest * scale * abs(weight[i])
      let own = 4 * unit * (abs(bias?[i] ?? 0) + abs(value) * scale * abs(weight[i]))
      if !(abs(y[row * n + i] - want) <= abs(product) * (sumError(n) + 8 * unit) + ofMean + own) { return false }
    }
    return true
  }

  static func gated(_ memory: RowMemory, _ act: ck_gate, rows: Int, n: Int) throws -> VectorRun {
    let (gate, up) = (try Floats(rows * n, seed: 4), try Floats(rows * n, seed: 5))
    let y = try Floats(rows * n)
    return VectorRun(bytes: 3 * rows * n * 4, written: rows * n * 4) {
      try check(
        ck_gated(memory.runtime.handle, act, gate.pointer, n, up.pointer, n, y.mutable, n, rows, n), "ck_gated")
    } compare: {
      y.matches { i in
        let x = gate[i]
        if act == CK_GATE_SILU {
          let value = x / (1 + exp(-x))
          return (value * up[i], 8 * unit * abs(value * up[i]))
        }
        let inner = 0.7978845608028654 * x * (1 + 0.044715 * x * x)
        let value = 0.5 * x * (1 + tanh(inner))
        // tanh's argument is off by 4 roundings, damped by tanh' = 1 - tanh².
        let bound = 0.5 * abs(x) * unit * (6 + 4 * abs(inner) * (1 - tanh(inner) * tanh(inner)))
        return (value * up[i], (bound + 2 * unit * abs(value)) * abs(up[i]))
      }
    }
  }

  static func addScaled(_ memory: RowMemory, rows: Int, n: Int) throws -> VectorRun {
    let (x, before) = (try Floats(rows * n, seed: 6), try Floats(rows * n, seed: 7))
    let y = try Floats(rows * n)
    let a: Float = 0.3
    return VectorRun(bytes: 3 * rows * n * 4, written: rows * n * 4, distinct: 2 * rows * n * 4) {
      y.copy(before)
    } call: {
      try check(ck_add_scaled(memory.runtime.handle, a, x.pointer, n, y.mutable, n, rows, n), "ck_add_scaled")
    } compare: {
      y.matches { i in
        let product = Double(a) * x[i]
        return (before[i] + product, 2 * unit * (abs(product) + abs(before[i])))
      }
    }
  }

  static func scatterAdd(_ memory: RowMemory, rows: Int, n: Int) throws -> VectorRun {
    let (x, before) = (try Floats(rows * n, seed: 8), try Floats(rows * n, seed: 9))
    let (y, a) = (try Floats(rows * n), try Floats(rows, seed: 10, scale: 1))
    // Each row once, in another order: a permutation, 7 being odd and rows a power of two.
    let ids = (0..<rows).map { Int32(($0 * 7 + 3) % rows) }
    return VectorRun(bytes: 3 * rows * n * 4, written: rows * n * 4, distinct: 2 * rows * n * 4) {
      y.copy(before)
    } call: {
      try check(
        ck_scatter_add(memory.runtime.handle, a.pointer, ids, x.pointer, n, y.mutable, n, rows, rows, n),
        "ck_scatter_add")
    } compare: {
      var source = [Int](repeating: 0, count: rows)
      for (i, id) in ids.enumerated() { source[Int(id)] = i }
      return y.matches { at in
        let from = source[at / n]
        let product = a[from] * x[from * n + at % n]
        return (before[at] + product, 2 * unit * (abs(product) + abs(before[at])))
      }
    }
  }

  static func softcap(_ memory: RowMemory, rows: Int, n: Int) throws -> VectorRun {
    let (before, x) = (try Floats(rows * n, seed: 11, scale: 60), try Floats(rows * n))
    let cap: Float = 30
    return VectorRun(bytes: 2 * rows * n * 4, written: rows * n * 4, distinct: rows * n * 4) {
      x.copy(before)
    } call: {
      try check(ck_softcap(memory.runtime.handle, cap, x.mutable, n, rows, n), "ck_softcap")
    } compare: {
      x.matches { i in
        let want = Double(cap) * tanh(before[i] / Double(cap))
        return (want, 8 * unit * abs(want))
      }
    }
  }

  static func softmax(_ memory: RowMemory, rows: Int, n: Int) throws -> VectorRun {
    let (x, y) = (try Floats(rows * n, seed: 12, scale: 8), try Floats(rows * n))
    let scale: Float = 0.7
    return VectorRun(bytes: 2 * rows * n * 4, written: rows * n * 4) {
      try check(ck_softmax(memory.runtime.handle, scale, x.pointer, n, y.mutable, n, rows, n), "ck_softmax")
    } compare: {
      (0..<rows).allSatisfy { row in
        let shifted = (0..<n).map { Double(scale) * x[row * n + $0] }
        let largest = shifted.max() ?? 0
        let sum = shifted.reduce(0) { $0 + exp($1 - largest) }
        return shifted.indices.allSatisfy { i in
          let shift = shifted[i] - largest
          let want = exp(shift) / sum
          let bound = sumError(n) + unit * (8 + 3 * (abs(largest) + abs(shift)))
          return abs(y[row * n + i] - want) <= want * bound + 1e-44
        }
      }
    }
  }

  static func topk(_ memory: RowMemory, rows: Int, n: Int, k: Int) throws -> VectorRun {
    let (x, values) = (try Floats(rows * n, seed: 13), try Floats(rows * k))
    let indices = UnsafeMutableBufferPointer<Int32>.allocate(capacity: rows * k)
    indices.initialize(repeating: -1)
    let owner = IndexOwner(indices)
    return VectorRun(bytes: rows * n * 4, written: rows * k * 8) {
      try check(
        ck_topk(memory.runtime.handle, x.pointer, n, rows, n, k, values.mutable, owner.indices.baseAddress), "ck_topk")
    } compare: {
      (0..<rows).allSatisfy { row in
        let order = (0..<n).sorted { (x[row * n + $0], $1) > (x[row * n + $1], $0) }.prefix(k)
        return order.enumerated().allSatisfy { place, index in
          Int(owner.indices[row * k + place]) == index && values[row * k + place] == x[row * n + index]
        }
      }
    }
  }

  private final class IndexOwner {
    let indices: UnsafeMutableBufferPointer<Int32>
    init(_ indices: UnsafeMutableBufferPointer<Int32>) { self.indices = indices }
    deinit { indices.deallocate() }
  }

  static func rope(_ memory: RowMemory, _ pairing: ck_rope_pairing, rows: Int, heads: Int, dim: Int) throws
    -> VectorRun
  {
    let width = heads * dim
    let pairs = dim / 2
    let (before, x) = (try Floats(rows * width, seed: 14, scale: 1), try Floats(rows * width))
    let (cosines, sines) = (try Floats(rows * pairs), try Floats(rows * pairs))
    let frequencies = (0..<pairs).map { Float(pow(500_000, -Double($0) / Double(pairs))) }
    let positions = (0..<rows).map { Int32($0 + 1000) }
    try check(
      ck_rope_table(
        memory.runtime.handle, frequencies, pairs, 1, positions, rows, cosines.mutable, sines.mutable),
      "ck_rope_table")
    let isTable = cosines.matches { i in
      (cos(Double(positions[i / pairs]) * Double(frequencies[i % pairs])), unit + 1e-9)
    }
    let tables = 2 * rows * pairs * 4
    return VectorRun(
      bytes: 2 * rows * width * 4 + tables, written: rows * width * 4, distinct: rows * width * 4 + tables
    ) {
      x.copy(before)
    } call: {
      try check(
        ck_rope(
          memory.runtime.handle, pairing, x.mutable, width, rows, heads, dim, cosines.pointer, sines.pointer, pairs),
        "ck_rope")
    } compare: {
      isTable
        && x.matches { at in
          let (row, d) = (at / width, at % dim)
          let isHalves = pairing == CK_ROPE_HALVES
          let pair = isHalves ? d % pairs : d / 2
          let isFirst = isHalves ? d < pairs : d % 2 == 0
          let other = at + (isFirst ? 1 : -1) * (isHalves ? pairs : 1)
          let (c, s) = (cosines[row * pairs + pair], sines[row * pairs + pair])
          let want = before[at] * c + (isFirst ? -1 : 1) * before[other] * s
          return (want, 2.5 * unit * (abs(before[at]) + abs(before[other])))
        }
    }
  }
}
