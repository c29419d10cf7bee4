// Adapters of sequences: which there are, whether they fit, and memory for what they add to a pass.

extension Session {
  /// Gives an empty sequence another adapter, or none.
  ///
  /// - Parameter scale: multiplies the adapter's own scale; with 0 there is no adapter.
  /// - Throws: ``SessionError/invalidArgument(argument:reason:)`` if the sequence holds positions, whose keys and values
  ///   are those of the adapter that it had, or if the adapter is another model's.
  public func setAdapter(
    _ adapter: Adapter?, scale: Float = 1, of sequence: SequenceID
  ) throws(SessionError) {
    try exclusively { () throws(SessionError) in
      let state = try state(of: sequence)
      guard state.position == 0 else {
        throw .invalidArgument(
          argument: "adapter", reason: "the sequence holds \(state.position) positions of another; trim it to 0 first")
      }
      state.adapter = try use(of: adapter, scale: scale)
    }
  }

  /// The sequence's adapter and its scale there, or nil.
  public func adapter(of sequence: SequenceID) throws(SessionError) -> (adapter: Adapter, scale: Float)? {
    try exclusively { () throws(SessionError) in try state(of: sequence).adapter.map { ($0.adapter, $0.scale) } }
  }

  /// The adapter for this session's sequences, once there is memory to use it; nil if it has no effect.
  func use(of adapter: Adapter?, scale: Float) throws(SessionError) -> AdapterUse? {
    guard let adapter else { return nil }
    if let reason = Self.mismatch(adapter, scale: scale, model) {
      throw .invalidArgument(argument: "adapter", reason: reason)
    }
    if scale == 0 { return nil }
    try reserve(adapterRank: adapter.rank)
    return AdapterUse(adapter: adapter, scale: scale)
  }

  /// Why sequences of `model` cannot have the adapter at this scale, or nil if they can.
  static func mismatch(_ adapter: Adapter, scale: Float, _ model: Model) -> String? {
    guard (scale * adapter.greatestScale).isFinite, scale.isFinite else { return "a scale of \(scale)" }
    return adapter.mismatch(with: model)
  }

  /// Sees to it that a pass has room for adapters of this rank. What a pass takes is found as ever, by running the
  /// model's code over a workspace that measures.
  private func reserve(adapterRank rank: Int) throws(SessionError) {
    if rank <= adapterRank { return }
    do {
      let larger = try model.sessionShape(context: context, chunk: chunk, kvFormat: kvFormat, adapterRank: rank)
      try pass.workspace.grow(to: larger.workspaceBytes)
      adapterRank = rank
    } catch let error as ModelError {
      throw SessionError(error)
    } catch let error as TensorError {
      throw SessionError(error)
    } catch {
      throw .kernel(KernelError(.unknown(0), "\(error)"))
    }
  }
}
