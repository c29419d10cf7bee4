// Keys and values in blocks, and attention over them: the wrappers, and the kernels' view of a ragged batch.
import CKernels

/// How one layer's keys and values lie in a block.
package struct KVLayout: @unchecked Sendable {
  let layout: ck_kv_layout

  /// Positions in a block.
  package static var blockPositions: Int { Int(CK_KV_BLOCK) }
  /// One layer's bytes in a block.
  package var layerBytes: Int { layout.layer_bytes }
}

extension KVFormat {
  fileprivate var format: ck_format {
    switch self {
    case .f32: CK_FORMAT_F32
    case .f16: CK_FORMAT_F16
    case .bf16: CK_FORMAT_BF16
    case .q8: CK_FORMAT_Q8_0
    }
  }
}

/// The sequences of a pass as the kernels want them, once a lane. Reused from pass to pass.
package final class KVBatch {
  package let lanes: KVLanes
  /// (lanes, capacity)
  private var sequences: UnsafeMutablePointer<ck_kv_sequence>
  package private(set) var count = 0
  private var capacity = 16

  package init(lanes: KVLanes) {
    self.lanes = lanes
    sequences = .allocate(capacity: lanes.count * capacity)
  }

  deinit { sequences.deallocate() }

  func sequences(of lane: Int) -> UnsafePointer<ck_kv_sequence> { UnsafePointer(sequences + lane * capacity) }

  package func removeAll() { count = 0 }

  /// Adds a sequence whose positions from `position` on are the pass's rows `rows`.
  package func add(_ sequence: KVSequence, rows: Range<Int>, position: Int) {
    if count == capacity {
      let larger = UnsafeMutablePointer<ck_kv_sequence>.allocate(capacity: lanes.count * capacity * 2)
      for lane in 0..<lanes.count {
        (larger + lane * capacity * 2).update(from: sequences + lane * capacity, count: count)
      }
      sequences.deallocate()
      sequences = larger
      capacity *= 2
    }
    var row = ck_kv_sequence()
    row.first_row = rows.lowerBound
    row.rows = rows.count
    row.position = position
    for lane in 0..<lanes.count {
      row.blocks = UnsafePointer(sequence.addresses(of: lane))
      row.block_count = sequence.blockCount(of: lane)
      sequences[lane * capacity + count] = row
    }
    count += 1
  }
}

/// What is special about attention in one layer.
package struct AttentionParameters: Sendable {
  package var heads: Int
  package var headDim: Int
  /// Query times key is multiplied by this.
  package var scale: Float
  /// 0 for none.
  package var softcap: Float = 0
  /// A query at p sees (p - window, p]; 0 for all of [0, p].
  package var window: Int = 0
  package var causal = true

  package init(heads: Int, headDim: Int, scale: Float, softcap: Float = 0, window: Int = 0, causal: Bool = true) {
    self.heads = heads
    self.headDim = headDim
    self.scale = scale
    self.softcap = softcap
    self.window = window
    self.causal = causal
  }
}

extension Runtime {
  /// The format of 16 bits that attention is fastest with on this runtime's instruction set.
  package var preferredKVFormat: KVFormat { ck_kv_preferred(handle) == CK_FORMAT_BF16 ? .bf16 : .f16 }

  package func kvLayout(_ format: KVFormat, kvHeads: Int, headDim: Int) throws(KernelError) -> KVLayout {
    var layout = ck_kv_layout()
    guard let kvHeads = UInt32(exactly: kvHeads), let headDim = UInt32(exactly: headDim) else {
      throw KernelError(.invalidArgument, "ck_kv_plan")
    }
    try check(ck_kv_plan(handle, format.format, kvHeads, headDim, &layout), "ck_kv_plan")
    return KVLayout(layout: layout)
  }

  /// Writes one layer's keys and values (rows, kvHeads * headDim) of the batch into its blocks.
  package func store(
    keys: TensorView, values: TensorView, at place: KVPlace, of batch: KVBatch, _ layout: KVLayout
  ) throws(KernelError) {
    try withUnsafePointer(to: layout.layout) { layout throws(KernelError) in
      var args = ck_kv_store_args()
      args.struct_size = MemoryLayout<ck_kv_store_args>.stride
      args.layout = layout
      args.layer = place.layer
      args.sequences = batch.sequences(of: place.lane)
      args.sequence_count = batch.count
      args.keys = UnsafePointer(keys.base)
      args.values = UnsafePointer(values.base)
      args.ldk = keys.stride
      args.ldv = values.stride
      try check(ck_kv_store(handle, &args), "ck_kv_store")
    }
  }

  /// Attention of q (rows, heads * headDim) over the batch's blocks, into out of the same shape.
  ///
  /// `scratch` is asked for the memory that the kernels want.
  package func attention(
    _ q: TensorView, at place: KVPlace, of batch: KVBatch, _ layout: KVLayout, _ parameters: AttentionParameters,
    into out: TensorView, scratch: (Int) throws(KernelError) -> UnsafeMutableRawPointer
  ) throws(KernelError) {
    try withUnsafePointer(to: layout.layout) { layout throws(KernelError) in
      var args = ck_attention_args()
      args.struct_size = MemoryLayout<ck_attention_args>.stride
      args.layout = layout
      args.layer = place.layer
      args.sequences = batch.sequences(of: place.lane)
      args.sequence_count = batch.count
      args.q = UnsafePointer(q.base)
      args.ldq = q.stride
      args.out = out.base
      args.ldo = out.stride
      args.heads = UInt32(parameters.heads)
      args.scale = parameters.scale
      args.softcap = parameters.softcap
      args.window = UInt32(parameters.window)
      args.causal = parameters.causal
      var bytes = 0
      try check(ck_attention_scratch_bytes(handle, &args, &bytes), "ck_attention_scratch_bytes")
      args.scratch = try scratch(bytes)
      args.scratch_bytes = bytes
      try check(ck_attention(handle, &args), "ck_attention")
    }
  }
}
