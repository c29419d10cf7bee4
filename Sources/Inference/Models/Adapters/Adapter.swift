// A LoRA adapter: small matrices beside a model's own, that sequences of one session may each have or not have.
// Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models".
import Synchronization

/// What an adapter adds to one linear layer: scale · B (A x).
package struct AdapterPair: Sendable {
  /// (rank, columns of the layer)
  package let a: PackedTensor
  /// (rows of the layer, rank)
  package let b: PackedTensor
  /// The adapter's own scale, alpha / rank; sequences multiply it by theirs.
  package let scale: Float

  package var rank: Int { a.rows }
}

/// A LoRA adapter for one model, packed for its kernels. Immutable, and shared by any number of sequences and sessions.
///
///     let adapter = try Adapter.open(path: "adapter.gguf", model: model)
///     let sequence = try session.makeSequence(adapter: adapter)
public final class Adapter: Sendable {
  /// What was opened.
  public let path: String
  /// What the file calls the adapter, if anything.
  public let name: String?
  /// The greatest rank of its matrices.
  public let rank: Int
  /// The linear layers that it changes, by GGUF's names, such as `blk.0.attn_q`.
  public let modules: [String]
  /// Values in all its matrices.
  public let parameters: Int
  /// Bytes of its packed matrices.
  public let byteCount: Int
  /// Tells this adapter from others: saved sequences are bound to it. The same whatever form of file it came in.
  public let fingerprint: UInt64
  /// Tells this object from all others of this process, those of the same file too.
  package let serial: UInt64
  /// The greatest magnitude of a pair's scale.
  let greatestScale: Float
  /// Of each linear layer of the model what is added, by ``Linear/site``.
  nonisolated(unsafe) let pairs: UnsafePointer<AdapterPair?>

  private let modelFingerprint: UInt64
  private let isa: ISA
  /// Owns the memory that the matrices lie in.
  private let arena: WeightArena
  private static let serials = Atomic<UInt64>(0)

  /// The greatest rank that is taken: published ones end at 512.
  public static let maximumRank = 4_096

  /// Opens the adapter at `path` for `model`: a GGUF file, or PEFT's `adapter_model.safetensors` with its
  /// `adapter_config.json` beside it, or the folder that holds the two.
  ///
  /// - Parameter budget: the most bytes that its packed matrices may take, or nil.
  /// - Throws: ``AdapterError``, naming the file and the key, tensor or layer.
  public static func open(path: String, model: Model, budget: Int? = nil) throws(AdapterError) -> Adapter {
    try Adapter(AdapterFile(path: path), model: model, budget: budget)
  }

  /// Makes an adapter of an opened file.
  package init(_ file: AdapterFile, model: Model, budget: Int? = nil) throws(AdapterError) {
    guard !model.configuration.isEncoder else {
      throw .wrongModel(reason: "adapters for encoders are not supported", path: file.path)
    }
    var loader = AdapterLoader(file, model: model, budget: budget)
    try loader.load()
    let pairs = UnsafeMutablePointer<AdapterPair?>.allocate(capacity: max(model.linears.count, 1))
    pairs.initialize(repeating: nil, count: max(model.linears.count, 1))
    for (site, pair) in loader.pairs { pairs[site] = pair }
    self.pairs = UnsafePointer(pairs)
    path = file.path
    name = file.name
    rank = loader.pairs.values.map(\.rank).max() ?? 0
    greatestScale = loader.pairs.values.map { abs($0.scale) }.max() ?? 0
    // Layers that share a tensor have one name.
    var seen: Set<String> = []
    modules = loader.pairs.keys.sorted().map { model.linears[$0].gguf }.filter { seen.insert($0).inserted }
    parameters = loader.parameters
    arena = loader.arena
    byteCount = loader.arena.byteCount
    fingerprint = loader.fingerprint.value
    modelFingerprint = model.fingerprint
    isa = model.runtime.isa
    serial = Self.serials.wrappingAdd(1, ordering: .relaxed).newValue
  }

  deinit { pairs.deallocate() }

  /// Why sequences of `model` cannot have the adapter, or nil if they can.
  func mismatch(with model: Model) -> String? {
    if modelFingerprint != model.fingerprint { return "'\(path)' was opened for another model" }
    // Panels are laid out for the kernels that multiply them.
    if isa != model.runtime.isa { return "'\(path)' was opened for \(isa), the model runs on \(model.runtime.isa)" }
    return nil
  }
}
