// Encoders: hidden states of whole texts, and their summaries. Nothing is kept between calls.

/// What an encoder makes of one text.
public struct Encoding: Sendable {
  /// (tokens, width)
  public let hidden: Tensor
  /// The model's own summary, from the first token; nil if it has none.
  public let pooled: [Float]?
  /// The classification head's scores; nil if the model has none.
  public let labels: [Float]?

  /// The mean of the hidden states, scaled to length 1.
  public var mean: [Float] {
    var sum = [Float](repeating: 0, count: hidden.columns)
    for row in 0..<hidden.rows {
      let values = hidden[row]
      for column in 0..<hidden.columns { sum[column] += values[column] }
    }
    // The count cancels out in the scaling. Squares are summed in double, in one order.
    let length = sum.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    return length == 0 ? sum : sum.map { Float(Double($0) / length) }
  }
}

extension Session {
  /// Encodes texts, each as a whole.
  ///
  /// - Parameters:
  ///   - texts: their tokens; each has 1…``Session/context``.
  ///   - types: a type a token, or nil for type 0 throughout.
  public func encode(
    _ texts: [[Int32]], types: [[Int32]]? = nil, cancel: CancelFlag? = nil
  ) throws(SessionError) -> [Encoding] {
    try exclusively { () throws(SessionError) in
      guard model.configuration.isEncoder else {
        throw .invalidArgument(argument: "model", reason: "not an encoder; use hiddenStates")
      }
      try check(texts, types)
      outputRows = 0
      return try pass.watching(cancel) { () throws(SessionError) in
        var encodings: [Encoding] = []
        var next = 0
        while next < texts.count {
          // As many whole texts as a pass holds: at least one, because a pass holds the longest.
          var end = next
          var rows = 0
          while end < texts.count, rows + texts[end].count <= shape.rows {
            rows += texts[end].count
            end += 1
          }
          do {
            try encode(texts[next..<end], types: types?[next..<end], into: &encodings)
          } catch let error as KernelError {
            throw SessionError(error)
          } catch let error as TensorError {
            throw SessionError(error)
          } catch {
            throw .kernel(KernelError(.unknown(0), "\(error)"))
          }
          next = end
        }
        return encodings
      }
    }
  }

  private func check(_ texts: [[Int32]], _ types: [[Int32]]?) throws(SessionError) {
    let configuration = model.configuration
    guard types == nil || types?.count == texts.count else {
      throw .invalidArgument(argument: "types", reason: "\(types?.count ?? 0) lists for \(texts.count) texts")
    }
    for (index, text) in texts.enumerated() {
      guard !text.isEmpty else { throw .invalidArgument(argument: "texts", reason: "text \(index) has no tokens") }
      guard text.count <= context else { throw .contextExceeded(needed: text.count, limit: context) }
      guard text.allSatisfy({ $0 >= 0 && $0 < configuration.vocabulary }) else {
        throw .invalidArgument(
          argument: "texts", reason: "text \(index) has a token outside 0..<\(configuration.vocabulary)")
      }
      if let list = types?[index] {
        guard list.count == text.count, list.allSatisfy({ $0 >= 0 && $0 < configuration.tokenTypes }) else {
          throw .invalidArgument(
            argument: "types", reason: "list \(index) needs \(text.count) types in 0..<\(configuration.tokenTypes)")
        }
      }
    }
  }

  /// One pass over whole texts.
  private func encode(
    _ texts: ArraySlice<[Int32]>, types: ArraySlice<[Int32]>?, into encodings: inout [Encoding]
  ) throws {
    var sequences: [KVSequence] = []  // they give their blocks back when this returns
    pass.begin()
    for (offset, text) in texts.enumerated() {
      let sequence = KVSequence(pool: pool)
      try sequence.prepare(for: 0..<text.count)
      sequences.append(sequence)
      pass.add(text, types: types.map { $0[$0.startIndex + offset][...] }, of: sequence, at: 0)
    }
    let hidden = try withExtendedLifetime(sequences) { try model.architecture.hidden(pass) }
    var first = 0
    for text in texts {
      let rows = hidden.rows(first..<first + text.count)
      let states = try Tensor(rows: text.count, columns: rows.columns)
      states.view.copy(rows)
      let (pooled, labels): ([Float]?, [Float]?) = try pass.scope { () throws(KernelError) in
        guard let pooled = try model.architecture.pool(rows.rows(0..<1), pass) else { return (nil, nil) }
        let labels = try model.architecture.classify(pooled, pass)
        return (Array(pooled[0]), labels.map { Array($0[0]) })
      }
      encodings.append(Encoding(hidden: states, pooled: pooled, labels: labels))
      first += text.count
    }
  }
}
