// From an adapter's file to packed matrices for a model: layers by name, shapes, order of rows, values.

/// Matches the pairs of a file with a model's layers and packs them.
struct AdapterLoader {
  private let file: AdapterFile
  private let model: Model
  private let budget: Int?
  let arena: WeightArena
  /// By the layer's place in the model.
  private(set) var pairs: [Int: AdapterPair] = [:]
  private(set) var parameters = 0
  private(set) var fingerprint = Fingerprint()

  /// Names in an error, at most.
  private static let mostNames = 5

  init(_ file: AdapterFile, model: Model, budget: Int?) {
    self.file = file
    self.model = model
    self.budget = budget
    arena = WeightArena(counting: false, budget: budget)
  }

  mutating func load() throws(AdapterError) {
    if let architecture = file.architecture, architecture != model.configuration.architecture {
      throw .wrongModel(
        reason: "it is for '\(architecture.prefix(40))', the model is '\(model.configuration.architecture)'",
        path: file.path)
    }
    // Whatever order the file has: the fingerprint goes by the model's.
    for (sites, entry) in try matched().sorted(by: { $0.sites.lowerBound < $1.sites.lowerBound }) {
      try load(entry, for: sites)
    }
  }

  // MARK: Names

  /// Each pair with the layers that it is for: one, or all those that a file of the model keeps in one tensor.
  private func matched() throws(AdapterError) -> [(sites: Range<Int>, entry: AdapterFile.Entry)] {
    var layers: [ExactText: Range<Int>] = [:]
    for (site, linear) in model.linears.enumerated() {
      let name = ExactText(file.form == .gguf ? linear.gguf : linear.module)
      layers[name] = (layers[name]?.lowerBound ?? site)..<site + 1
    }
    var found: [(sites: Range<Int>, entry: AdapterFile.Entry)] = []
    var taken: Set<Int> = []
    var unknown: [String] = []
    for entry in file.entries {
      let names = file.form == .gguf ? [entry.module] : Self.names(of: entry.module)
      guard let sites = names.lazy.compactMap({ layers[ExactText($0)] }).first else {
        unknown.append(entry.module)
        continue
      }
      guard taken.insert(sites.lowerBound).inserted else {
        throw .badValue(key: entry.module, reason: "two pairs are for the same layer", path: file.path)
      }
      found.append((sites, entry))
    }
    guard unknown.isEmpty else {
      throw .unknownModules(
        unknown.prefix(Self.mostNames).map { String($0.prefix(80)) }, count: unknown.count, path: file.path)
    }
    return found
  }

  /// A module's name without what transformers may put before the layers of a language model.
  private static func names(of module: String) -> [String] {
    ["model.language_model.", "language_model.model.", "language_model.", "model.", ""]
      .filter { module.hasPrefix($0) }.map { String(module.dropFirst($0.count)) }
  }

  // MARK: Matrices

  private mutating func load(_ entry: AdapterFile.Entry, for sites: Range<Int>) throws(AdapterError) {
    let first = model.linears[sites.lowerBound]
    for (tensor, shape) in [(entry.a, [entry.rank, first.columns]), (entry.b, [first.totalRows, entry.rank])] {
      do { try tensor.requireShape(shape) } catch { throw .weights(error) }
      parameters += tensor.count
    }
    let a = try values(of: entry.a)
    var b = try values(of: entry.b)
    let rowBytes = b.count / first.totalRows
    if first.isTurned, let head = reorderedHead() { b = try interchanged(b, rowBytes: rowBytes, head, entry.b) }
    fingerprint.add(UInt64(sites.lowerBound))
    fingerprint.add(UInt64(entry.scale.bitPattern))
    for (tensor, bytes) in [(entry.a, a), (entry.b, b)] {
      fingerprint.add(tensor.format.name)
      fingerprint.add(bytes.withUnsafeBytes { Fingerprint.interleaved($0) })
    }
    let inner = try pack(a[...], entry.a.format, rows: entry.rank, columns: first.columns)
    for site in sites {
      let linear = model.linears[site]
      let part = b[linear.firstRow * rowBytes..<(linear.firstRow + linear.rows) * rowBytes]
      pairs[site] = AdapterPair(
        a: inner, b: try pack(part, entry.b.format, rows: linear.rows, columns: entry.rank), scale: entry.scale)
    }
  }

  /// A tensor's bytes, whose values are all finite.
  private func values(of tensor: WeightTensor) throws(AdapterError) -> [UInt8] {
    let bytes = withExtendedLifetime(tensor.file) { [UInt8](tensor.bytes) }
    let (columns, rows) = (tensor.shape[1], tensor.shape[0])
    let offset = try kernels { try Self.firstOddValue(bytes, tensor.format, rows: rows, columns: columns) }
    if let offset {
      throw .badValue(
        key: tensor.name, reason: "the value in row \(offset / columns), column \(offset % columns), is not finite",
        path: tensor.file.path)
    }
    return bytes
  }

  /// The index of the first value that is not finite.
  private static func firstOddValue(_ bytes: [UInt8], _ format: Format, rows: Int, columns: Int) throws -> Int? {
    var row = [Float](repeating: 0, count: columns)
    let rowBytes = bytes.count / rows
    return try bytes.withUnsafeBytes { bytes in
      guard let source = bytes.baseAddress else { return nil }
      for index in 0..<rows {
        try row.withUnsafeMutableBufferPointer { row in
          if let target = row.baseAddress {
            try Runtime.decode(format, source + index * rowBytes, count: columns, into: target)
          }
        }
        if let place = row.firstIndex(where: { !$0.isFinite }) { return index * columns + place }
      }
      return nil
    }
  }

  private func pack(
    _ bytes: ArraySlice<UInt8>, _ format: Format, rows: Int, columns: Int
  ) throws(AdapterError) -> PackedTensor {
    let packed: PackedTensor
    do { packed = try model.runtime.plan(format, rows: rows, columns: columns, in: arena) } catch {
      throw AdapterError(error)
    }
    try kernels {
      try bytes.withUnsafeBytes { bytes in
        guard let source = bytes.baseAddress else { return }
        try model.runtime.store(source, stride: bytes.count / rows, rows: rows, into: packed, at: 0)
      }
    }
    return packed
  }

  /// Lets `body` use the kernels where the standard library forgets which errors it throws.
  private func kernels<R>(_ body: () throws -> R) throws(AdapterError) -> R {
    do { return try body() } catch let error as KernelError { throw .kernel(error) } catch {
      throw .kernel(KernelError(.unknown(0), "\(error)"))
    }
  }

  // MARK: Order of rows

  private enum Reordering {
    /// Rows (i, i + half) of a head come to stand side by side.
    case interleave(head: Int)
    case separate(head: Int)
  }

  /// How rows of queries and keys must move. RoPE of Llama pairs neighbours in GGUF, and halves in transformers; the
  /// model's rows lie as its own file had them.
  private func reorderedHead() -> Reordering? {
    let isInterleaved = file.form == .gguf && model.configuration.architecture == Llama.name
    let wanted = model.configuration.rope?.isInterleaved ?? false
    if isInterleaved == wanted { return nil }
    return wanted ? .interleave(head: model.configuration.headDim) : .separate(head: model.configuration.headDim)
  }

  private func interchanged(
    _ bytes: [UInt8], rowBytes: Int, _ order: Reordering, _ tensor: WeightTensor
  ) throws(AdapterError) -> [UInt8] {
    let head =
      switch order {
      case .interleave(let head), .separate(let head): head
      }
    guard head % 2 == 0, tensor.shape[0] % head == 0 else {
      throw .badValue(
        key: tensor.name, reason: "\(tensor.shape[0]) rows are not whole heads of \(head)", path: tensor.file.path)
    }
    var result = [UInt8]()
    result.reserveCapacity(bytes.count)
    for row in 0..<tensor.shape[0] {
      let place = row % head
      let source =
        switch order {
        case .interleave: place / 2 + (place % 2) * (head / 2)
        case .separate: place < head / 2 ? 2 * place : 2 * (place - head / 2) + 1
        }
      let start = (row - place + source) * rowBytes
      result += bytes[start..<start + rowBytes]
    }
    return result
  }
}
