// The header of one physical GGUF file: version, metadata, tensor infos, all checked. Split sets are GGUFFile's.

/// What the header of one GGUF file says. The bytes may come from anybody: nothing is trusted that is not checked here.
struct GGUFHeader: Sendable {
  let version: UInt32
  private(set) var metadata: [(key: String, value: MetadataValue)] = []
  private(set) var indexByKey: [String: Int] = [:]
  private(set) var tensors: [TensorDescription] = []
  private(set) var alignment = GGUFLimits.defaultAlignment

  /// A tensor's info as it stands in the file, before its place is known.
  private struct Info {
    var name: String
    var shape: [Int]
    var count: Int
    var type: UInt32
    var relativeOffset: UInt64
    /// Where the info starts in the file, for messages.
    var place: Int
  }

  subscript(key: String) -> MetadataValue? { indexByKey[key].map { metadata[$0].value } }

  /// Parses and checks the header of `file`.
  init(parsing file: MappedFile) throws(WeightError) {
    var cursor = GGUFCursor(bytes: file.bytes, path: file.path)
    version = try Self.version(&cursor)
    // The smallest info is a name of one byte, no dimensions, type and offset; the smallest key has one byte too.
    let tensorCount = try cursor.count("tensor count", minimumBytes: 8 + 1 + 4 + 4 + 8)
    let keyCount = try cursor.count("key count", minimumBytes: 8 + 1 + 4 + 1)
    for _ in 0..<keyCount { try addMetadata(&cursor, file) }
    alignment = try Self.alignment(self["general.alignment"], path: file.path)
    var infos: [Info] = []
    var names: Set<String> = []
    for _ in 0..<tensorCount {
      let info = try Self.info(&cursor)
      guard names.insert(info.name).inserted else {
        throw cursor.malformed("a second tensor is called '\(info.name)'", at: info.place)
      }
      infos.append(info)
    }
    try place(infos, after: cursor)
  }

  private static func version(_ cursor: inout GGUFCursor) throws(WeightError) -> UInt32 {
    guard cursor.bytes.starts(with: GGUFLimits.magic) else {
      throw cursor.malformed("not a GGUF file: the first four bytes are not 'GGUF'")
    }
    cursor.offset = GGUFLimits.magic.count
    let version = try cursor.integer(UInt32.self, "version")
    if version.byteSwapped == 2 || version.byteSwapped == 3 {
      throw .unsupported(path: cursor.path, reason: "a GGUF file of version \(version.byteSwapped) in big-endian order")
    }
    guard version == 2 || version == 3 else {
      throw .unsupported(path: cursor.path, reason: "GGUF version \(version); versions 2 and 3 are read")
    }
    return version
  }

  private mutating func addMetadata(_ cursor: inout GGUFCursor, _ file: MappedFile) throws(WeightError) {
    let start = cursor.offset
    let key = try cursor.name("key", limit: GGUFLimits.keyBytes)
    cursor.context = "key '\(key)'"
    defer { cursor.context = "" }
    guard indexByKey.updateValue(metadata.count, forKey: key) == nil else {
      throw cursor.malformed("the key is there twice", at: start)
    }
    let type = try cursor.type("value type")
    metadata.append((key, try cursor.value(of: type, in: file)))
  }

  private static func alignment(_ value: MetadataValue?, path: String) throws(WeightError) -> Int {
    let key = "general.alignment"
    guard let value else { return GGUFLimits.defaultAlignment }
    guard case .uint32(let alignment) = value, alignment > 0, alignment % 8 == 0 else {
      throw .wrongType(key: key, expected: "a uint32 that is a multiple of 8", found: value.summary, path: path)
    }
    return Int(alignment)
  }

  private static func info(_ cursor: inout GGUFCursor) throws(WeightError) -> Info {
    let place = cursor.offset
    let name = try cursor.name("tensor name", limit: GGUFLimits.keyBytes)
    cursor.context = "tensor '\(name)'"
    defer { cursor.context = "" }
    let dimensions = try cursor.integer(UInt32.self, "number of dimensions")
    guard dimensions <= GGUFLimits.dimensions else {
      throw cursor.malformed("\(dimensions) dimensions; at most \(GGUFLimits.dimensions) are allowed", at: place)
    }
    var shape: [Int] = []
    var count = 1
    for _ in 0..<dimensions {
      let value = try cursor.integer(UInt64.self, "dimension")
      guard let dimension = Int(exactly: value), dimension > 0 else {
        throw cursor.malformed("a dimension of \(value)", at: place)
      }
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw cursor.malformed("its dimensions overflow", at: place) }
      count = product
      shape.insert(dimension, at: 0)  // the file has the innermost dimension first
    }
    let type = try cursor.integer(UInt32.self, "tensor type")
    let offset = try cursor.integer(UInt64.self, "tensor offset")
    return Info(name: name, shape: shape, count: count, type: type, relativeOffset: offset, place: place)
  }

  /// Finds each tensor's data and checks that it lies in the file, aligned, and overlaps no other.
  private mutating func place(_ infos: [Info], after cursor: GGUFCursor) throws(WeightError) {
    guard !infos.isEmpty else { return }  // a vocabulary alone may end with its header
    let fileBytes = cursor.bytes.count
    // A header cannot exceed the file and the alignment has 32 bits: no overflow.
    let dataStart = (cursor.offset + alignment - 1) / alignment * alignment
    tensors.reserveCapacity(infos.count)
    for info in infos {
      let name = info.name
      guard let relative = Int(exactly: info.relativeOffset), relative <= fileBytes else {
        throw cursor.malformed("tensor '\(name)' starts \(info.relativeOffset) bytes into the data", at: info.place)
      }
      guard relative % alignment == 0 else {
        throw cursor.malformed(
          "tensor '\(name)' starts at \(relative), not a multiple of the alignment \(alignment)", at: info.place)
      }
      let start = dataStart + relative
      let format = Format(ggufType: info.type)
      let byteCount = format?.byteCount(of: info.shape)
      if let format, byteCount == nil {
        throw cursor.malformed(
          "tensor '\(name)' of shape \(info.shape) does not hold whole blocks of \(format)", at: info.place)
      }
      guard start <= fileBytes, byteCount ?? 0 <= fileBytes - start else {
        throw cursor.malformed(
          "tensor '\(name)' needs \(byteCount ?? 0) bytes from byte \(start) on; the file has \(fileBytes)",
          at: info.place)
      }
      tensors.append(
        TensorDescription(
          name: name, shape: info.shape, count: info.count, formatName: format?.name ?? "GGUF type \(info.type)",
          format: format, path: cursor.path, fileOffset: start, byteCount: byteCount))
    }
    try checkOverlaps(infos, cursor)
  }

  private func checkOverlaps(_ infos: [Info], _ cursor: GGUFCursor) throws(WeightError) {
    let order = tensors.indices.sorted { tensors[$0].fileOffset < tensors[$1].fileOffset }
    for (index, next) in zip(order, order.dropFirst()) {
      let (tensor, following) = (tensors[index], tensors[next])
      // A tensor of unknown size takes at least a byte.
      guard following.fileOffset - tensor.fileOffset >= tensor.byteCount ?? 1 else {
        throw cursor.malformed("tensors '\(tensor.name)' and '\(following.name)' overlap", at: infos[next].place)
      }
    }
  }
}
