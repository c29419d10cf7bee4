// A safetensors model: one file, or a folder with shards and JSON files. The parsing is SafetensorsHeader's.
import Glibc

/// A model in the safetensors format: a file, an index of shards, or a folder that holds either; mapped, with nothing
/// but the headers read.
public final class SafetensorsFile: WeightFile {
  public let path: String
  /// The folder with the weights, its trailing slash included; empty for the current one.
  private let folder: String
  public let files: [MappedFile]
  /// The free `__metadata__` of the (first) file's header.
  public let metadata: [(key: String, value: String)]
  /// `config.json` beside the weights, or nil if there is none.
  public let config: JSONValue?
  private let table: TensorTable

  /// Opens a `.safetensors` file, an index (`*.safetensors.index.json`), or a folder with `model.safetensors` or
  /// `model.safetensors.index.json`.
  ///
  /// - Throws: ``WeightError`` naming the file that is missing or malformed.
  public init(path: String) throws(WeightError) {
    self.path = path
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      folder = path.hasSuffix("/") ? path : path + "/"
      let single = folder + "model.safetensors"
      let indexPath = single + ".index.json"
      if access(single, F_OK) == 0 {
        (files, metadata, table) = try Self.open(single: MappedFile(path: single))
      } else if access(indexPath, F_OK) == 0 {
        (files, metadata, table) = try Self.open(index: indexPath, folder: folder)
      } else {
        throw .cannotOpen(path: path, reason: "neither model.safetensors nor model.safetensors.index.json is there")
      }
    } else {
      folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
      (files, metadata, table) =
        try path.hasSuffix(".json")
        ? Self.open(index: path, folder: folder) : Self.open(single: MappedFile(path: path))
    }
    config = try Self.json(folder + "config.json")
  }

  /// A single file that is mapped already, with nothing beside it.
  package init(file: MappedFile) throws(WeightError) {
    path = file.path
    folder = ""
    config = nil
    (files, metadata, table) = try Self.open(single: file)
  }

  public var tensorDescriptions: [TensorDescription] { table.descriptions }

  public func tensor(_ name: String) throws(WeightError) -> WeightTensor { try table.tensor(name, path: path) }

  // MARK: Files beside the weights

  /// `tokenizer.json`, or nil if there is none. Parsed anew by each call: it can be large.
  public var tokenizerJSON: JSONValue? { get throws(WeightError) { try Self.json(folder + "tokenizer.json") } }
  /// `tokenizer_config.json`, or nil if there is none.
  public var tokenizerConfig: JSONValue? {
    get throws(WeightError) { try Self.json(folder + "tokenizer_config.json") }
  }
  /// `generation_config.json`, or nil if there is none.
  public var generationConfig: JSONValue? {
    get throws(WeightError) { try Self.json(folder + "generation_config.json") }
  }
  /// The text of `chat_template.jinja`, or nil if there is none; older models have it in `tokenizer_config.json`.
  public var chatTemplate: String? {
    get throws(WeightError) {
      try companion("chat_template.jinja").map { String(decoding: $0.bytes, as: UTF8.self) }
    }
  }

  /// A file beside the weights, mapped, or nil if there is none. `name` must be a plain file name.
  public func companion(_ name: String) throws(WeightError) -> MappedFile? {
    guard Self.isPlainName(name) else {
      throw .invalidArgument(argument: "name", reason: "'\(name)' is not a plain file name")
    }
    return try Self.mapIfPresent(folder + name)
  }

  private static func mapIfPresent(_ path: String) throws(WeightError) -> MappedFile? {
    // Whatever is there must be readable: a file without permission is an error, not a missing file.
    guard access(path, F_OK) == 0 || errno != ENOENT else { return nil }
    return try MappedFile(path: path)
  }

  private static func json(_ path: String) throws(WeightError) -> JSONValue? {
    guard let file = try mapIfPresent(path) else { return nil }
    return try parse(file)
  }

  private static func parse(_ file: MappedFile) throws(WeightError) -> JSONValue {
    do {
      return try JSONValue(parsing: file.bytes)
    } catch {
      throw .malformed(path: file.path, offset: error.offset, reason: error.reason)
    }
  }

  // MARK: Opening

  private typealias Parts = (files: [MappedFile], metadata: [(key: String, value: String)], table: TensorTable)

  private static func open(single file: MappedFile) throws(WeightError) -> Parts {
    let header = try SafetensorsHeader(parsing: file)
    var table = TensorTable()
    for tensor in header.tensors { try add(tensor, in: file, to: &table) }
    return ([file], header.metadata, table)
  }

  /// Opens the shards that an index names, and takes the tensors that it assigns to each.
  private static func open(index path: String, folder: String) throws(WeightError) -> Parts {
    func malformed(_ reason: String) -> WeightError { .malformed(path: path, offset: 0, reason: reason) }
    let index = try parse(try MappedFile(path: path))
    guard let map = index["weight_map"]?.object else { throw malformed("no object 'weight_map'") }
    var tensorsByShard: [String: Set<String>] = [:]
    for (tensor, shard) in map {
      // The index may come from anybody: it must not reach outside the folder.
      guard let shard = shard.string, isPlainName(shard) else {
        throw malformed("the shard of tensor '\(tensor)' is not a plain file name")
      }
      tensorsByShard[shard, default: []].insert(tensor)
    }
    var parts: Parts = ([], [], TensorTable())
    for (shard, names) in tensorsByShard.sorted(by: { $0.key < $1.key }) {
      let file = try MappedFile(path: folder + shard)
      let header = try SafetensorsHeader(parsing: file)
      if parts.files.isEmpty { parts.metadata = header.metadata }
      parts.files.append(file)
      var missing = names
      for tensor in header.tensors where missing.remove(tensor.name) != nil {
        try add(tensor, in: file, to: &parts.table)
      }
      if let name = missing.min() { throw .missingTensor(name: name, path: file.path) }
    }
    return parts
  }

  private static func add(
    _ tensor: TensorDescription, in file: MappedFile, to table: inout TensorTable
  ) throws(WeightError) {
    guard table.add(tensor, in: file) else {
      throw .malformed(
        path: file.path, offset: tensor.fileOffset, reason: "a second tensor is called '\(tensor.name)'")
    }
  }

  private static func isPlainName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
  }
}
