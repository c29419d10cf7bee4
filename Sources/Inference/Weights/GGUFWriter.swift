// Writing GGUF version 3, tensor by tensor. What the values of the tensors are is the caller's business.

/// Streams a GGUF file: header first, then each tensor's data in the order in which the tensors were declared.
///
/// The file appears at its path when ``finish()`` returns, never half-written; a writer that goes away unfinished
/// leaves nothing behind. Data is aligned to `general.alignment` of the metadata, or to 32 bytes.
///
///     var writer = try GGUFWriter(
///       path: "model.gguf", metadata: [("general.architecture", .string("llama"))],
///       tensors: [.init(name: "token_embd.weight", shape: [vocabulary, width], format: .f32)])
///     try writer.write(bytes, to: "token_embd.weight")
///     try writer.finish()
public struct GGUFWriter: ~Copyable {
  /// A tensor to be written.
  public struct Tensor: Sendable, Equatable {
    public var name: String
    /// Outermost dimension first; one to four of them. The last must hold whole blocks of the format.
    public var shape: [Int]
    public var format: Format

    public init(name: String, shape: [Int], format: Format) {
      self.name = name
      self.shape = shape
      self.format = format
    }
  }

  /// Where the file will be.
  public var path: String { output.path }
  private let output: OutputFile
  private let tensors: [(name: String, byteCount: Int)]
  private let alignment: Int
  /// The tensor that takes the next bytes, and how many of its bytes are written.
  private var current = 0
  private var written = 0

  /// The longest tensor name, in bytes: the limit of ggml's readers, which keep a terminating zero in 64.
  private static let tensorNameBytes = 63

  /// Starts a file at `path` and writes its header.
  ///
  /// - Parameters:
  ///   - metadata: In the order in which the file gets them. The `split.` keys, which belong to sets of several files,
  ///     are left out: what is written is always one file.
  ///   - tensors: In the order in which their data will be written.
  /// - Throws: ``WeightError/invalidArgument(argument:reason:)`` for anything that GGUF cannot hold, and
  ///   ``WeightError/cannotWrite(path:reason:)``.
  public init(path: String, metadata: [(key: String, value: MetadataValue)], tensors: [Tensor]) throws(WeightError) {
    let metadata = metadata.filter { !$0.key.hasPrefix("split.") }
    let alignment = try Self.alignment(metadata)
    var header = GGUFLimits.magic
    header.append(littleEndian: UInt32(3))
    header.append(littleEndian: UInt64(tensors.count))
    header.append(littleEndian: UInt64(metadata.count))
    try Self.encode(metadata, to: &header)
    let sizes = try Self.encode(tensors, alignment: alignment, to: &header)
    let output = try OutputFile(path: path)
    try output.write(header)
    try output.pad(to: alignment)
    self.tensors = sizes
    self.alignment = alignment
    self.output = output
  }

  /// Appends data, little-endian and in the format's blocks, to the tensor `name`: at once or in many calls.
  ///
  /// - Throws: ``WeightError/invalidArgument(argument:reason:)`` if it is another tensor's turn or these are more bytes
  ///   than the tensor takes; nothing is written then. ``WeightError/cannotWrite(path:reason:)`` if the disk is full.
  public mutating func write(_ bytes: UnsafeRawBufferPointer, to name: String) throws(WeightError) {
    guard current < tensors.count, tensors[current].name == name else {
      let turn = current < tensors.count ? "it is the turn of '\(tensors[current].name)'" : "all are complete"
      throw .invalidArgument(argument: "tensor '\(name)'", reason: turn)
    }
    let expected = tensors[current].byteCount
    guard bytes.count <= expected - written else {
      throw .invalidArgument(
        argument: "tensor '\(name)'",
        reason: "takes \(expected) bytes; \(written) are written, \(bytes.count) more do not fit")
    }
    try output.write(bytes)
    written += bytes.count
    guard written == expected else { return }
    // The last tensor is padded too: readers that map whole aligned tensors expect it.
    try output.pad(to: alignment)
    current += 1
    written = 0
  }

  /// Completes the file and gives it its name.
  ///
  /// - Throws: ``WeightError/invalidArgument(argument:reason:)`` if a tensor is not complete, and
  ///   ``WeightError/cannotWrite(path:reason:)``. Nothing is left behind then.
  public consuming func finish() throws(WeightError) {
    guard current == tensors.count else {
      let tensor = tensors[current]
      throw .invalidArgument(
        argument: "tensor '\(tensor.name)'", reason: "only \(written) of \(tensor.byteCount) bytes are written")
    }
    try output.finish()
  }

  private static func alignment(_ metadata: [(key: String, value: MetadataValue)]) throws(WeightError) -> Int {
    guard let value = metadata.first(where: { $0.key == "general.alignment" })?.value else {
      return GGUFLimits.defaultAlignment
    }
    // The specification asks for a multiple of 8 alone; other readers insist on a power of two.
    guard case .uint32(let alignment) = value, alignment >= 8, alignment.nonzeroBitCount == 1 else {
      throw .invalidArgument(
        argument: "general.alignment", reason: "should be a uint32 power of two from 8 on, found \(value.summary)")
    }
    return Int(alignment)
  }

  private static func encode(
    _ metadata: [(key: String, value: MetadataValue)], to header: inout [UInt8]
  ) throws(WeightError) {
    var keys: Set<String> = []
    for (key, value) in metadata {
      guard !key.isEmpty, key.utf8.count <= GGUFLimits.keyBytes, keys.insert(key).inserted else {
        throw .invalidArgument(argument: "key '\(key)'", reason: "empty, too long, or there twice")
      }
      if case .array(let array) = value, array.nesting > GGUFLimits.nesting {
        throw .invalidArgument(argument: "key '\(key)'", reason: "arrays nested deeper than \(GGUFLimits.nesting)")
      }
      header.append(lengthPrefixed: key)
      header.append(littleEndian: value.type.rawValue)
      value.encode(to: &header)
    }
  }

  private static func encode(
    _ tensors: [Tensor], alignment: Int, to header: inout [UInt8]
  ) throws(WeightError) -> [(name: String, byteCount: Int)] {
    var names: Set<String> = []
    var offset = 0
    var sizes: [(name: String, byteCount: Int)] = []
    for tensor in tensors {
      func invalid(_ reason: String) -> WeightError {
        .invalidArgument(argument: "tensor '\(tensor.name)'", reason: reason)
      }
      guard !tensor.name.isEmpty, tensor.name.utf8.count <= tensorNameBytes else {
        throw invalid("a name has 1 to \(tensorNameBytes) bytes")
      }
      guard names.insert(tensor.name).inserted else { throw invalid("there twice") }
      guard let type = tensor.format.ggufType else { throw invalid("GGUF has no number for \(tensor.format)") }
      guard 1...GGUFLimits.dimensions ~= tensor.shape.count, tensor.shape.allSatisfy({ $0 > 0 }),
        let byteCount = tensor.format.byteCount(of: tensor.shape)
      else { throw invalid("the shape \(tensor.shape) cannot be stored as \(tensor.format)") }
      header.append(lengthPrefixed: tensor.name)
      header.append(littleEndian: UInt32(tensor.shape.count))
      for dimension in tensor.shape.reversed() { header.append(littleEndian: UInt64(dimension)) }
      header.append(littleEndian: type)
      header.append(littleEndian: UInt64(offset))
      let (end, overflow) = offset.addingReportingOverflow(byteCount)
      let (padded, tooFar) = end.addingReportingOverflow(alignment - 1)
      guard !overflow, !tooFar else { throw invalid("the file would exceed \(Int.max) bytes") }
      offset = padded / alignment * alignment
      sizes.append((tensor.name, byteCount))
    }
    return sizes
  }
}
