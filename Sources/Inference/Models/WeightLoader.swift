// From named tensors in a file to packed tensors in an arena: names, shapes, and the order of the work. First every
// tensor is found, checked and given its place; only then is the first byte packed (WeightLoader+Filling.swift).

/// Which of the two customs a file names its tensors by.
package enum TensorNaming: Sendable {
  case gguf
  /// With what stands before `layers.` and `embed_tokens`.
  case huggingFace(prefix: String)
}

/// What stands before the language model's tensors in a safetensors file.
enum HuggingFacePrefix {
  static func find(in file: any WeightFile) -> String {
    let names = Set(file.tensorNames)
    return ["model.", "language_model.model.", "model.language_model.", "bert.", ""].first {
      names.contains($0 + "embed_tokens.weight") || names.contains($0 + "embeddings.word_embeddings.weight")
    } ?? "model."
  }
}

/// Finds tensors and sets their places aside; fills them all in the end. A copy made by ``layer(_:)`` works for one
/// layer.
package struct WeightLoader {
  private final class Work {
    var jobs: [WeightJob] = []
    var parameters = 0
    var seen: Set<String> = []
    var fingerprint = Fingerprint()
    var linears: [LinearSite] = []
  }

  let file: any WeightFile
  let naming: TensorNaming
  let runtime: Runtime
  package let arena: WeightArena
  private let work = Work()
  private var prefix: (gguf: String, huggingFace: String)

  package init(_ file: any WeightFile, naming: TensorNaming, runtime: Runtime, arena: WeightArena) {
    self.file = file
    self.naming = naming
    self.runtime = runtime
    self.arena = arena
    if case .huggingFace(let prefix) = naming { self.prefix = ("", prefix) } else { prefix = ("", "") }
  }

  /// The loader for the tensors of one layer.
  package func layer(_ index: Int, folder: String = "layers") -> WeightLoader {
    var copy = self
    copy.prefix = ("\(prefix.gguf)blk.\(index).", "\(prefix.huggingFace)\(folder).\(index).")
    return copy
  }

  /// The loader for tensors that safetensors files name without the language model's prefix.
  package var root: WeightLoader {
    var copy = self
    copy.prefix = ("", "")
    return copy
  }

  /// Values in all tensors asked for, shared ones counted once.
  package var parameters: Int { work.parameters }
  /// What tells this model from others: names, shapes, formats and samples of the data.
  package var fingerprint: Fingerprint { work.fingerprint }
  /// Every linear layer that was asked for, in order: what adapters may change.
  package var linears: [LinearSite] { work.linears }
  /// What is to be done, in order.
  var jobs: [WeightJob] { work.jobs }

  // MARK: Names

  private func name(_ gguf: String, _ huggingFace: String) -> String {
    switch naming {
    case .gguf: prefix.gguf + gguf
    case .huggingFace: prefix.huggingFace + huggingFace
    }
  }

  /// The module's name in transformers, without what stands before `layers.`; the same in whatever file.
  private func module(_ huggingFace: String) -> String {
    let root = if case .huggingFace(let prefix) = naming { prefix } else { "" }
    return prefix.huggingFace.dropFirst(root.count) + huggingFace
  }

  /// Whether the file has this tensor.
  package func has(gguf: String, hf: String) -> Bool { file.tensorIfPresent(name(gguf, hf)) != nil }

  /// The rows of a matrix if the file has it, at most a million.
  package func rows(gguf: String, hf: String) -> Int? {
    guard let shape = file.tensorIfPresent(name(gguf, hf))?.shape, shape.count == 2 else { return nil }
    return (1...1 << 20).contains(shape[0]) ? shape[0] : nil
  }

  private func tensor(_ name: String, shape: [Int]) throws(ModelError) -> WeightTensor {
    do {
      let tensor = try file.tensor(name, shape: shape)
      if work.seen.insert(name).inserted {
        work.parameters += tensor.count
        work.fingerprint.add(tensor)
      }
      return tensor
    } catch { throw .weights(error) }
  }

  // MARK: Tensors

  /// A matrix (rows, columns) named by its stem, with its bias if the file has one.
  package func linear(gguf: String, hf: String, rows: Int, columns: Int) throws(ModelError) -> Linear {
    try parts(gguf: gguf, hf: hf, rows: [rows], columns: columns)[0]
  }

  /// Matrices that the file keeps on top of each other in one tensor.
  package func parts(gguf: String, hf: String, rows: [Int], columns: Int) throws(ModelError) -> [Linear] {
    let stem = name(gguf, hf)
    let total = rows.reduce(0, +)
    let source = try tensor(stem + ".weight", shape: [total, columns])
    let bias = file.tensorIfPresent(stem + ".bias") == nil ? nil : try vector(exactly: stem + ".bias", count: total)
    var linears: [Linear] = []
    var first = 0
    for count in rows {
      let packed = try pack(source, firstRow: first, rows: count, of: total, columns: columns)
      linears.append(Linear(weight: packed, bias: bias.map { $0 + first }, site: work.linears.count))
      work.linears.append(
        LinearSite(
          gguf: prefix.gguf + gguf, module: module(hf), firstRow: first, rows: count, totalRows: total,
          columns: columns))
      first += count
    }
    return linears
  }

  /// A matrix without its bias, whose tensor is named in full.
  package func matrix(gguf: String, hf: String, rows: Int, columns: Int) throws(ModelError) -> PackedTensor {
    let source = try tensor(name(gguf, hf), shape: [rows, columns])
    return try pack(source, firstRow: 0, rows: rows, of: rows, columns: columns)
  }

  /// One matrix (rows, columns) an expert: one tensor of three dimensions, or in safetensors one tensor each.
  package func experts(
    gguf: String, hf: (Int) -> String, count: Int, rows: Int, columns: Int
  ) throws(ModelError) -> [PackedTensor] {
    var packed: [PackedTensor] = []
    switch naming {
    case .gguf:
      let source = try tensor(name(gguf, ""), shape: [count, rows, columns])
      for expert in 0..<count {
        packed.append(
          try pack(source, firstRow: expert * rows, rows: rows, of: count * rows, columns: columns))
      }
    case .huggingFace:
      for expert in 0..<count {
        let source = try tensor(name("", hf(expert)), shape: [rows, columns])
        packed.append(try pack(source, firstRow: 0, rows: rows, of: rows, columns: columns))
      }
    }
    return packed
  }

  /// A vector of `count` values as float32, named in full.
  package func vector(gguf: String, hf: String, count: Int) throws(ModelError) -> UnsafePointer<Float> {
    try vector(exactly: name(gguf, hf), count: count)
  }

  private func vector(exactly name: String, count: Int) throws(ModelError) -> UnsafePointer<Float> {
    let source = try tensor(name, shape: [count])
    do {
      let target = try arena.allocate(count * MemoryLayout<Float>.size).assumingMemoryBound(to: Float.self)
      work.jobs.append(.decode(source, target))
      return UnsafePointer(target)
    } catch { throw ModelError(error) }
  }

  private func pack(
    _ source: WeightTensor, firstRow: Int, rows: Int, of total: Int, columns: Int
  ) throws(ModelError) -> PackedTensor {
    let rowBytes = source.byteCount / total
    do {
      let packed = try runtime.plan(source.format, rows: rows, columns: columns, in: arena)
      work.jobs.append(.pack(source, offset: firstRow * rowBytes, rowBytes: rowBytes, packed))
      return packed
    } catch {
      switch error {
      case .kernel(let error): throw .kernel(KernelError(error.status, "\(error.operation), '\(source.name)'"))
      case .memory(let error): throw ModelError(error)
      }
    }
  }
}
