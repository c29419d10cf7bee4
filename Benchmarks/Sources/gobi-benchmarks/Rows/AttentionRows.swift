// Attention and the KV cache's stores: every format that the cache takes, prefill and decode at some depths.
import CKernels
import Capacity
import Foundation
import Inference

/// What an attention row runs: `rows` new positions after `depth` old ones.
struct AttentionCase {
  let model: SyntheticShape
  let format: Format
  let rows: Int
  let depth: Int

  var id: String {
    let window = model.slidingWindow.map { "/window=\($0)" } ?? ""
    let kind = rows == 1 ? "decode" : "prefill/m=\(rows)"
    return "attention/\(format.name)/\(model.name)/\(kind)/depth=\(depth)\(window)"
  }

  var positions: Int { depth + rows }
  /// Old and new positions that row `r` sees.
  func visible(_ r: Int) -> Range<Int> {
    let end = depth + r + 1
    return max(0, end - (model.slidingWindow ?? end))..<end
  }
}

enum AttentionRows {
  static func all(_ kernels: [(operation: String, format: String)]) -> [Row] {
    let formats = kernels.filter { $0.operation == "attention" }.compactMap { Format(name: $0.format) }
    var rows: [Row] = []
    for format in formats {
      for model in SyntheticShape.published {
        for (count, depth) in [(1, 512), (1, 4096), (1, 16_384), (64, 4096), (512, 0), (512, 4096)] {
          let one = AttentionCase(model: model, format: format, rows: count, depth: depth)
          rows.append(
            Row(
              one.id, kernels: ["attention/\(format.name)", "attention_merge"],
              isEveryday: isEveryday(one)
            ) { try AttentionRun($0, one) })
        }
        rows += stores(model, format)
      }
    }
    return rows
  }

  private static func isEveryday(_ one: AttentionCase) -> Bool {
    let depths = one.depth == 4096 || (one.rows == 512 && one.depth == 0)
    return depths && (one.model.name == RowList.everydayModel || (one.format == .f16 && one.rows == 1))
  }

  private static func stores(_ model: SyntheticShape, _ format: Format) -> [Row] {
    [1, 512].map { count in
      let one = AttentionCase(model: model, format: format, rows: count, depth: 4096)
      return Row(
        "kv_store/\(format.name)/\(model.name)/m=\(count)", kernels: ["kv_store/\(format.name)"],
        isEveryday: model.name == RowList.everydayModel
      ) { try KVStoreRun($0, one) }
    }
  }
}

/// Queries, keys and values that every format holds exactly (multiples of 1/64 with 127/64 in every 32), and a cache of
/// them in some layers. The oracle then need not know how a cache rounds.
final class AttentionData {
  let shape: AttentionCase
  let q: KernelMemory  // (rows, heads, headDimension)
  let keys: KernelMemory  // (positions, keyValueHeads, headDimension)
  let values: KernelMemory
  let layers: Int
  let layout: UnsafeMutablePointer<ck_kv_layout>
  let blocks: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  let blockCount: Int
  private let store: KernelMemory
  private let memory: RowMemory

  init(_ memory: RowMemory, _ shape: AttentionCase, layers wanted: Int?) throws {
    self.memory = memory
    self.shape = shape
    let model = shape.model
    layout = .allocate(capacity: 1)
    layout.initialize(to: ck_kv_layout())
    let code = ck_format(rawValue: UInt32(shape.format.rawValue))
    try check(
      ck_kv_plan(memory.runtime.handle, code, UInt32(model.keyValueHeads), UInt32(model.headDimension), layout),
      "ck_kv_plan")
    let positionsInBlock = Int(CK_KV_BLOCK)
    blockCount = (shape.positions + positionsInBlock - 1) / positionsInBlock
    let layerBytes = layout.pointee.layer_bytes
    layers = wanted ?? min(model.layers, max(2, memory.streamedBytes / (layerBytes * blockCount) + 1))
    q = try Self.exact(shape.rows * model.heads * model.headDimension, seed: 1)
    keys = try Self.exact(shape.positions * model.keyValueHeads * model.headDimension, seed: 2)
    values = try Self.exact(shape.positions * model.keyValueHeads * model.headDimension, seed: 3)
    store = try KernelMemory(bytes: blockCount * layers * layerBytes)
    blocks = .allocate(capacity: blockCount)
    for b in 0..<blockCount { (blocks + b).initialize(to: store.base + b * layers * layerBytes) }
    for layer in 0..<layers { try fill(layer: layer, from: 0) }
  }

  deinit {
    layout.deallocate()
    blocks.deallocate()
  }

  var headWidth: Int { shape.model.keyValueHeads * shape.model.headDimension }

  /// Stores the positions from `first` on.
  func fill(layer: Int, from first: Int) throws {
    try withSequence(rows: shape.positions - first, position: first) { sequence in
      var args = ck_kv_store_args()
      args.struct_size = MemoryLayout<ck_kv_store_args>.size
      (args.layout, args.layer) = (UnsafePointer(layout), layer)
      (args.sequences, args.sequence_count) = (sequence, 1)
      args.keys = UnsafePointer(keys.base.assumingMemoryBound(to: Float.self)) + first * headWidth
      args.values = UnsafePointer(values.base.assumingMemoryBound(to: Float.self)) + first * headWidth
      (args.ldk, args.ldv) = (headWidth, headWidth)
      try check(ck_kv_store(memory.runtime.handle, &args), "ck_kv_store")
    }
  }

  func withSequence(rows: Int, position: Int, _ body: (UnsafePointer<ck_kv_sequence>) throws -> Void) throws {
    var sequence = ck_kv_sequence()
    sequence.blocks = UnsafePointer(blocks)
    sequence.block_count = blockCount
    (sequence.first_row, sequence.rows, sequence.position) = (0, rows, position)
    try withUnsafePointer(to: sequence, body)
  }

  private static func exact(_ count: Int, seed: UInt64) throws -> KernelMemory {
    let memory = try KernelMemory(bytes: count * 4)
    var random = RandomSource(seed: seed)
    let x = memory.floats(count)
    for i in x.indices { x[i] = (i % 32 == 5 ? 127 : Float(random.index(below: 255) - 127)) / 64 }
    return memory
  }
}

final class AttentionRun: PreparedRow {
  let work: Work
  private let memory: RowMemory
  private let data: AttentionData
  private let out: KernelMemory  // (rows, heads, headDimension)
  private let scratch: KernelMemory
  private var layer = 0

  convenience init(_ memory: RowMemory, _ shape: AttentionCase) throws {
    // Decode reads each layer's cache once a token; prefill uses what it reads often.
    try self.init(memory, AttentionData(memory, shape, layers: shape.rows == 1 ? nil : 1))
  }

  init(_ memory: RowMemory, _ data: AttentionData) throws {
    self.memory = memory
    self.data = data
    let shape = data.shape
    let model = shape.model
    let width = model.heads * model.headDimension
    out = try KernelMemory(bytes: shape.rows * width * 4)
    var bytes = 0
    try Self.withArgs(data, out, scratch: nil, layer: 0) { args in
      try check(ck_attention_scratch_bytes(memory.runtime.handle, args, &bytes), "ck_attention_scratch_bytes")
    }
    scratch = try KernelMemory(bytes: bytes)
    let pairs = (0..<shape.rows).reduce(0) { $0 + shape.visible($1).count }
    let read = shape.visible(0).lowerBound..<shape.positions
    let moved =
      Double(read.count) * Double(data.layout.pointee.layer_bytes) / Double(CK_KV_BLOCK)
      + Double(shape.rows * width * 8)
    let each = 2 * Double(pairs) * Double(width)  // of scores, and of the sum over values
    let isInteger = shape.format.name == "Q8_0"
    work = Work(
      operations: 2 * each,
      // Scores over 8-bit keys may be products of 8-bit integers, values be multiplied by weights of 16 bits.
      integerOperations: isInteger ? each : 0, wordOperations: isInteger ? each : 0, bytes: moved,
      footprint: moved * Double(data.layers), precision: shape.format == .bf16 ? .bf16 : .f32)
  }

  private static func withArgs(
    _ data: AttentionData, _ out: KernelMemory, scratch: KernelMemory?, layer: Int,
    _ body: (UnsafePointer<ck_attention_args>) throws -> Void
  ) throws {
    let model = data.shape.model
    try data.withSequence(rows: data.shape.rows, position: data.shape.depth) { sequence in
      var args = ck_attention_args()
      args.struct_size = MemoryLayout<ck_attention_args>.size
      (args.layout, args.layer) = (UnsafePointer(data.layout), layer)
      (args.sequences, args.sequence_count) = (sequence, 1)
      args.q = UnsafePointer(data.q.base.assumingMemoryBound(to: Float.self))
      args.out = out.base.assumingMemoryBound(to: Float.self)
      (args.ldq, args.ldo) = (model.heads * model.headDimension, model.heads * model.headDimension)
      args.heads = UInt32(model.heads)
      args.scale = scale(model)
      args.window = UInt32(model.slidingWindow ?? 0)
      args.causal = true
      (args.scratch, args.scratch_bytes) = (scratch?.base, scratch?.bytes ?? 0)
      try withUnsafePointer(to: args, body)
    }
  }

  private static func scale(_ model: SyntheticShape) -> Float { 1 / Float(model.headDimension).squareRoot() }

  func run() throws {
    try Self.withArgs(data, out, scratch: scratch, layer: layer) { args in
      try check(ck_attention(memory.runtime.handle, args), "ck_attention")
    }
    layer = layer + 1 < data.layers ? layer + 1 : 0
  }

  /// First and last row, first and last head, against a softmax in double.
  func isRight() -> Bool {
    let shape = data.shape
    for row in Set([0, shape.rows - 1]) {
      for head in Set([0, shape.model.heads - 1]) where !isRight(row: row, head: head) { return false }
    }
    return true
  }

  // The bound: a score is one chain of dim multiply-adds; a weight is off by twice the worst score's error; the weighted
  // sum is a chain of as many terms as there are positions. Over a BF16 cache queries and weights may be rounded to
  // bfloat16; over an 8-bit one, weights to 1/32767 of the largest of a block.
  private func isRight(row: Int, head: Int) -> Bool {
    let unit = 0x1p-24
    let shape = data.shape
    let model = shape.model
    let dim = model.headDimension
    let kv = head / (model.heads / model.keyValueHeads)
    let q = data.q.floats(shape.rows * model.heads * dim)[((row * model.heads + head) * dim)...]
    let keys = data.keys.floats(shape.positions * data.headWidth)
    let values = data.values.floats(shape.positions * data.headWidth)
    let scale = Double(Self.scale(model))
    let seen = shape.visible(row)
    var worst = 0.0
    var scores = seen.map { p in
      var (dot, size) = (0.0, 0.0)
      for d in 0..<dim {
        let product = Double(q[q.startIndex + d]) * Double(keys[p * data.headWidth + kv * dim + d])
        dot += product
        size += abs(product)
      }
      let rounded = shape.format == .bf16 ? 0x1p-8 * size * scale : 0
      worst = max(worst, unit * ((Double(dim) + 8) * size * scale + 8 * abs(dot * scale)) + rounded)
      return dot * scale
    }
    let largest = scores.max() ?? 0
    worst += 8 * unit * abs(largest)
    var sum = 0.0
    for i in scores.indices {
      scores[i] = exp(scores[i] - largest)
      sum += scores[i]
    }
    let got = out.floats(shape.rows * model.heads * dim)
    for d in 0..<dim {
      var (want, size, words) = (0.0, 0.0, 0.0)
      var block = (index: -1, size: 0.0, largest: 0.0)
      for (i, p) in seen.enumerated() {
        let value = Double(values[p * data.headWidth + kv * dim + d])
        want += scores[i] / sum * value
        size += abs(scores[i] / sum * value)
        if p / Int(CK_KV_BLOCK) != block.index {
          words += block.size * block.largest
          block = (p / Int(CK_KV_BLOCK), 0, 0)
        }
        block.size += abs(value)
        block.largest = max(block.largest, scores[i] / sum)
      }
      words += block.size * block.largest
      var bound = size * (2 * worst + unit * (Double(seen.count) + 32))
      if shape.format == .bf16 { bound += size * 2 * (0x1p-9 + 0x1p-13) }
      if shape.format.name == "Q8_0" { bound += words * 1.001 / 65534 }
      if !(abs(Double(got[(row * model.heads + head) * dim + d]) - want) <= bound) { return false }
    }
    return true
  }
}

/// Stores `rows` positions after `depth` others.
final class KVStoreRun: PreparedRow {
  let work: Work
  private let data: AttentionData
  private let memory: RowMemory

  init(_ memory: RowMemory, _ shape: AttentionCase) throws {
    self.memory = memory
    data = try AttentionData(memory, shape, layers: 1)
    let floats = Double(2 * shape.rows * data.headWidth * 4)
    let stored = Double(shape.rows) * Double(data.layout.pointee.layer_bytes) / Double(CK_KV_BLOCK)
    work = Work(operations: 0, bytes: floats + stored, footprint: floats + stored, precision: .f32, written: stored)
  }

  func run() throws { try data.fill(layer: 0, from: data.shape.depth) }

  /// The values are exact in every format, so attention over the stored positions tells whether they were stored.
  func isRight() throws -> Bool {
    let attention = try AttentionRun(memory, data)
    try attention.run()
    return attention.isRight()
  }
}
