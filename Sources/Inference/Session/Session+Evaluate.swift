// Evaluating a ragged batch: checks, chunks, passes, and the logits of the rows that were asked for.

extension Session {
  /// Evaluates the batch: every sequence grows by its tokens, and the logits of the rows that were asked for can be had
  /// from ``logits(_:)`` until the next step.
  ///
  /// - Parameter cancel: stops the step within milliseconds when it is set.
  /// - Throws: ``SessionError``; no sequence has grown then.
  public func evaluate(_ batch: Batch, cancel: CancelFlag? = nil) throws(SessionError) {
    try exclusively { () throws(SessionError) in
      outputRows = 0
      guard !model.configuration.isEncoder else {
        throw .invalidArgument(argument: "model", reason: "an encoder gives no logits; use encode")
      }
      let rows = batch.outputCount
      let outputs = try reserveOutputs(rows: rows, columns: model.configuration.vocabulary)
      var done = 0
      try step(batch, cancel: cancel) { hidden throws(KernelError) in
        let target = outputs.view.rows(done..<done + hidden.rows)
        try model.architecture.logits(of: hidden, into: target, pass)
        done += hidden.rows
      }
      outputRows = rows
    }
  }

  /// As ``evaluate(_:cancel:)``, but hands each row's logits to `visit` and keeps none: for more than memory holds.
  ///
  /// - Parameter visit: is given the row's number and its logits, in order. It must not call the session.
  public func evaluate(
    _ batch: Batch, cancel: CancelFlag? = nil, visit: (Int, UnsafeBufferPointer<Float>) -> Void
  ) throws(SessionError) {
    try exclusively { () throws(SessionError) in
      outputRows = 0
      guard !model.configuration.isEncoder else {
        throw .invalidArgument(argument: "model", reason: "an encoder gives no logits; use encode")
      }
      let tile = min(Self.visitedRows, batch.outputCount)
      let outputs = try reserveOutputs(rows: tile, columns: model.configuration.vocabulary)
      var done = 0
      try step(batch, cancel: cancel) { hidden throws(KernelError) in
        for first in stride(from: 0, to: hidden.rows, by: max(tile, 1)) {
          let count = min(tile, hidden.rows - first)
          try model.architecture.logits(
            of: hidden.rows(first..<first + count), into: outputs.view.rows(0..<count), pass)
          for row in 0..<count { visit(done + row, outputs[row]) }
          done += count
        }
      }
    }
  }

  /// Evaluates the batch and returns the hidden states, after the final norm, of the rows that were asked for:
  /// (rows, width).
  public func hiddenStates(_ batch: Batch, cancel: CancelFlag? = nil) throws(SessionError) -> Tensor {
    try exclusively { () throws(SessionError) in
      outputRows = 0
      let states: Tensor
      do throws(TensorError) {
        states = try Tensor(rows: batch.outputCount, columns: model.configuration.width)
      } catch { throw SessionError(error) }
      var done = 0
      try step(batch, cancel: cancel) { hidden throws(KernelError) in
        states.view.rows(done..<done + hidden.rows).copy(hidden)
        done += hidden.rows
      }
      return states
    }
  }

  /// Rows of logits that the last step gave.
  public var logitRows: Int { get throws(SessionError) { try exclusively { outputRows } } }

  /// The logits (vocabulary) of one row of the last step, counted over all sequences in the batch's order. Valid until
  /// the next step.
  public func logits(_ row: Int) throws(SessionError) -> UnsafeBufferPointer<Float> {
    try exclusively { () throws(SessionError) in
      guard row >= 0, row < outputRows, let outputs else {
        throw .invalidArgument(argument: "row", reason: "\(row) of \(outputRows) rows of logits")
      }
      return outputs[row]
    }
  }

  /// Rows of logits that are made at once when a visitor takes them: enough to use the weights well.
  private static let visitedRows = 32

  /// Memory for at least `rows` rows of outputs.
  private func reserveOutputs(rows: Int, columns: Int) throws(SessionError) -> Tensor {
    if let outputs, outputs.rows >= rows { return outputs }
    outputs = nil  // first, so that the two do not add up
    do throws(TensorError) {
      let tensor = try Tensor(rows: max(rows, 1), columns: columns)
      outputs = tensor
      return tensor
    } catch { throw SessionError(error) }
  }

  // MARK: One step

  /// Runs the batch in passes of up to `chunk` rows. `emit` gets the final hidden states (m, width) of each pass's
  /// output rows, in order.
  func step(
    _ batch: Batch, cancel: CancelFlag?, emit: (TensorView) throws(KernelError) -> Void
  ) throws(SessionError) {
    try check(batch)
    do throws(SessionError) {
      for entry in batch.entries {
        let state = try state(of: entry.sequence)
        do throws(TensorError) {
          try state.kv.prepare(for: state.position..<state.position + entry.range.count, .full)
        } catch { throw SessionError(error) }
      }
      try pass.watching(cancel) { () throws(SessionError) in try passes(batch, emit: emit) }
    } catch {
      // What was written lies beyond every position, where nothing reads it.
      for entry in batch.entries {
        if let state = try? state(of: entry.sequence) { state.kv.shrink(to: state.position) }
      }
      throw error
    }
    for entry in batch.entries {
      let state = try state(of: entry.sequence)
      state.position += entry.range.count
      if passesWindows { state.kv.passWindow(at: state.position) }
    }
  }

  /// Throws unless every sequence is there, comes once, and has room for its tokens, and all tokens exist.
  private func check(_ batch: Batch) throws(SessionError) {
    let vocabulary = Int32(model.configuration.vocabulary)
    for (index, token) in batch.tokens.enumerated() where token < 0 || token >= vocabulary {
      throw .invalidArgument(argument: "tokens", reason: "token \(token) at \(index) is not in 0..<\(vocabulary)")
    }
    defer {
      for entry in batch.entries { (try? state(of: entry.sequence))?.isInBatch = false }
    }
    for entry in batch.entries {
      let state = try state(of: entry.sequence)
      guard !state.isInBatch else {
        throw .invalidArgument(argument: "batch", reason: "sequence \(entry.sequence) comes twice")
      }
      state.isInBatch = true
      guard !entry.range.isEmpty else {
        throw .invalidArgument(argument: "batch", reason: "no tokens for sequence \(entry.sequence)")
      }
      guard entry.range.count <= context - state.position else {
        throw .contextExceeded(needed: state.position + entry.range.count, limit: context)
      }
    }
  }

  /// Fills passes with the entries' tokens in order, and runs each as it is full. Windowed layers get room pass by pass:
  /// of a long prompt they never hold all.
  private func passes(
    _ batch: Batch, emit: (TensorView) throws(KernelError) -> Void
  ) throws(SessionError) {
    pass.begin()
    for entry in batch.entries {
      let state = try state(of: entry.sequence)
      var taken = 0
      while taken < entry.range.count {
        if pass.rows == chunk { try run(emit: emit) }
        let count = min(chunk - pass.rows, entry.range.count - taken)
        let position = state.position + taken
        if passesWindows { state.kv.passWindow(at: position, keeping: state.position) }
        do throws(TensorError) { try state.kv.prepare(for: position..<position + count, .windowed) } catch {
          throw SessionError(error)
        }
        for index in max(taken, entry.firstOutput)..<max(taken + count, entry.firstOutput) {
          pass.ask(index - taken)
        }
        let first = entry.range.lowerBound + taken
        pass.add(
          batch.tokens[first..<first + count], of: state.kv, at: position,
          adapter: state.adapter)
        taken += count
      }
    }
    if pass.rows > 0 { try run(emit: emit) }
  }

  /// Runs the pass, norms and emits the rows that were asked for, and empties the pass.
  private func run(emit: (TensorView) throws(KernelError) -> Void) throws(SessionError) {
    do throws(KernelError) {
      let outputs = try model.architecture.hidden(pass)
      if outputs.rows > 0 {
        try model.architecture.normalise(outputs, pass)
        try emit(outputs)
      }
    } catch { throw SessionError(error) }
    pass.begin()
  }
}

extension TensorView {
  /// Copies the values of a view of the same shape.
  package func copy(_ other: TensorView) {
    for row in 0..<rows { (base + row * stride).update(from: other.base + row * other.stride, count: columns) }
  }
}
