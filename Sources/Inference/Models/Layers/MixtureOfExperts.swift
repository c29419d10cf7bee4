// A feed-forward layer of experts: each token goes to the few that its router likes best.
// Tokens are grouped by expert, so that each expert's weights are read once for all of its tokens.

package struct MixtureOfExperts: FeedForwardLayer {
  let router: PackedTensor
  /// One matrix an expert each.
  let gates: [PackedTensor]
  let ups: [PackedTensor]
  let downs: [PackedTensor]
  let used: Int
  let renormalises: Bool
  let activation: Gate

  @discardableResult
  package func callAsFunction(
    _ x: TensorView, _ pass: Pass, addingTo sum: TensorView? = nil
  ) throws(KernelError) -> TensorView {
    guard let sum else { throw KernelError(.invalidArgument, "a mixture of experts without a residual") }
    if x.rows == 0 { return sum }
    let picks = x.rows * used
    let routes = try Routes(picks: picks, experts: ups.count, pass)
    try route(x, routes, pass)

    let hidden = try pass.take(rows: picks, columns: ups[0].rows)  // (picks, expert width), sorted by expert
    try pass.multiply(x, gather: routes.tokens, rows: picks) { call in
      routes.forEach { expert, rows in
        call.add(
          ups[expert], gate: gates[expert], act: activation, into: hidden.rows(rows), rows: rows)
      }
      if pass.isMeasuring { call.add(ups[0], into: hidden) }
    }
    let outputs = try pass.take(rows: picks, columns: downs[0].rows)  // (picks, width), sorted by expert
    try pass.multiply(hidden) { call in
      routes.forEach { expert, rows in call.add(downs[expert], into: outputs.rows(rows), rows: rows) }
      if pass.isMeasuring { call.add(downs[0], into: outputs) }
    }
    // Every token's experts come in ascending order, whoever else is in the batch: the sum has one order.
    if !pass.isMeasuring {
      try pass.runtime.scatterAdd(outputs, scales: routes.weights, ids: routes.tokens, to: sum)
    }
    return sum
  }

  /// Softmax over all experts, the best `used` of them, renormalised, sorted by expert.
  private func route(_ x: TensorView, _ routes: Routes, _ pass: Pass) throws(KernelError) {
    let scores = try pass.take(rows: x.rows, columns: ups.count)
    try pass.multiply(x) { $0.add(router, into: scores) }
    let values = try pass.take(Float.self, count: routes.picks)  // (rows, used)
    let experts = try pass.take(Int32.self, count: routes.picks)  // (rows, used)
    if pass.isMeasuring { return }
    try pass.runtime.softmax(scores, into: scores)
    try pass.runtime.topK(scores, used, values: values, indices: experts)
    if renormalises {
      for row in 0..<x.rows {
        let weights = values + row * used
        var total: Float = 0
        for pick in 0..<used { total += weights[pick] }
        for pick in 0..<used { weights[pick] /= total }
      }
    }
    routes.sort(experts, weights: values, used: used)
  }
}

/// Which token goes to which expert: a counting sort of a pass's picks by expert.
private struct Routes {
  let picks: Int
  let experts: Int
  /// (picks): the token of each pick, sorted by expert, then by token.
  let tokens: UnsafeMutablePointer<Int32>
  /// (picks)
  let weights: UnsafeMutablePointer<Float>
  /// (experts + 1): where each expert's picks start.
  let starts: UnsafeMutablePointer<Int>

  private let isMeasuring: Bool

  init(picks: Int, experts: Int, _ pass: Pass) throws(KernelError) {
    self.picks = picks
    self.experts = experts
    isMeasuring = pass.isMeasuring
    tokens = try pass.take(Int32.self, count: picks)
    weights = try pass.take(Float.self, count: picks)
    starts = try pass.take(Int.self, count: experts + 1)
  }

  /// Sorts the picks `ids` and their `values`, `used` a token.
  func sort(_ ids: UnsafePointer<Int32>, weights values: UnsafePointer<Float>, used: Int) {
    starts.update(repeating: 0, count: experts + 1)
    for pick in 0..<picks { starts[Int(ids[pick]) + 1] += 1 }
    for expert in 0..<experts { starts[expert + 1] += starts[expert] }
    for pick in 0..<picks {
      let place = starts[Int(ids[pick])]
      tokens[place] = Int32(pick / used)
      weights[place] = values[pick]
      starts[Int(ids[pick])] += 1
    }
    // Each start has moved to the next expert's: move them back.
    for expert in stride(from: experts, to: 0, by: -1) { starts[expert] = starts[expert - 1] }
    starts[0] = 0
  }

  /// Every expert that has picks, with the range of them.
  func forEach(_ body: (Int, Range<Int>) -> Void) {
    if isMeasuring { return }
    for expert in 0..<experts where starts[expert] < starts[expert + 1] {
      body(expert, starts[expert]..<starts[expert + 1])
    }
  }
}

extension WeightLoader {
  /// The mixture of one layer.
  func mixture(
    _ configuration: ModelConfiguration, _ experts: ExpertConfiguration
  ) throws(ModelError) -> MixtureOfExperts {
    let (count, hidden, width) = (experts.count, experts.width, configuration.width)
    return MixtureOfExperts(
      router: try matrix(gguf: "ffn_gate_inp.weight", hf: "mlp.gate.weight", rows: count, columns: width),
      gates: try self.experts(
        gguf: "ffn_gate_exps.weight", hf: { "mlp.experts.\($0).gate_proj.weight" }, count: count, rows: hidden,
        columns: width),
      ups: try self.experts(
        gguf: "ffn_up_exps.weight", hf: { "mlp.experts.\($0).up_proj.weight" }, count: count, rows: hidden,
        columns: width),
      downs: try self.experts(
        gguf: "ffn_down_exps.weight", hf: { "mlp.experts.\($0).down_proj.weight" }, count: count, rows: width,
        columns: hidden),
      used: experts.used, renormalises: experts.renormalises, activation: configuration.activation)
  }
}
