// PEFT's adapter_config.json: ranks and scales, and what makes an adapter more than LoRA.

/// What the configuration says, checked. Whatever would change the answers and is not run here is refused.
struct PEFTConfiguration {
  private let path: String
  private let rank: Int
  private let alpha: Double
  private let usesRSLoRA: Bool
  /// In the file's order: the first that matches counts.
  private let ranks: [(pattern: ModulePattern, value: Int)]
  private let alphas: [(pattern: ModulePattern, value: Double)]
  /// Endings of the modules' names; nil where the configuration has an expression, or nothing.
  private let targets: [String]?

  /// - Parameter config: stands in for the file beside the tensors.
  init(_ file: SafetensorsFile, config: JSONValue?) throws(AdapterError) {
    let name = "adapter_config.json"
    let json: JSONValue
    if let config {
      json = config
      path = file.path
    } else {
      do throws(WeightError) {
        guard let mapped = try file.companion(name) else {
          throw .cannotOpen(path: file.path, reason: "no \(name) beside it")
        }
        path = mapped.path
        do throws(JSONError) { json = try JSONValue(parsing: mapped.bytes) } catch {
          throw WeightError.malformed(path: mapped.path, offset: error.offset, reason: error.reason)
        }
      } catch { throw .weights(error) }
    }
    guard json.object != nil else {
      throw .weights(.malformed(path: path, offset: 0, reason: "not a JSON object"))
    }
    let kind = json["peft_type"]?.string
    guard kind == "LORA" else {
      throw .notAnAdapter(reason: "peft_type is '\((kind ?? "nothing").prefix(40))'", path: path)
    }
    let reader = Reader(json: json, path: path)
    try reader.refuseVariants()
    rank = try reader.int("r", json["r"])
    alpha = try reader.number("lora_alpha", json["lora_alpha"])
    usesRSLoRA = json["use_rslora"]?.bool ?? false
    ranks = try reader.patterns("rank_pattern") { value throws(AdapterError) in try reader.int("rank_pattern", value) }
    alphas = try reader.patterns("alpha_pattern") { value throws(AdapterError) in
      try reader.number("alpha_pattern", value)
    }
    targets = json["target_modules"]?.array?.compactMap(\.string)
  }

  /// Throws if PEFT would leave the tensors of `module` out, because the configuration does not name it.
  func checkIsTarget(_ module: String) throws(AdapterError) {
    guard let targets, !targets.contains(where: { module == $0 || module.hasSuffix("." + $0) }) else { return }
    throw .badValue(key: module, reason: "has tensors, and is not among 'target_modules'", path: path)
  }

  /// What B (A x) of a module is multiplied by: alpha / r, or alpha / √r of rank-stabilised LoRA (Kalajdzievski, "A Rank
  /// Stabilization Scaling Factor for Fine-Tuning with LoRA").
  ///
  /// - Parameter rank: of its tensors, which must be what the configuration says.
  func scale(of module: String, rank: Int) throws(AdapterError) -> Float {
    let stated = ranks.first { $0.pattern.matches(module) }?.value ?? self.rank
    guard stated == rank else {
      throw .badValue(key: module, reason: "rank \(rank), the configuration says \(stated)", path: path)
    }
    let alpha = alphas.first { $0.pattern.matches(module) }?.value ?? self.alpha
    let scale = Float(alpha / (usesRSLoRA ? Double(rank).squareRoot() : Double(rank)))
    guard scale.isFinite else { throw .badValue(key: "lora_alpha", reason: "\(alpha) is too large", path: path) }
    return scale
  }
}

extension PEFTConfiguration {
  /// Reads and checks single values.
  private struct Reader {
    let json: JSONValue
    let path: String

    func bad(_ key: String, _ reason: String) -> AdapterError { .badValue(key: key, reason: reason, path: path) }

    func int(_ key: String, _ value: JSONValue?) throws(AdapterError) -> Int {
      guard let int = value?.int, (1...Adapter.maximumRank).contains(int) else {
        throw bad(
          key, "\((value ?? .null).serialized().prefix(40)) is not a rank in 1…\(Adapter.maximumRank)")
      }
      return int
    }

    func number(_ key: String, _ value: JSONValue?) throws(AdapterError) -> Double {
      guard let number = value?.double, number.isFinite else {
        throw bad(key, "\((value ?? .null).serialized().prefix(40)) is not a finite number")
      }
      return number
    }

    func patterns<T>(
      _ key: String, _ read: (JSONValue) throws(AdapterError) -> T
    ) throws(AdapterError) -> [(pattern: ModulePattern, value: T)] {
      guard let value = json[key], !value.isNull else { return [] }
      guard let object = value.object else { throw bad(key, "not an object") }
      var patterns: [(pattern: ModulePattern, value: T)] = []
      for (name, value) in object {
        guard let pattern = ModulePattern(name) else {
          throw .unsupported(
            what: "\(key) '\(name.prefix(60))'", reason: "only names of modules are, not regular expressions",
            path: path)
        }
        patterns.append((pattern, try read(value)))
      }
      return patterns
    }

    /// Keys that must be absent, null, false or empty, and why.
    private static let variants = [
      ("use_dora", "DoRA scales the model's own weights"),
      ("use_qalora", "QALoRA pools what goes into A"),
      ("use_bdlora", "block-diagonal adapters"),
      ("lora_bias", "B has a bias"),
      ("modules_to_save", "whole modules in place of the model's"),
      ("trainable_token_indices", "new embeddings of tokens"),
      ("target_parameters", "adapters of experts' parameters"),
      ("layer_replication", "layers that stand in the model several times"),
      ("alora_invocation_tokens", "an adapter that begins in the middle of a text"),
      ("arrow_config", "adapters that a router chooses"),
      ("kasa_config", "KaSA changes the model's own weights"),
      ("monteclora_config", "adapters that are drawn at random"),
      ("megatron_config", "layers of Megatron"),
    ]
    /// Beginnings of the ways to initialise an adapter that change the model's own weights with it.
    private static let initialisations = ["pissa", "olora", "corda", "loftq", "lora_ga"]

    func refuseVariants() throws(AdapterError) {
      for (key, reason) in Self.variants {
        switch json[key] {
        case nil, .null, .bool(false): continue
        case .array(let items) where items.isEmpty: continue
        case .object(let object) where object.isEmpty: continue
        default: throw .unsupported(what: key, reason: reason, path: path)
        }
      }
      if let bias = json["bias"]?.string, bias != "none" {
        throw .unsupported(what: "bias", reason: "'\(bias.prefix(40))': a trained bias is not run", path: path)
      }
      // `fan_in_fan_out` tells how the model's own weights lie; A and B lie as ever.
      if let start = json["init_lora_weights"]?.string?.lowercased(),
        let found = Self.initialisations.first(where: { start.hasPrefix($0) })
      {
        throw .unsupported(
          what: "init_lora_weights", reason: "'\(found)' changes the model's own weights; convert it to plain LoRA",
          path: path)
      }
    }
  }
}

/// A key of `rank_pattern` or `alpha_pattern`: for PEFT a regular expression for the end of a module's name, from its
/// start or from after a dot. Here a name, with `^` for names from their start, and `\.` for a dot.
struct ModulePattern {
  private let name: String
  private let isWhole: Bool

  /// Nil for anything but a name.
  init?(_ text: String) {
    var body = text[...]
    isWhole = body.hasPrefix("^")
    if isWhole { body = body.dropFirst() }
    if body.hasSuffix("$") { body = body.dropLast() }
    var plain = ""
    var isEscaped = false
    for scalar in body.unicodeScalars {
      switch scalar {
      case "\\" where !isEscaped:
        isEscaped = true
        continue
      case ".": break
      case _ where isEscaped: return nil
      case "a"..."z", "A"..."Z", "0"..."9", "_", "-": break
      default: return nil
      }
      isEscaped = false
      plain.unicodeScalars.append(scalar)
    }
    guard !plain.isEmpty, !isEscaped else { return nil }
    name = plain
  }

  func matches(_ module: String) -> Bool { module == name || (!isWhole && module.hasSuffix("." + name)) }
}
