// An adapter as a file has it, in either form: pairs of matrices by the layer's name, with their scale. What they are
// for is AdapterLoader's business; the forms are read by AdapterFile+GGUF.swift and AdapterFile+PEFT.swift.
import Glibc

/// An opened and checked adapter file. Its tensors may still be of any shape that fits together.
package struct AdapterFile: Sendable {
  /// Which customs the file names its layers by.
  enum Form: Sendable {
    case gguf
    case peft
  }

  /// Two matrices for one layer.
  struct Entry: Sendable {
    /// The layer, as the form names it: `blk.0.attn_q`, or `model.layers.0.self_attn.q_proj`.
    let module: String
    /// (rank, columns)
    let a: WeightTensor
    /// (rows, rank)
    let b: WeightTensor
    let scale: Float

    var rank: Int { a.shape[0] }
  }

  let path: String
  let form: Form
  let name: String?
  /// What the file says that it is for, as GGUF names architectures; nil where it does not say.
  let architecture: String?
  let entries: [Entry]

  package init(path: String) throws(AdapterError) {
    let file: any WeightFile
    do { file = try Self.open(path) } catch { throw .weights(error) }
    try self.init(file)
  }

  /// An opened file; `config` stands in for the `adapter_config.json` beside safetensors.
  package init(_ file: any WeightFile, config: JSONValue? = nil) throws(AdapterError) {
    if let gguf = file as? GGUFFile {
      try self.init(gguf)
    } else if let safetensors = file as? SafetensorsFile {
      try self.init(safetensors, config: config)
    } else {
      throw .notAnAdapter(reason: "neither GGUF nor safetensors", path: file.path)
    }
  }

  init(path: String, form: Form, name: String?, architecture: String?, entries: [Entry]) throws(AdapterError) {
    guard !entries.isEmpty else { throw .notAnAdapter(reason: "it has no pairs of matrices", path: path) }
    (self.path, self.form, self.name, self.architecture, self.entries) = (path, form, name, architecture, entries)
  }

  private static func open(_ path: String) throws(WeightError) -> any WeightFile {
    if path.hasSuffix(".safetensors") { return try SafetensorsFile(path: path) }
    var status = stat()
    let isFolder = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    guard isFolder else { return try GGUFFile(path: path) }
    return try SafetensorsFile(path: (path.hasSuffix("/") ? path : path + "/") + "adapter_model.safetensors")
  }
}

/// The tensors of an adapter file, sorted into pairs by module.
struct AdapterTensors {
  enum Role { case a, b }

  private let file: any WeightFile
  private var pairs: [ExactText: (a: String?, b: String?)] = [:]
  private(set) var modules: [String] = []

  init(of file: any WeightFile) { self.file = file }

  /// Notes that `tensor` is A or B of `module`.
  mutating func add(_ tensor: String, _ role: Role, of module: String) throws(AdapterError) {
    let key = ExactText(module)
    var pair = pairs[key] ?? (nil, nil)
    if pair.a == nil, pair.b == nil { modules.append(module) }
    switch role {
    case .a:
      if let other = pair.a { throw twice(tensor, other) }
      pair.a = tensor
    case .b:
      if let other = pair.b { throw twice(tensor, other) }
      pair.b = tensor
    }
    pairs[key] = pair
  }

  private func twice(_ tensor: String, _ other: String) -> AdapterError {
    .badValue(key: tensor, reason: "'\(other)' is for the same layer", path: file.path)
  }

  /// A and B of a module, whose shapes fit together.
  func pair(of module: String) throws(AdapterError) -> (a: WeightTensor, b: WeightTensor) {
    let names = pairs[ExactText(module)]
    guard let first = names?.a, let second = names?.b else {
      let what = names?.a == nil ? "A" : "B"
      throw .weights(.missingTensor(name: "\(what) of '\(module)'", path: file.path))
    }
    let a: WeightTensor
    let b: WeightTensor
    do {
      a = try file.tensor(first)
      b = try file.tensor(second)
    } catch { throw .weights(error) }
    guard a.shape.count == 2, (1...Adapter.maximumRank).contains(a.shape[0]) else {
      throw .badValue(
        key: first, reason: "shape \(a.shape), where A has 1 to \(Adapter.maximumRank) rows", path: file.path)
    }
    guard b.shape.count == 2, b.shape[1] == a.shape[0] else {
      throw .badValue(
        key: second, reason: "shape \(b.shape), where B has \(a.shape[0]) columns, A's rank", path: file.path)
    }
    return (a, b)
  }
}
