// What can be said of a weight file without loading its weights. Printing it is the tool's business.

/// A summary of a weight file, from its headers alone.
public struct FileInspection: Sendable {
  /// How much one format has of the file.
  public struct FormatShare: Sendable, Equatable {
    /// The format's name, or the file's designation of one that the library does not read.
    public let name: String
    /// Whether the library reads tensors of this format.
    public let isSupported: Bool
    public var tensorCount: Int
    /// Values in all tensors of the format.
    public var parameterCount: Int
    /// Bytes of all tensors of the format, or nil if the size is not known.
    public var byteCount: Int?
    /// Bits for one value, scales included, or nil if the size is not known.
    public var bitsPerWeight: Double? { FileInspection.bits(byteCount, parameterCount) }
  }

  /// One entry of the metadata. Arrays are summarised: their first elements stand for them.
  public struct Entry: Sendable, Equatable {
    public let key: String
    /// The type in the file: `uint32`, `string`, `array of string`.
    public let type: String
    /// The value; of an array its first elements.
    public let value: JSONValue
    /// The length of an array, or nil for other types.
    public let count: Int?
  }

  /// What was opened.
  public let path: String
  /// `GGUF` or `safetensors`.
  public let kind: String
  /// The version of the format, or nil if it has none.
  public let version: Int?
  /// What tensor data is aligned to in bytes, or nil if the format sets nothing.
  public let alignment: Int?
  /// The files that make up the model, with their sizes in bytes.
  public let files: [(path: String, byteCount: Int)]
  /// In the file's order.
  public let metadata: [Entry]
  /// In the file's order.
  public let tensors: [TensorDescription]
  /// By size, the largest first; formats of unknown size last.
  public let formats: [FormatShare]
  /// Values in all tensors. Saturates at `Int.max`, which only a malicious file reaches.
  public let parameterCount: Int
  /// Bytes of all tensors, so far as the size is known.
  public let tensorBytes: Int
  /// Bits for one value over all tensors, or nil if there are none or the size of some is not known.
  public let bitsPerWeight: Double?

  /// How many elements of an array an ``Entry`` shows.
  public static let shownElements = 8

  /// Opens and summarises what is at `path`.
  public init(path: String) throws(WeightError) { self.init(try WeightFiles.open(path: path)) }

  /// Summarises a file that is open.
  public init(_ file: any WeightFile) {
    path = file.path
    files = file.files.map { ($0.path, $0.bytes.count) }
    tensors = file.tensorDescriptions
    if let gguf = file as? GGUFFile {
      (kind, version, alignment) = ("GGUF", gguf.version, gguf.alignment)
      metadata = gguf.metadata.map { Entry($0.key, $0.value) }
    } else {
      (kind, version, alignment) = ("safetensors", nil, nil)
      let entries = (file as? SafetensorsFile)?.metadata ?? []
      metadata = entries.map { Entry(key: $0.key, type: "string", value: .string($0.value), count: nil) }
    }
    formats = Self.shares(of: tensors)
    parameterCount = formats.reduce(0) { Self.saturatingSum($0, $1.parameterCount) }
    tensorBytes = file.tensorBytes
    bitsPerWeight = formats.contains { $0.byteCount == nil } ? nil : Self.bits(tensorBytes, parameterCount)
  }

  private static func shares(of tensors: [TensorDescription]) -> [FormatShare] {
    var shares: [String: FormatShare] = [:]
    for tensor in tensors {
      var share =
        shares[tensor.formatName]
        ?? FormatShare(
          name: tensor.formatName, isSupported: tensor.format != nil, tensorCount: 0, parameterCount: 0, byteCount: 0)
      share.tensorCount += 1
      // Tensors of unknown size are not bounded by the file: their counts may add up to anything.
      share.parameterCount = saturatingSum(share.parameterCount, tensor.count)
      if let total = share.byteCount, let byteCount = tensor.byteCount {
        share.byteCount = total + byteCount
      } else {
        share.byteCount = nil
      }
      shares[tensor.formatName] = share
    }
    return shares.values.sorted { ($0.byteCount ?? -1, $1.name) > ($1.byteCount ?? -1, $0.name) }
  }

  private static func saturatingSum(_ a: Int, _ b: Int) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? .max : sum
  }

  private static func bits(_ bytes: Int?, _ values: Int) -> Double? {
    guard let bytes, values > 0 else { return nil }
    return Double(bytes) * 8 / Double(values)
  }
}

extension FileInspection.Entry {
  init(_ key: String, _ value: MetadataValue) {
    self.key = key
    if case .array(let array) = value {
      type = "array of \(array.elementType)"
      count = array.count
      self.value = .array(array.prefix(FileInspection.shownElements).map(Self.json))
    } else {
      type = "\(value.type)"
      count = nil
      self.value = Self.json(value)
    }
  }

  /// A value as JSON. What JSON cannot hold becomes text: numbers that are none, integers beyond 64 bits with a sign.
  private static func json(_ value: MetadataValue) -> JSONValue {
    if let text = value.string { return .string(text) }
    if let truth = value.bool { return .bool(truth) }
    if let number = value.int { return .int(Int64(number)) }
    switch value {
    case .uint64(let number): return .string(String(number))
    case .array(let array):
      return ["type": .string("array of \(array.elementType)"), "count": .int(Int64(array.count))]
    default: break
    }
    guard let number = value.double else { return .null }
    // The text of the value in its own precision: 1e-05 stays 1e-05 and does not become 9.99999974737875e-06.
    if case .float32(let single) = value, single.isFinite, let short = Double(single.description) {
      return .double(short)
    }
    return number.isFinite ? .double(number) : .string(number.description)
  }
}

// MARK: JSON

extension FileInspection {
  /// The whole summary, for `--json`. Absent figures are null; sizes are in bytes.
  public var json: JSONValue {
    [
      "path": .string(path),
      "format": .string(kind),
      "version": Self.json(version),
      "alignment": Self.json(alignment),
      "files": .array(files.map { ["path": .string($0.path), "bytes": Self.json($0.byteCount)] }),
      "parameters": Self.json(parameterCount),
      "tensor_bytes": Self.json(tensorBytes),
      "bits_per_weight": bitsPerWeight.map { .double($0) } ?? .null,
      "formats": .array(formats.map(Self.json)),
      "metadata": .array(metadata.map(Self.json)),
      "tensors": .array(tensors.map(Self.json)),
    ]
  }

  private static func json(_ number: Int?) -> JSONValue { number.map { .int(Int64($0)) } ?? .null }

  private static func json(_ share: FormatShare) -> JSONValue {
    [
      "name": .string(share.name),
      "supported": .bool(share.isSupported),
      "tensors": json(share.tensorCount),
      "parameters": json(share.parameterCount),
      "bytes": json(share.byteCount),
      "bits_per_weight": share.bitsPerWeight.map { .double($0) } ?? .null,
    ]
  }

  private static func json(_ entry: Entry) -> JSONValue {
    var pairs: [(String, JSONValue)] = [
      ("key", .string(entry.key)), ("type", .string(entry.type)), ("value", entry.value),
    ]
    if let count = entry.count { pairs.append(("count", json(count))) }
    return .object(JSONObject(pairs))
  }

  private static func json(_ tensor: TensorDescription) -> JSONValue {
    [
      "name": .string(tensor.name),
      "format": .string(tensor.formatName),
      "supported": .bool(tensor.format != nil),
      "shape": .array(tensor.shape.map { json($0) }),
      "parameters": json(tensor.count),
      "file": .string(tensor.path),
      "offset": json(tensor.fileOffset),
      "bytes": json(tensor.byteCount),
    ]
  }
}
