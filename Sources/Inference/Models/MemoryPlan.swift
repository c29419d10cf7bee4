// What a model and a session over it will take, known before anything is loaded. Counts; allocates nothing.

/// Bytes that a model and one session take. All are upper bounds but the weights, which are exact.
public struct MemoryPlan: Sendable, Equatable {
  /// Packed weights, shared by all sessions.
  public let weights: Int
  /// Keys and values of `batch` sequences of `context` positions each, if all are filled. Of layers with a window no
  /// more than the window, what one chunk adds, and what a step that fails goes back to.
  public let kv: Int
  /// Scratch of one session.
  public let workspace: Int
  /// Logits of one row a sequence.
  public let logits: Int
  /// Positions, sequences and chunk that the plan was made for.
  public let context: Int
  public let batch: Int
  public let chunk: Int

  public var total: Int { weights + kv + workspace + logits }
}

extension Model {
  /// Rows that a session works on at once if it does not say otherwise.
  public static let defaultChunk = 512

  /// The plan for sessions of `batch` sequences of up to `context` positions.
  ///
  /// - Parameters:
  ///   - context: nil for ``defaultContext``.
  ///   - kvFormat: nil for ``defaultKVFormat``.
  ///   - chunk: rows that a session works on at once.
  ///   - adapterRank: of the adapters that sequences may have, ``Adapter/rank``; 0 for none.
  /// - Throws: ``ModelError/kernel(_:)`` if no kernel serves the model's shape.
  public func memoryPlan(
    context: Int? = nil, batch: Int = 1, kvFormat: KVFormat? = nil, chunk: Int = Model.defaultChunk,
    adapterRank: Int = 0
  ) throws(ModelError) -> MemoryPlan {
    let context = context ?? defaultContext
    guard context > 0, context <= Int(Int32.max), batch > 0, batch <= 1 << 24, chunk > 0, chunk <= 1 << 16,
      (0...Adapter.maximumRank).contains(adapterRank)
    else {
      throw .kernel(
        KernelError(.invalidArgument, "a plan for \(context) positions, \(batch) sequences, chunks of \(chunk)"))
    }
    let shape = try sessionShape(
      context: context, chunk: chunk, kvFormat: kvFormat ?? defaultKVFormat, adapterRank: adapterRank)
    let blocks = shape.lanes.blocks(for: context, chunk: chunk, of: KVLayout.blockPositions)
    let (sequence, overflow) = blocks.multipliedReportingOverflow(by: shape.blockBytes)
    let (kv, overflow2) = sequence.multipliedReportingOverflow(by: batch)
    let (logits, overflow3) = (batch * MemoryLayout<Float>.size).multipliedReportingOverflow(
      by: configuration.isEncoder ? configuration.width : configuration.vocabulary)
    guard !overflow, !overflow2, !overflow3 else { throw .outOfMemory(bytes: .max) }
    return MemoryPlan(
      weights: weightBytes, kv: kv, workspace: shape.workspaceBytes, logits: logits, context: context, batch: batch,
      chunk: chunk)
  }

  /// The plan for the model at `path`, which is read but not loaded.
  public static func memoryPlan(
    path: String, runtime: Runtime, context: Int? = nil, batch: Int = 1, kvFormat: KVFormat? = nil,
    chunk: Int = Model.defaultChunk
  ) throws(ModelError) -> MemoryPlan {
    try Model(ModelSource(path: path), runtime: runtime, options: ModelOptions(), counting: true)
      .memoryPlan(context: context, batch: batch, kvFormat: kvFormat, chunk: chunk)
  }
}

/// What a session must set aside.
struct SessionShape {
  let kvLayout: KVLayout
  /// Which layers' keys and values lie together: one layer's for an encoder, which uses it layer after layer.
  let lanes: KVLanes
  /// Bytes of one KV block: the parts of a lane's layers.
  let blockBytes: Int
  let workspaceBytes: Int
  /// Rows that a pass can hold.
  let rows: Int
}

extension Model {
  /// Positions that a session gets if it does not ask: what the model was trained for. LongRoPE models are exact only
  /// within their original context unless the whole session goes beyond it, so theirs is the original one.
  public var defaultContext: Int {
    if case .longRope(_, _, let original, _) = configuration.rope?.scaling {
      return min(original, configuration.context)
    }
    return configuration.context
  }

  /// What a session keeps keys and values as if it does not ask: BF16 where the processor multiplies it, else F16, and
  /// F16 for an encoder or a model with exact activations.
  public var defaultKVFormat: KVFormat { exact || configuration.isEncoder ? .f16 : runtime.preferredKVFormat }

  /// Runs the model's code over a workspace that only measures.
  func sessionShape(
    context: Int, chunk: Int, kvFormat: KVFormat, adapterRank: Int = 0
  ) throws(ModelError) -> SessionShape {
    // An encoder sees a whole text at once.
    let rows = configuration.isEncoder ? max(chunk, context) : chunk
    do {
      let layout = try runtime.kvLayout(
        kvFormat, kvHeads: configuration.keyValueHeads, headDim: configuration.headDim)
      let lanes = configuration.isEncoder ? KVLanes.single : KVLanes(windows: configuration.windows)
      let (blockBytes, overflow) = layout.layerBytes.multipliedReportingOverflow(
        by: lanes.layers)
      if overflow { throw ModelError.outOfMemory(bytes: .max) }
      let workspace = Workspace()
      let pass = try Pass(
        runtime: runtime, workspace: workspace, capacity: rows, kvLayout: layout, lanes: lanes, context: context,
        exact: exact)
      pass.begin()
      pass.measure(rows: rows, adapterRank: adapterRank)
      let outputs = try architecture.hidden(pass)
      if !configuration.isEncoder {
        let logits = TensorView(outputs.base, rows: rows, columns: configuration.vocabulary)
        try architecture.logits(of: outputs, into: logits, pass)
      } else {
        if let pooled = try architecture.pool(outputs, pass) { _ = try architecture.classify(pooled, pass) }
      }
      return SessionShape(
        kvLayout: layout, lanes: lanes, blockBytes: blockBytes, workspaceBytes: workspace.peak, rows: rows)
    } catch let error as ModelError {
      throw error
    } catch let error as KernelError {
      throw .kernel(error)
    } catch let error as TensorError {
      throw ModelError(error)
    } catch {
      throw .kernel(KernelError(.unknown(0), "\(error)"))
    }
  }
}
