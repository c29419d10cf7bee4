// How a text's hidden states become one vector, and what a model's files say about it.

/// Which hidden states make a text's vector.
public enum Pooling: String, Sendable, CaseIterable {
  /// The mean over all tokens, special ones included.
  case mean
  /// The first token's.
  case first
  /// The last token's.
  case last

  /// What the model at `path` was made for: GGUF's `pooling_type`, or sentence-transformers' `1_Pooling/config.json`
  /// beside safetensors. Nil if its files do not say, or name another way.
  public static func of(path: String) throws(WeightError) -> Pooling? {
    try of(WeightFiles.open(path: path))
  }

  /// As ``of(path:)``, for an opened file.
  package static func of(_ file: any WeightFile) throws(WeightError) -> Pooling? {
    if let gguf = file as? GGUFFile {
      guard let architecture = gguf["general.architecture"]?.string else { return nil }
      switch gguf["\(architecture).pooling_type"]?.int {
      case 1: return .mean
      case 2: return .first
      case 3: return .last
      default: return nil
      }
    }
    let folder = file.path.hasSuffix("/") ? file.path : file.path + "/"
    let path = folder + "1_Pooling/config.json"
    guard let mapped = try? MappedFile(path: path) else { return nil }
    let pooling: JSONValue
    do throws(JSONError) { pooling = try JSONValue(parsing: mapped.bytes) } catch {
      throw .malformed(path: path, offset: error.offset, reason: error.reason)
    }
    func says(_ mode: String) -> Bool { pooling["pooling_mode_" + mode]?.bool ?? false }
    if says("mean_tokens") { return .mean }
    if says("cls_token") { return .first }
    return says("lasttoken") ? .last : nil
  }
}

extension Model {
  /// Scores that the model's classification head gives a text; 0 if it has none.
  public var labels: Int { architecture.labels }
}
