// One forward pass: the rows of a ragged batch, the scratch memory, and the operations that layers are made of.
// Knows no architecture. With a measuring workspace every operation is skipped and only memory is counted.

/// The tokens of one pass and what layers need to work on them. Reused from pass to pass, by one thread at a time.
package final class Pass {
  package let runtime: Runtime
  package let workspace: Workspace
  /// Whether rows stay in float32 where the weights' format would have them in int8 or bf16.
  package let exact: Bool
  package let kvLayout: KVLayout
  /// The most positions that a sequence of this session can have.
  package let context: Int
  /// The flag of the step that runs, whose caller keeps it. Not counted: layers ask for it.
  private var flag: Unmanaged<CancelFlag>?

  /// Rows in this pass.
  package private(set) var rows = 0
  package let kv: KVBatch
  /// (rows)
  package let tokens: UnsafeMutablePointer<Int32>
  /// (rows)
  package let tokenTypes: UnsafeMutablePointer<Int32>
  /// (rows)
  package let positions: UnsafeMutablePointer<Int32>
  /// The rows that are to give an output, ascending: (askedCount)
  package let asked: UnsafeMutablePointer<Int32>
  package private(set) var askedCount = 0
  /// Whether only the rows that were asked for go on: in the last layer, once its keys and values are stored.
  var keepsAskedOnly = false
  /// Whether rows of this pass have adapters.
  private(set) var hasAdapters = false
  /// Made when the first row with an adapter comes.
  private(set) var adapters: AdapterBatch?

  private let capacity: Int
  private let matmuls = MatmulCall()
  private let rowMemory: PageBuffer<Int32>
  private var attentionScratch: PageMemory?

  /// A pass of up to `capacity` rows.
  package init(
    runtime: Runtime, workspace: Workspace, capacity: Int, kvLayout: KVLayout, lanes: KVLanes, context: Int,
    exact: Bool
  ) throws(TensorError) {
    kv = KVBatch(lanes: lanes)
    self.runtime = runtime
    self.workspace = workspace
    self.capacity = capacity
    self.kvLayout = kvLayout
    self.context = context
    self.exact = exact
    rowMemory = try PageBuffer<Int32>(count: 4 * capacity)
    tokens = rowMemory.base
    tokenTypes = tokens + capacity
    positions = tokenTypes + capacity
    asked = positions + capacity
  }

  var isMeasuring: Bool { workspace.isMeasuring }

  // MARK: Rows

  /// Starts a pass with no rows.
  package func begin() {
    rows = 0
    askedCount = 0
    keepsAskedOnly = false
    hasAdapters = false
    kv.removeAll()
    workspace.release(to: 0)
  }

  /// Asks for an output of the row that is added next, or `offset` rows later.
  package func ask(_ offset: Int) {
    asked[askedCount] = Int32(truncatingIfNeeded: rows + offset)
    askedCount += 1
  }

  /// Adds tokens of one sequence, which become its positions from `position` on.
  ///
  /// - Parameter adapter: what its rows go through beside the weights. The caller keeps it until the pass has run.
  package func add(
    _ ids: some Collection<Int32>, types: ArraySlice<Int32>? = nil, of sequence: KVSequence, at position: Int,
    adapter: AdapterUse? = nil
  ) {
    let first = rows
    var row = first
    for id in ids {
      tokens[row] = id
      tokenTypes[row] = types.map { $0[$0.startIndex + (row - first)] } ?? 0
      positions[row] = Int32(truncatingIfNeeded: position + row - first)
      row += 1
    }
    rows = row
    kv.add(sequence, rows: first..<row, position: position)
    if let adapter, row > first { adaptersForThisPass().add(adapter, rows: first..<row) }
  }

  /// The adapters of this pass; none yet if this is the first row with one.
  private func adaptersForThisPass() -> AdapterBatch {
    let batch = adapters ?? AdapterBatch(capacity: capacity)
    if !hasAdapters { batch.removeAll() }
    adapters = batch
    hasAdapters = true
    return batch
  }

  /// Pretends that there are `count` rows, all asked for, and with adapters of this rank: for measuring only.
  func measure(rows count: Int, adapterRank: Int = 0) {
    rows = count
    askedCount = count
    if adapterRank > 0 { adaptersForThisPass().measuredRank = adapterRank }
  }

  /// The rows of x (rows, columns) that go on: x itself, or a copy of those that were asked for.
  func kept(_ x: TensorView) throws(KernelError) -> TensorView {
    guard keepsAskedOnly else { return x }
    let y = try take(rows: askedCount, columns: x.columns)
    if isMeasuring { return y }
    for row in 0..<askedCount {
      (y.base + row * y.stride).update(from: x.base + Int(asked[row]) * x.stride, count: x.columns)
    }
    return y
  }

  // MARK: Memory

  /// A matrix of this pass's rows, contents unspecified, until the enclosing ``scope(_:)`` ends.
  func take(columns: Int) throws(KernelError) -> TensorView { try take(rows: rows, columns: columns) }

  func take(rows: Int, columns: Int) throws(KernelError) -> TensorView {
    try memory { () throws(TensorError) in try workspace.take(rows: rows, columns: columns) }
  }

  func take<T: BitwiseCopyable>(
    _ type: T.Type, count: Int, by: Int = 1
  ) throws(KernelError) -> UnsafeMutablePointer<T> {
    try memory { () throws(TensorError) in try workspace.take(type, count: count, by: by) }
  }

  /// Takes back at the end what `body` took.
  @discardableResult
  func scope<R>(_ body: () throws(KernelError) -> R) throws(KernelError) -> R {
    let mark = workspace.mark
    defer { workspace.release(to: mark) }
    return try body()
  }

  /// Runs `body` with `flag` as what ``checkCancelled()`` and the kernels look at.
  func watching<R, E: Error>(_ flag: CancelFlag?, _ body: () throws(E) -> R) throws(E) -> R {
    self.flag = flag.map(Unmanaged.passUnretained)
    defer { self.flag = nil }
    return try CancelFlag.watching(flag, body)
  }

  /// Stops here if the caller's flag is set.
  func checkCancelled() throws(KernelError) {
    if let flag, flag._withUnsafeGuaranteedRef({ $0.isCancelled }) { throw KernelError(.cancelled, "a forward pass") }
  }

  // MARK: Operations

  /// Products of x with the weights that `build` lists. Row i is x[gather[i]] where there is a `gather`.
  ///
  /// - Parameter exact: leaves x in float32 even where the pass does not.
  func multiply(
    _ x: TensorView, gather: UnsafePointer<Int32>? = nil, rows: Int? = nil, exact: Bool = false,
    _ build: (MatmulCall) -> Void
  ) throws(KernelError) {
    matmuls.removeAll()
    build(matmuls)
    try matmuls.run(
      x, gather: gather, rows: rows ?? x.rows, exact: exact || self.exact, workspace: workspace, runtime: runtime)
  }

  func embed(
    _ ids: UnsafePointer<Int32>, in table: PackedTensor, scale: Float, into x: TensorView
  ) throws(KernelError) {
    if !isMeasuring { try runtime.rows(ids, of: table, scale: scale, into: x) }
  }

  func rmsNorm(
    _ x: TensorView, groups: Int = 1, _ parameters: NormParameters, into y: TensorView
  ) throws(KernelError) {
    if !isMeasuring, x.rows > 0 { try runtime.rmsNorm(x, groups: groups, parameters, into: y) }
  }

  func layerNorm(_ x: TensorView, _ parameters: NormParameters, into y: TensorView) throws(KernelError) {
    if !isMeasuring { try runtime.layerNorm(x, parameters, into: y) }
  }

  func gated(_ act: Gate, _ gate: TensorView, _ up: TensorView, into y: TensorView) throws(KernelError) {
    if !isMeasuring, y.rows > 0 { try runtime.gated(act, gate, up, into: y) }
  }

  func add(_ x: TensorView, to y: TensorView) throws(KernelError) {
    if !isMeasuring, y.rows > 0 { try runtime.add(x, to: y) }
  }

  func softcap(_ cap: Float, _ x: TensorView) throws(KernelError) {
    if !isMeasuring { try runtime.softcap(cap, x) }
  }

  func rope(_ x: TensorView, heads: Int, headDim: Int, _ tables: RopeTables) throws(KernelError) {
    if !isMeasuring { try runtime.rope(x, heads: heads, headDim: headDim, tables) }
  }

  /// Cosines and sines of this pass's positions.
  func ropeTables(
    _ frequencies: UnsafePointer<Float>, pairs: Int, magnitude: Float, pairing: RopePairing
  ) throws(KernelError) -> RopeTables {
    let tables = RopeTables(
      cosines: try take(Float.self, count: rows, by: pairs), sines: try take(Float.self, count: rows, by: pairs),
      pairs: pairs, pairing: pairing)
    if !isMeasuring {
      try runtime.ropeTables(
        tables, frequencies: frequencies, magnitude: magnitude, positions: positions, rows: rows)
    }
    return tables
  }

  func store(keys: TensorView, values: TensorView, layer: Int) throws(KernelError) {
    if isMeasuring { return }
    try runtime.store(keys: keys, values: values, at: kv.lanes.places[layer], of: kv, kvLayout)
  }

  func attend(
    _ q: TensorView, layer: Int, _ parameters: AttentionParameters, into out: TensorView
  ) throws(KernelError) {
    if isMeasuring || (keepsAskedOnly && askedCount == 0) { return }
    try runtime.attention(
      q, at: kv.lanes.places[layer], of: kv, kvLayout, parameters, into: out
    ) { bytes throws(KernelError) in
      // The kernels decide how much they want by the lengths of the sequences, so this grows now and then.
      if let scratch = attentionScratch, scratch.byteCount >= bytes { return scratch.base }
      let scratch = try memory { () throws(TensorError) in try PageMemory(byteCount: bytes + bytes / 2) }
      attentionScratch = scratch
      return scratch.base
    }
  }
}
