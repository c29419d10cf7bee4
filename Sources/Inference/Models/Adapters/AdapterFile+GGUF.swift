// Adapters in GGUF: llama.cpp's convention, as its converter writes and its loader reads it.
//
// Keys: general.type, adapter.type, adapter.lora.alpha. Tensors: the base tensor's name with .lora_a (rank, columns) and
// .lora_b (rows, rank). The scale is alpha / rank, or 1 where alpha is 0 or missing.

extension AdapterFile {
  init(_ file: GGUFFile) throws(AdapterError) {
    let path = file.path
    func text(_ key: String) throws(AdapterError) -> String? {
      do { return try file.valueIfPresent(key, \.string) } catch { throw .weights(error) }
    }
    let type = try text("general.type")
    guard type == "adapter" else {
      throw .notAnAdapter(reason: "general.type is '\((type ?? "model").prefix(40))'", path: path)
    }
    let kind = try text("adapter.type")
    guard kind == "lora" else {
      throw .notAnAdapter(reason: "adapter.type is '\((kind ?? "nothing").prefix(40))'", path: path)
    }
    guard let architecture = try text("general.architecture") else {
      throw .weights(.missingKey(key: "general.architecture", path: path))
    }
    if file["adapter.alora.invocation_tokens"] != nil {
      throw .unsupported(
        what: "adapter.alora.invocation_tokens", reason: "an adapter that begins in the middle of a text", path: path)
    }
    let alphaKey = "adapter.lora.alpha"
    let alpha: Double
    do { alpha = try file.valueIfPresent(alphaKey, \.double) ?? 0 } catch { throw .weights(error) }
    guard alpha.isFinite else { throw .badValue(key: alphaKey, reason: "\(alpha) is not finite", path: path) }

    var tensors = AdapterTensors(of: file)
    for name in file.tensorNames {
      if name.hasSuffix(".weight.lora_a") {
        try tensors.add(name, .a, of: String(name.dropLast(".weight.lora_a".count)))
      } else if name.hasSuffix(".weight.lora_b") {
        try tensors.add(name, .b, of: String(name.dropLast(".weight.lora_b".count)))
      } else {
        // Other programs leave norms out that an adapter brings; its answers are then not those that it was made for.
        throw .unsupported(
          what: name, reason: "only pairs of A and B are, not tensors in place of the model's", path: path)
      }
    }
    var entries: [Entry] = []
    for module in tensors.modules {
      let (a, b) = try tensors.pair(of: module)
      let scale = Float(alpha == 0 ? 1 : alpha / Double(a.shape[0]))
      guard scale.isFinite else { throw .badValue(key: alphaKey, reason: "\(alpha) is too large", path: path) }
      entries.append(Entry(module: module, a: a, b: b, scale: scale))
    }
    try self.init(
      path: path, form: .gguf, name: try text("general.name"), architecture: architecture, entries: entries)
  }
}
