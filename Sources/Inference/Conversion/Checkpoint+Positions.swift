// Rotary positions: from config.json, before and after transformers 5, to GGUF's keys and tensors.
import Glibc

/// The divisors of rotary frequencies that GGUF keeps as tensors.
enum RopeFactors {
  /// Llama 3.1's: low frequencies are divided by `factor`, high ones kept, those between blended.
  ///
  /// Source: transformers, modeling_rope_utils.py, `_compute_llama3_parameters`. `dimensions` / 2 values.
  static func llama3(
    dimensions: Int, base: Double, factor: Double, low: Double, high: Double, originalContext: Double
  ) -> [Float] {
    (0..<dimensions / 2).map { pair in
      let frequency = pow(base, -2 * Double(pair) / Double(dimensions))
      let turns = originalContext * frequency / (2 * Double.pi)
      if turns > high { return 1 }
      if turns < low { return Float(factor) }
      let share = (turns - low) / (high - low)
      return Float(1 / ((1 - share) / factor + share))
    }
  }
}

extension Checkpoint {
  /// RoPE's base and scaling, with the tensors that some scalings need.
  mutating func addPositions() throws(WeightError) {
    guard kind != .bert else { return }
    let config = configuration.json
    let parameters: JSONValue? = config["rope_parameters"]?.object.map { .object($0) }
    let scaling = parameters.map { $0["full_attention"] ?? $0 } ?? config["rope_scaling"] ?? .null
    let stated = parameters == nil ? config["rope_theta"] : scaling["rope_theta"] ?? config["rope_theta"]
    let base = try number(stated, "rope_theta") ?? fallbackBase
    list.model("rope.freq_base", Float(base))
    let local = parameters?["sliding_attention"]?["rope_theta"] ?? config["rope_local_base_freq"]
    if kind == .gemma3, let local = try number(local, "rope_local_base_freq") {
      list.model("rope.freq_base_swa", Float(local))
    }
    let part = try number(scaling["partial_rotary_factor"] ?? config["partial_rotary_factor"], "partial_rotary_factor")
    let dimensions = Int(Double(try headDimension) * min(max(part ?? 1, 0), 1))
    if [.llama, .mistral, .phi3].contains(kind) || part ?? 1 != 1 {
      list.model("rope.dimension_count", UInt32(clamping: dimensions))
    }
    try addScaling(scaling, base: base, dimensions: dimensions)
  }

  private var fallbackBase: Double { kind == .gemma3 ? 1_000_000 : 10_000 }

  private func number(_ value: JSONValue?, _ key: String) throws(WeightError) -> Double? {
    guard let value, value != .null else { return nil }
    guard let number = value.double, number.isFinite, number > 0 else {
      throw .wrongType(
        key: key, expected: "a positive number", found: String(value.serialized().prefix(60)), path: configuration.path)
    }
    return number
  }

  private mutating func addScaling(_ scaling: JSONValue, base: Double, dimensions: Int) throws(WeightError) {
    let kind = scaling["rope_type"]?.string ?? scaling["type"]?.string ?? "default"
    let key = "original_max_position_embeddings"
    let context = Double(try configuration.count("max_position_embeddings"))
    let original = try number(scaling[key] ?? configuration.json[key], key) ?? context
    func required(_ key: String) throws(WeightError) -> Double {
      guard let value = try number(scaling[key], key) else { throw .missingKey(key: key, path: configuration.path) }
      return value
    }
    switch kind {
    case "default": return
    case "linear":
      list.model("rope.scaling.type", .string("linear"))
      list.model("rope.scaling.factor", Float(try required("factor")))
    case "yarn":
      let factor = try required("factor")
      list.model("rope.scaling.type", .string("yarn"))
      list.model("rope.scaling.factor", Float(factor))
      list.model("rope.scaling.original_context_length", UInt32(clamping: Int(original)))
      list.model("rope.scaling.yarn_beta_fast", try number(scaling["beta_fast"], "beta_fast").map(Float.init))
      list.model("rope.scaling.yarn_beta_slow", try number(scaling["beta_slow"], "beta_slow").map(Float.init))
      // GGUF's factor multiplies YaRN's own growth of attention, Hugging Face's takes its place.
      if let attention = try number(scaling["attention_factor"], "attention_factor") {
        list.model("rope.scaling.attn_factor", Float(attention / (factor <= 1 ? 1 : 0.1 * log(factor) + 1)))
      }
    case "llama3":
      let (low, high) = (try required("low_freq_factor"), try required("high_freq_factor"))
      guard high > low else {
        throw .wrongType(
          key: "high_freq_factor", expected: "a number above low_freq_factor", found: "\(high)",
          path: configuration.path)
      }
      add(
        "rope_freqs.weight",
        RopeFactors.llama3(
          dimensions: dimensions, base: base, factor: try required("factor"), low: low, high: high,
          originalContext: original))
    case "longrope", "su":
      try addLongRope(scaling, context: context, original: original, dimensions: dimensions)
    default:
      throw .unsupported(path: configuration.path, reason: "rope_type '\(kind.prefix(40))'")
    }
  }

  private mutating func addLongRope(
    _ scaling: JSONValue, context: Double, original: Double, dimensions: Int
  ) throws(WeightError) {
    list.model("rope.scaling.type", .string("longrope"))
    list.model("rope.scaling.original_context_length", UInt32(clamping: Int(original)))
    let reach = try number(scaling["factor"], "factor") ?? context / original
    let grown = reach <= 1 ? 1 : (1 + log(reach) / log(max(original, 2))).squareRoot()
    list.model(
      "rope.scaling.attn_factor", Float(try number(scaling["attention_factor"], "attention_factor") ?? grown))
    for (key, name) in [("long_factor", "rope_factors_long"), ("short_factor", "rope_factors_short")] {
      let values = (scaling[key]?.array ?? []).compactMap { $0.double.map(Float.init) }
      guard values.count == dimensions / 2 else {
        throw .wrongType(
          key: key, expected: "\(dimensions / 2) numbers", found: "\(values.count)", path: configuration.path)
      }
      add("\(name).weight", values)
    }
  }

  private mutating func add(_ name: String, _ values: [Float]) {
    tensors.append(TensorPlan(name: name, shape: [values.count], content: .values(values)))
  }
}
