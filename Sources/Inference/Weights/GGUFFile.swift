// A GGUF model: one file or a split set, with its metadata and tensors. The header's parsing is GGUFHeader's.

/// A model in the GGUF format, version 2 or 3, little-endian; mapped, with nothing but the headers read.
///
/// A split model (`name-00001-of-00003.gguf` …) is opened through any of its files; the others are found beside it.
public final class GGUFFile: WeightFile {
  public let path: String
  public let files: [MappedFile]
  /// The version in the (first) file: 2 or 3.
  public let version: Int
  /// What tensor data is aligned to in the (first) file, in bytes.
  public let alignment: Int
  /// The (first) file's metadata in the file's order. Keys are unique.
  public let metadata: [(key: String, value: MetadataValue)]
  private let header: GGUFHeader
  private let table: TensorTable

  /// Opens the model that `path` is, or is a part of.
  ///
  /// - Throws: ``WeightError`` naming the file and the byte where it breaks the format's rules.
  public convenience init(path: String) throws(WeightError) {
    let file = try MappedFile(path: path)
    try self.init(path: path, file: file) { other throws(WeightError) in try MappedFile(path: other) }
  }

  /// A model whose first mapped file is at hand; `open` brings the others of a split set.
  package init(
    path: String, file: MappedFile, open: (String) throws(WeightError) -> MappedFile
  ) throws(WeightError) {
    self.path = path
    var headers = [try GGUFHeader(parsing: file)]
    var files = [file]
    if let count = try headers[0].splitValue("split.count", path: path), count > 1 {
      let name = try SplitName(path: path, count: count)
      let number = try headers[0].splitValue("split.no", path: path)
      guard number == name.number - 1 else {
        throw .malformed(path: path, offset: 0, reason: "part \(name.number) by its name, 'split.no' differs")
      }
      (headers, files) = ([], [])
      for part in 1...count {
        let partPath = name.path(of: part)
        files.append(part == name.number ? file : try open(partPath))
        headers.append(try GGUFHeader(parsing: files[part - 1]))
        guard try headers[part - 1].splitValue("split.count", path: partPath) == count,
          try headers[part - 1].splitValue("split.no", path: partPath) == part - 1
        else {
          throw .malformed(path: partPath, offset: 0, reason: "not part \(part) of \(count) by its 'split' keys")
        }
      }
    }
    self.files = files
    header = headers[0]
    version = Int(header.version)
    alignment = header.alignment
    metadata = header.metadata
    table = try Self.table(of: headers, in: files)
    if let expected = try header.splitValue("split.tensors.count", path: files[0].path),
      expected != table.descriptions.count
    {
      throw .malformed(
        path: path, offset: 0,
        reason: "'split.tensors.count' is \(expected), the files hold \(table.descriptions.count) tensors")
    }
  }

  private static func table(of headers: [GGUFHeader], in files: [MappedFile]) throws(WeightError) -> TensorTable {
    var table = TensorTable()
    for (header, file) in zip(headers, files) {
      for tensor in header.tensors {
        guard table.add(tensor, in: file) else {
          throw .malformed(
            path: file.path, offset: tensor.fileOffset, reason: "tensor '\(tensor.name)' is in an earlier part too")
        }
      }
    }
    return table
  }

  public var tensorDescriptions: [TensorDescription] { table.descriptions }

  public func tensor(_ name: String) throws(WeightError) -> WeightTensor { try table.tensor(name, path: path) }

  /// The value of a key, or nil if there is none.
  public subscript(key: String) -> MetadataValue? { header[key] }

  /// The value of a key, as what `view` makes of it: `try file.value("llama.block_count", \.int)`.
  ///
  /// - Throws: ``WeightError/missingKey(key:path:)``, or ``WeightError/wrongType(key:expected:found:path:)`` if the
  ///   value cannot be seen as that.
  public func value<T>(_ key: String, _ view: KeyPath<MetadataValue, T?>) throws(WeightError) -> T {
    guard let value = try valueIfPresent(key, view) else { throw .missingKey(key: key, path: path) }
    return value
  }

  /// The value of a key, as what `view` makes of it, or nil if there is no such key.
  ///
  /// - Throws: ``WeightError/wrongType(key:expected:found:path:)`` if there is a value that cannot be seen as that.
  public func valueIfPresent<T>(_ key: String, _ view: KeyPath<MetadataValue, T?>) throws(WeightError) -> T? {
    guard let found = self[key] else { return nil }
    guard let value = found[keyPath: view] else {
      throw .wrongType(key: key, expected: "\(T.self)", found: found.summary, path: path)
    }
    return value
  }
}

extension GGUFHeader {
  /// A count among the `split` keys, or nil if the key is missing.
  fileprivate func splitValue(_ key: String, path: String) throws(WeightError) -> Int? {
    guard let value = self[key] else { return nil }
    guard let count = value.int, count >= 0 else {
      throw .wrongType(key: key, expected: "a count", found: value.summary, path: path)
    }
    return count
  }
}

/// The name of one file of a split set: `prefix-00002-of-00005.gguf`.
private struct SplitName {
  let prefix: Substring
  let number: Int
  let count: Int

  /// Takes `path` apart. It must name a part of a set of `count`.
  init(path: String, count: Int) throws(WeightError) {
    let suffix = "-of-\(Self.digits(count)).gguf"
    let error = WeightError.malformed(
      path: path, offset: 0, reason: "one of \(count) parts; its name should end in '-NNNNN\(suffix)'")
    guard path.hasSuffix(suffix) else { throw error }
    let stem = path.dropLast(suffix.count)
    guard let dash = stem.lastIndex(of: "-") else { throw error }
    let digits = stem[stem.index(after: dash)...]
    guard let number = Int(digits), Self.digits(number) == digits, number >= 1, number <= count else { throw error }
    prefix = stem[..<dash]
    self.number = number
    self.count = count
  }

  func path(of part: Int) -> String { "\(prefix)-\(Self.digits(part))-of-\(Self.digits(count)).gguf" }

  /// The number with at least five digits.
  private static func digits(_ number: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, 5 - text.count)) + text
  }
}
