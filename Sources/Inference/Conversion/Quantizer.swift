// From a model's weights to a GGUF file in other formats, tensor by tensor. The mapping of checkpoints is Checkpoint's.
import Glibc
import Synchronization

/// What becomes of one tensor.
public struct QuantizedTensor: Sendable, Equatable {
  /// The name in the file to be written.
  public let name: String
  /// Outermost first.
  public let shape: [Int]
  /// The format in the source, or nil for a tensor that is computed from the configuration.
  public let sourceFormat: Format?
  public let format: Format
  /// What the file type asks for, where a row does not hold whole blocks of it; nil otherwise.
  public let insteadOf: Format?
  /// Bytes in the file to be written.
  public let byteCount: Int
}

/// Writes a model as a GGUF file of another type.
///
/// The source is a GGUF file, or a Hugging Face checkpoint (a folder with safetensors, `config.json` and, for the
/// vocabulary, `tokenizer.json`). Memory stays at a few megabytes beside the vocabulary: rows are read, encoded and
/// written in turn, and the pages of the source are given back. The result does not depend on the threads.
///
///     let quantizer = try Quantizer(source: WeightFiles.open(path: "model"), type: type)
///     try quantizer.write(to: "model.gguf")
public struct Quantizer: Sendable {
  public struct Options: Sendable {
    /// Lets a tensor that is quantised be rounded to yet another format.
    public var allowsRequantization: Bool
    public var workers: Workers

    public init(allowsRequantization: Bool = false, workers: Workers = .serial) {
      self.allowsRequantization = allowsRequantization
      self.workers = workers
    }
  }

  public let type: FileType
  /// What becomes of each tensor, in the order of the file to be written.
  public let tensors: [QuantizedTensor]
  /// What the user should know: stand-in formats, tensors left out.
  public let notes: [String]
  private let plans: [TensorPlan]
  private let metadata: [(key: String, value: MetadataValue)]
  private let options: Options
  private let sourcePath: String

  /// Bytes of all tensors to be written.
  public var tensorBytes: Int { tensors.reduce(0) { $0 + $1.byteCount } }
  /// Values in all tensors.
  public var parameterCount: Int { plans.reduce(0) { $0 + $1.count } }

  /// Decides on the format of each tensor. Writes nothing.
  ///
  /// - Throws: ``ConversionError/alreadyQuantised(tensor:format:path:)`` if a quantised tensor would be rounded again
  ///   and the options do not allow it. To F32 it is decoded exactly, and in its own format it is copied: both are
  ///   allowed. Whatever else ``ConversionError`` names if the source is no model that can be converted.
  public init(source: any WeightFile, type: FileType, options: Options = .init()) throws(ConversionError) {
    self.type = type
    self.options = options
    sourcePath = source.path
    var notes: [String] = []
    if let file = source as? GGUFFile {
      plans = try Self.plans(of: file)
      metadata = type.describing(file.metadata)
    } else if let file = source as? SafetensorsFile {
      let checkpoint = try Checkpoint(file)
      plans = checkpoint.tensors
      metadata = type.describing(checkpoint.metadata)
      notes = checkpoint.notes
    } else {
      throw .invalidArgument(argument: "source", reason: "\(source.path) is neither GGUF nor safetensors")
    }
    let model = Self.model(plans, metadata)
    var tensors: [QuantizedTensor] = []
    for plan in plans {
      tensors.append(try Self.choose(plan, type: type, model: model, options: options, path: source.path))
    }
    self.tensors = tensors
    self.notes = notes + Self.substitutions(tensors)
  }

  /// One note for all tensors that have the same format instead of the same other.
  private static func substitutions(_ tensors: [QuantizedTensor]) -> [String] {
    var names: [String: [String]] = [:]
    var order: [String] = []
    for tensor in tensors {
      guard let wanted = tensor.insteadOf else { continue }
      let what =
        "\(tensor.format) instead of \(wanted), whose blocks of \(wanted.valuesPerBlock) do not divide rows of "
        + "\(tensor.shape.last ?? 0)"
      if names[what] == nil { order.append(what) }
      names[what, default: []].append(tensor.name)
    }
    return order.map { what in
      let names = names[what] ?? []
      return names[0] + (names.count > 1 ? " and \(names.count - 1) more" : "") + ": " + what
    }
  }

  private static func plans(of file: GGUFFile) throws(ConversionError) -> [TensorPlan] {
    var plans: [TensorPlan] = []
    for name in file.tensorNames {
      plans.append(TensorPlan(copying: try weights { () throws(WeightError) in try file.tensor(name) }, as: name))
    }
    return plans
  }

  /// What the file type's rules ask of the model: what it lacks counts as the plainest model there is.
  private static func model(
    _ plans: [TensorPlan], _ metadata: [(key: String, value: MetadataValue)]
  ) -> FileType.Traits {
    func number(_ suffix: String) -> Int? {
      guard let value = metadata.first(where: { $0.key.hasSuffix(suffix) })?.value else { return nil }
      return value.int ?? value.ints?.max()
    }
    let heads = number(".attention.head_count") ?? 1
    let keyHeads = max(1, number(".attention.head_count_kv") ?? heads)
    return FileType.Traits(
      layers: max(0, number(".block_count") ?? 0), grouping: heads / keyHeads,
      tiedOutput: !plans.contains { $0.name == "output.weight" })
  }

  private static func choose(
    _ plan: TensorPlan, type: FileType, model: FileType.Traits, options: Options, path: String
  ) throws(ConversionError) -> QuantizedTensor {
    let choice = type.format(of: plan.name, shape: plan.shape, in: model)
    if let source = plan.sourceFormat, source.valuesPerBlock > 1, choice.format != source, choice.format != .f32 {
      guard options.allowsRequantization else {
        throw .alreadyQuantised(tensor: plan.name, format: source, path: path)
      }
    }
    guard let bytes = choice.format.byteCount(of: plan.shape) else {
      throw .invalidArgument(
        argument: "tensor '\(plan.name)'", reason: "the shape \(plan.shape) cannot be stored as \(choice.format)")
    }
    return QuantizedTensor(
      name: plan.name, shape: plan.shape, sourceFormat: plan.sourceFormat, format: choice.format,
      insteadOf: choice.insteadOf, byteCount: bytes)
  }

  /// Writes the file.
  ///
  /// - Parameters:
  ///   - path: Appears when the file is complete; until then whatever is there stays.
  ///   - progress: Called some times a second with the share that is done (0 to 1); returns false to stop.
  /// - Throws: ``ConversionError/cancelled`` if `progress` returned false, or what went wrong. Nothing is left behind
  ///   then.
  public func write(to path: String, progress: (Double) -> Bool = { _ in true }) throws(ConversionError) {
    guard progress(0) else { throw .cancelled }
    do {
      var writer = try GGUFWriter(
        path: path, metadata: metadata,
        tensors: tensors.map { GGUFWriter.Tensor(name: $0.name, shape: $0.shape, format: $0.format) })
      let total = Double(max(1, parameterCount))
      var done = 0
      for (plan, tensor) in zip(plans, tensors) {
        let encoder = RowEncoder(plan: plan, format: tensor.format, workers: options.workers, path: sourcePath)
        try encoder.forEachChunk { bytes, values throws(ConversionError) in
          do throws(WeightError) { try writer.write(bytes, to: tensor.name) } catch { throw .weights(error) }
          done += values
          guard progress(Double(done) / total) else { throw .cancelled }
        }
        plan.discard()
      }
      try writer.finish()
    } catch {
      throw ConversionError(error)
    }
  }
}

/// Encodes the rows of one tensor, a chunk at a time.
private struct RowEncoder {
  let plan: TensorPlan
  let format: Format
  let workers: Workers
  let path: String

  /// Values encoded between two writes: enough for all threads, little beside the smallest model.
  private static let chunkValues = 1 << 21

  /// Calls `body` with the encoded bytes of each chunk, in order, and how many values they hold.
  func forEachChunk(
    _ body: (UnsafeRawBufferPointer, Int) throws(ConversionError) -> Void
  ) throws(ConversionError) {
    let columns = plan.columns
    let rowBytes = columns / format.valuesPerBlock * format.bytesPerBlock
    let chunkRows = min(plan.rows, max(workers.count, Self.chunkValues / max(1, columns)))
    let (chunkBytes, overflow) = chunkRows.multipliedReportingOverflow(by: rowBytes)
    guard !overflow, let output = malloc(max(1, chunkBytes)) else {
      throw .invalidArgument(argument: "tensor '\(plan.name)'", reason: "no memory for \(chunkRows) rows")
    }
    defer { free(output) }
    var first = 0
    while first < plan.rows {
      let rows = min(chunkRows, plan.rows - first)
      try encode(first..<first + rows, rowBytes: rowBytes, to: output)
      try body(UnsafeRawBufferPointer(start: output, count: rows * rowBytes), rows * columns)
      first += rows
    }
  }

  private func encode(
    _ rows: Range<Int>, rowBytes: Int, to output: UnsafeMutableRawPointer
  ) throws(ConversionError) {
    // Four pieces a thread: the last ones even out who was late.
    let pieces = min(rows.count, workers.count * 4)
    let failed = Atomic<Int>(-1)
    nonisolated(unsafe) let output = output
    withoutActuallyEscaping({ @Sendable (piece: Int) in
      let slice = rows.lowerBound + rows.count * piece / pieces..<rows.lowerBound + rows.count * (piece + 1) / pieces
      guard let bad = encode(slice, to: output + (slice.lowerBound - rows.lowerBound) * rowBytes, rowBytes: rowBytes)
      else { return }
      failed.store(bad, ordering: .relaxed)
    }) { workers.loop(pieces, $0) }
    let row = failed.load(ordering: .relaxed)
    guard row < 0 else {
      throw .weights(
        .unsupported(
          path: path,
          reason: "tensor '\(plan.name)', row \(row), holds a value that \(format) cannot: too large, or not a number"))
    }
  }

  /// Encodes some rows; returns one that cannot be encoded, or nil.
  private func encode(_ rows: Range<Int>, to output: UnsafeMutableRawPointer, rowBytes: Int) -> Int? {
    if plan.isCopy(as: format) {
      for row in rows {
        guard let source = plan.source(ofRow: row) else { return row }
        memcpy(output + (row - rows.lowerBound) * rowBytes, source.blocks, rowBytes)
      }
      return nil
    }
    let columns = plan.columns
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { buffer in
      guard let values = buffer.baseAddress else { return rows.isEmpty ? nil : rows.lowerBound }
      for row in rows {
        guard plan.read(row: row, into: values), isRepresentable(values, columns),
          format.encode(values, count: columns, into: output + (row - rows.lowerBound) * rowBytes)
        else { return row }
      }
      return nil
    }
  }

  /// Whether the format holds these values. A scale shared by a block would carry one that is infinite or not a number
  /// to all of its neighbours, and half precision ends at 65,504; F32 and BF16 hold everything.
  private func isRepresentable(_ values: UnsafePointer<Float>, _ count: Int) -> Bool {
    if format == .f32 || format == .bf16 { return true }
    let limit: Float = format == .f16 ? 65_504 : .greatestFiniteMagnitude
    var fits = true
    for index in 0..<count { fits = (values[index].magnitude <= limit) && fits }
    return fits
  }
}
