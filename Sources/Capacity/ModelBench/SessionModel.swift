// A model of the library, under test: opened from a file, run through the same session that serves.
import CKernels
import Inference

public final class SessionModel: ModelUnderTest {
  public let facts: ModelFacts
  private let path: String
  let session: Session
  /// nil for a file without one: it is then not measured end to end.
  package let tokenizer: (any Tokenizer)?
  private let runtime: Runtime
  private var sequences: [SequenceID] = []
  private var random = RandomSource(seed: 0x5e55)

  /// How a model is opened for a run.
  public struct Options: Sendable {
    /// 0: as many as the node gives.
    public var threads = 0
    public var isa: String?
    /// The weights were made, not trained.
    public var isGenerated = false
    /// Hashes the file, which reads all of it.
    public var hashesFile = false
    /// Where packed weights are kept from one load to the next; nil: they are packed each time.
    public var panelCache: String?

    public init(
      threads: Int = 0, isa: String? = nil, isGenerated: Bool = false, hashesFile: Bool = false,
      panelCache: String? = nil
    ) {
      self.panelCache = panelCache
      self.threads = threads
      self.isa = isa
      self.isGenerated = isGenerated
      self.hashesFile = hashesFile
    }
  }

  /// Opens the model at `path`: a GGUF file or a folder of safetensors.
  public init(path: String, label: String, options: Options = Options()) throws(CapacityError) {
    let wrap = { (error: any Error) in CapacityError.model(label: label, what: "\(error)") }
    do {
      self.path = path
      var isa: ISA?
      if let name = options.isa {
        guard let known = ISA(name: name) else {
          throw CapacityError.option(name: "isa", what: "there is no ISA \(name)")
        }
        isa = known
      }
      runtime = try Runtime(threads: options.threads > 0 ? options.threads : nil, isa: isa)
      let model = try Model.open(
        path: path, runtime: runtime, options: ModelOptions(panelCache: options.panelCache))
      tokenizer = try? TokenizerLoader.tokenizer(of: WeightFiles.open(path: path))
      session = try Session(model: model)
      facts = try Self.facts(model, path: path, label: label, options: options)
    } catch let error as CapacityError {
      throw error
    } catch {
      throw wrap(error)
    }
  }

  // MARK: Facts

  /// What a token is multiplied with, from the file's own list of tensors.
  private struct Counts {
    var active = 0.0
    var head = 0
    var bytes = 0.0
    var byFormat: [Format: Double] = [:]

    init(_ file: any WeightFile, _ experts: ExpertConfiguration?) {
      let matrices = file.tensorDescriptions.filter { $0.shape.count >= 2 }
      let heads = matrices.filter { $0.name == "output.weight" || $0.name.hasSuffix("lm_head.weight") }
      for tensor in matrices {
        let isEmbedding = tensor.name == "token_embd.weight" || tensor.name.hasSuffix("embed_tokens.weight")
        // The embedding is multiplied with only where it is the LM head as well.
        if isEmbedding, !heads.isEmpty { continue }
        if isEmbedding || heads.contains(tensor) { head = tensor.count }
        let isExpert = tensor.name.contains("_exps.") || tensor.name.contains(".experts.")
        let share = isExpert ? experts.map { Double($0.used) / Double(max($0.count, 1)) } ?? 1 : 1
        active += Double(tensor.count) * share
        bytes += Double(tensor.byteCount ?? 0) * share
        if let format = tensor.format { byFormat[format, default: 0] += Double(tensor.count) * share }
      }
    }
  }

  /// What the figures of `model`, opened from `path`, are worked out with.
  package static func facts(
    _ model: Model, path: String, label: String, options: Options = Options()
  ) throws -> ModelFacts {
    let file = try WeightFiles.open(path: path)
    let shape = model.configuration
    let counts = Counts(file, shape.experts)
    let main = counts.byFormat.max { $0.value < $1.value }?.key
    let (precision, tag) = try precision(of: main)
    let cacheBytes = shape.layers * shape.keyValueHeads * shape.headDim * 2 * 2  // keys and values in F16
    var facts = ModelFacts(
      label: label, architecture: shape.architecture, layers: shape.layers, heads: shape.heads,
      headDimension: shape.headDim, vocabulary: shape.vocabulary, activeParameters: Int(counts.active),
      headParameters: counts.head, activeWeightBytes: Int(counts.bytes), cacheBytesPerPosition: cacheBytes,
      windows: shape.windows.contains { $0 > 0 } ? shape.windows : nil, precision: precision, precisionTag: tag,
      fileBytes: file.totalBytes, hash: options.hashesFile ? FileHash.ofFile(path) : nil,
      isGenerated: options.isGenerated
    )
    facts.format = main?.name
    return facts
  }

  private static func precision(of format: Format?) throws -> (Precision, String) {
    guard let format, let info = ck_format_describe(ck_format(rawValue: UInt32(format.rawValue)))?.pointee else {
      return (.f32, Precision.f32.tag)
    }
    let precision: Precision =
      switch info.activation {
      case CK_ACTIVATION_Q8_32, CK_ACTIVATION_Q8_256: .s8
      case CK_ACTIVATION_BF16: .bf16
      default: .f32
      }
    return (precision, KernelBench.tag(format, info, precision))
  }

  // MARK: Work

  public func prepare(sequences count: Int, depth: Int) throws(CapacityError) {
    try wrapped {
      while self.sequences.count > count { try session.remove(self.sequences.removeLast()) }
      while self.sequences.count < count { self.sequences.append(try session.makeSequence()) }
      for sequence in self.sequences {
        var position = try session.position(of: sequence)
        if position > depth { position = try session.rewind(sequence, to: depth) }
        if position < depth {
          let filling = (position..<depth).map { _ in Int32(random.index(below: facts.vocabulary)) }
          try session.evaluate(Batch(sequence, filling, output: .none))
        }
      }
    }
  }

  public func prefill(_ tokens: [Int32]) throws(CapacityError) {
    try wrapped {
      guard let first = sequences.first else { return }
      try session.evaluate(Batch(first, tokens, output: .last))
    }
  }

  public func decode(_ tokens: [Int32]) throws(CapacityError) {
    try wrapped {
      var batch = Batch()
      for (sequence, token) in zip(sequences, tokens) { batch.add(sequence, token) }
      try session.evaluate(batch)
    }
  }

  /// Exact: a second copy of the model with float32 activations, and keys and values in float32. It is closed again.
  public func logits(of tokens: [Int32], exact: Bool) throws(CapacityError) -> [Float] {
    try wrapped {
      guard exact else { return try Self.logits(of: tokens, session) }
      let model = try Model.open(path: path, runtime: runtime, options: ModelOptions(exactActivations: true))
      return try Self.logits(of: tokens, Session(model: model, options: SessionOptions(kvFormat: .f32)))
    }
  }

  public func serving(
    mostSequences: Int, objective: ServiceObjective
  ) throws(CapacityError) -> (any ServingSystem)? {
    var options = EngineServing.Options(objective: objective)
    options.mostSequences = mostSequences
    return try EngineServing(model: session.model, label: facts.label, options: options)
  }

  private static func logits(of tokens: [Int32], _ session: Session) throws -> [Float] {
    var rows: [Float] = []
    rows.reserveCapacity(tokens.count * session.model.configuration.vocabulary)
    let sequence = try session.makeSequence()
    do {
      try session.evaluate(Batch(sequence, tokens, output: .all)) { _, row in rows += row }
    } catch {
      try session.remove(sequence)
      throw error
    }
    try session.remove(sequence)
    return rows
  }

  func wrapped<R>(_ body: () throws -> R) throws(CapacityError) -> R {
    do { return try body() } catch { throw .model(label: facts.label, what: "\(error)") }
  }
}
