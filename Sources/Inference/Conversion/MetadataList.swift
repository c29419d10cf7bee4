// GGUF metadata under construction: keys of the model carry its architecture's name. Knows no checkpoint.

/// The metadata of a file to be written, in order.
struct MetadataList: Sendable {
  let architecture: String
  private(set) var entries: [(key: String, value: MetadataValue)]

  init(architecture: String, name: String) {
    self.architecture = architecture
    entries = [
      ("general.architecture", .string(architecture)), ("general.type", .string("model")),
      ("general.name", .string(name)),
    ]
  }

  /// Adds a key of any kind.
  mutating func add(_ key: String, _ value: MetadataValue?) {
    if let value { entries.append((key, value)) }
  }

  /// Adds `<architecture>.<key>`.
  mutating func model(_ key: String, _ value: MetadataValue?) { add("\(architecture).\(key)", value) }

  mutating func model(_ key: String, _ value: UInt32?) { model(key, value.map(MetadataValue.uint32)) }
  mutating func model(_ key: String, _ value: Float?) { model(key, value.map(MetadataValue.float32)) }

  /// Adds `tokenizer.ggml.<key>`.
  mutating func tokenizer(_ key: String, _ value: MetadataValue?) { add("tokenizer.ggml.\(key)", value) }
}

extension FileType {
  /// `metadata` with the keys that say how the tensors are stored; those of the source are replaced.
  func describing(
    _ metadata: [(key: String, value: MetadataValue)]
  ) -> [(key: String, value: MetadataValue)] {
    let own = ["general.file_type", "general.quantization_version"]
    // Version 2: the layout of the blocks in which Q4 and Q5 keep the low half of the values in the low nibbles.
    let values: [(key: String, value: MetadataValue)] =
      (number.map { [(own[0], MetadataValue.uint32($0))] } ?? []) + [(own[1], .uint32(2))]
    let rest = metadata.filter { !own.contains($0.key) }
    // After the last general key, where readers expect them.
    let place = (rest.lastIndex { $0.key.hasPrefix("general.") } ?? -1) + 1
    return Array(rest[..<place]) + values + Array(rest[place...])
  }
}
