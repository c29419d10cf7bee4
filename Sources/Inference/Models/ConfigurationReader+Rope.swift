// RoPE as the three kinds of file spell it: GGUF keys and tensors, config.json before transformers 5, and after.

extension ConfigurationReader {
  /// RoPE of the layers of `layerType` (`full_attention`, `sliding_attention`), where the file tells them apart.
  func rope(
    headDim: Int, context: Int, interleaved: Bool, layerType: String = "full_attention"
  ) throws(ModelError) -> RopeConfiguration {
    switch source {
    case .gguf(let file): try ggufRope(file, headDim: headDim, context: context, interleaved: interleaved)
    case .json(let config): try jsonRope(config, headDim: headDim, context: context, layerType: layerType)
    }
  }

  private static let bases = 1.0...1e12
  private static let factors = 1e-6...1e6

  /// Turned values of a head: positive, even, and no more than there are.
  private func rotary(_ dimensions: Int, of headDim: Int, key: String) throws(ModelError) -> Int {
    guard dimensions > 0, dimensions <= headDim, dimensions % 2 == 0 else {
      throw .badConfiguration(key: key, reason: "\(dimensions) of \(headDim) values cannot turn in pairs", path: path)
    }
    return dimensions
  }

  // MARK: GGUF

  private func ggufRope(
    _ file: GGUFFile, headDim: Int, context: Int, interleaved: Bool
  ) throws(ModelError) -> RopeConfiguration {
    let dimensions = try intIfPresent(.init("rope.dimension_count"), in: 1...8192) ?? headDim
    let rotary = try rotary(dimensions, of: headDim, key: "\(architecture).rope.dimension_count")
    return RopeConfiguration(
      base: try doubleIfPresent(.init("rope.freq_base"), in: Self.bases) ?? 10_000, dimensions: rotary,
      isInterleaved: interleaved, scaling: try ggufScaling(pairs: rotary / 2, context: context))
  }

  private func ggufScaling(pairs: Int, context: Int) throws(ModelError) -> RopeConfiguration.Scaling {
    let original = try intIfPresent(.init("rope.scaling.original_context_length"), in: 1...Int(Int32.max)) ?? context
    let attention = try doubleIfPresent(.init("rope.scaling.attn_factor"), in: 1e-3...1e3)
    if let long = try divisors("rope_factors_long.weight", pairs),
      let short = try divisors("rope_factors_short.weight", pairs)
    {
      return .longRope(short: short, long: long, originalContext: original, attention: attention ?? 1)
    }
    if let divisors = try divisors("rope_freqs.weight", pairs) { return .divisors(divisors) }
    let legacy = try doubleIfPresent(.init("rope.scale_linear"), in: 0...1e6) ?? 0
    let factor = try doubleIfPresent(.init("rope.scaling.factor"), in: 0...1e6) ?? legacy
    let kind = try stringIfPresent(.init("rope.scaling.type")) ?? (factor > 0 ? "linear" : "none")
    switch kind {
    case "none": return .none
    // Writers put 0 where they mean that there is no scaling.
    case "linear": return factor == 0 || factor == 1 ? .none : .linear(factor: factor)
    case "yarn":
      return .yarn(
        factor: factor == 0 ? 1 : factor, originalContext: original,
        fastBeta: try doubleIfPresent(.init("rope.scaling.yarn_beta_fast"), in: 0...1e6) ?? 32,
        slowBeta: try doubleIfPresent(.init("rope.scaling.yarn_beta_slow"), in: 0...1e6) ?? 1,
        attention: attention.map { $0 * Self.yarnMagnitude(factor) })
    default:
      throw .unsupported(key: "\(architecture).rope.scaling.type", reason: "the kind '\(kind.prefix(40))'", path: path)
    }
  }

  /// YaRN's growth of attention with the context: 0.1 ln(s) + 1.
  static func yarnMagnitude(_ factor: Double) -> Double { factor <= 1 ? 1 : 0.1 * Double.logarithm(factor) + 1 }

  /// A tensor of one positive divisor a pair, or nil if there is none.
  private func divisors(_ name: String, _ pairs: Int) throws(ModelError) -> [Float]? {
    guard let tensor = weights.tensorIfPresent(name) else { return nil }
    do { try tensor.requireShape([pairs]) } catch { throw .weights(error) }
    var values = [Float](repeating: 0, count: pairs)
    do {
      try values.withUnsafeMutableBufferPointer { buffer throws(KernelError) in
        guard let source = tensor.bytes.baseAddress, let target = buffer.baseAddress else { return }
        try Runtime.decode(tensor.format, source, count: pairs, into: target)
      }
    } catch { throw .kernel(error) }
    return try checkedDivisors(values, name)
  }

  private func checkedDivisors(_ values: [Float], _ name: String) throws(ModelError) -> [Float] {
    guard values.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw .badConfiguration(key: name, reason: "holds a divisor that is not a positive number", path: path)
    }
    return values
  }

  // MARK: config.json

  private func jsonRope(
    _ config: JSONValue, headDim: Int, context: Int, layerType: String
  ) throws(ModelError) -> RopeConfiguration {
    // transformers 5 has one object, or one a layer type; before, the base stood beside an optional `rope_scaling`.
    let parameters = config["rope_parameters"].flatMap { $0.isNull ? nil : $0 }
    let scaling: JSONValue?
    var base = config["rope_theta"]
    if let parameters {
      scaling = parameters[layerType] ?? parameters
      base = scaling?["rope_theta"] ?? base
    } else if layerType == "sliding_attention", let local = config["rope_local_base_freq"] {
      (scaling, base) = (nil, local)
    } else {
      scaling = config["rope_scaling"].flatMap { $0.isNull ? nil : $0 }
    }
    var dimensions = headDim
    if let part = scaling?["partial_rotary_factor"] ?? config["partial_rotary_factor"], !part.isNull {
      dimensions = Int(Double(headDim) * (try checked(part, "partial_rotary_factor", in: 0...1)))
    }
    let rotary = try rotary(dimensions, of: headDim, key: "partial_rotary_factor")
    return RopeConfiguration(
      base: try base.map { value throws(ModelError) in try checked(value, "rope_theta", in: Self.bases) } ?? 10_000,
      dimensions: rotary, isInterleaved: false,
      scaling: try scaling.map { value throws(ModelError) in
        try jsonScaling(value, config, pairs: rotary / 2, context: context)
      } ?? .none)
  }

  private func jsonScaling(
    _ scaling: JSONValue, _ config: JSONValue, pairs: Int, context: Int
  ) throws(ModelError) -> RopeConfiguration.Scaling {
    func number(_ key: String, _ fallback: Double) throws(ModelError) -> Double {
      guard let value = scaling[key], !value.isNull else { return fallback }
      return try checked(value, key, in: Self.factors)
    }
    let originalKey = "original_max_position_embeddings"
    var original = Double(context)
    if let value = scaling[originalKey] ?? config[originalKey], !value.isNull {
      original = try checked(value, originalKey, in: 1...Double(Int32.max))
    }
    let kind = scaling["rope_type"]?.string ?? scaling["type"]?.string ?? "default"
    switch kind {
    case "default": return .none
    case "linear": return .linear(factor: try number("factor", 1))
    case "llama3":
      let low = try number("low_freq_factor", 1)
      let high = try number("high_freq_factor", 4)
      guard high > low else {
        throw .badConfiguration(key: "high_freq_factor", reason: "\(high) is not above \(low)", path: path)
      }
      return .llama3(
        factor: try number("factor", 8), lowFrequency: low, highFrequency: high, originalContext: Int(original))
    case "yarn":
      let attention = scaling["attention_factor"].flatMap { $0.isNull ? nil : $0 }
      return .yarn(
        factor: try number("factor", 1), originalContext: Int(original), fastBeta: try number("beta_fast", 32),
        slowBeta: try number("beta_slow", 1),
        attention: try attention.map { value throws(ModelError) in
          try checked(value, "attention_factor", in: Self.factors)
        })
    case "longrope", "su":
      // The attention factor grows with how far beyond the original context the model reaches.
      let reach = try number("factor", Double(context) / original)
      let grown = reach <= 1 ? 1 : (1 + Double.logarithm(reach) / Double.logarithm(max(original, 2))).squareRoot()
      return .longRope(
        short: try list(scaling, "short_factor", pairs), long: try list(scaling, "long_factor", pairs),
        originalContext: Int(original), attention: try number("attention_factor", grown))
    default: throw .unsupported(key: "rope_type", reason: "the kind '\(kind.prefix(40))'", path: path)
    }
  }

  private func list(_ scaling: JSONValue, _ key: String, _ pairs: Int) throws(ModelError) -> [Float] {
    let values = (scaling[key]?.array ?? []).compactMap { $0.double.map(Float.init) }
    guard values.count == pairs else {
      throw .badConfiguration(key: key, reason: "\(values.count) numbers for \(pairs) pairs", path: path)
    }
    return try checkedDivisors(values, key)
  }
}
