// Adapters as PEFT saves them: adapter_model.safetensors, whose tensors are named by the modules of transformers, and
// adapter_config.json beside it. Source of names and rules: PEFT's LoraConfig and save_and_load.

extension AdapterFile {
  init(_ file: SafetensorsFile, config: JSONValue?) throws(AdapterError) {
    let configuration = try PEFTConfiguration(file, config: config)
    var tensors = AdapterTensors(of: file)
    for name in file.tensorNames {
      let (module, role) = try Self.place(of: name, path: file.path)
      try tensors.add(name, role, of: module)
    }
    var entries: [Entry] = []
    for module in tensors.modules {
      try configuration.checkIsTarget(module)
      let (a, b) = try tensors.pair(of: module)
      entries.append(
        Entry(module: module, a: a, b: b, scale: try configuration.scale(of: module, rank: a.shape[0])))
    }
    try self.init(path: file.path, form: .peft, name: nil, architecture: nil, entries: entries)
  }

  /// The module that a tensor is for: `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight` is A of
  /// `model.layers.0.self_attn.q_proj`. Files that were not saved by PEFT itself keep the adapter's name, `default`.
  private static func place(
    of name: String, path: String
  ) throws(AdapterError) -> (module: String, role: AdapterTensors.Role) {
    let prefix = "base_model.model."
    let rest = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    for (ending, role) in [
      (".lora_A.weight", AdapterTensors.Role.a), (".lora_B.weight", .b), (".lora_A.default.weight", .a),
      (".lora_B.default.weight", .b),
    ] where rest.hasSuffix(ending) && rest.utf8.count > ending.utf8.count {
      return (String(rest.dropLast(ending.count)), role)
    }
    let reason =
      if rest.contains("lora_magnitude_vector") {
        "DoRA scales the model's own weights"
      } else if rest.contains("lora_embedding_") {
        "adapters of embeddings are not run"
      } else if rest.hasSuffix(".bias") {
        "a trained bias is not run"
      } else {
        "only pairs of A and B are, not tensors in place of the model's"
      }
    throw .unsupported(what: name, reason: reason, path: path)
  }
}
