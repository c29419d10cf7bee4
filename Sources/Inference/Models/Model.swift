// A model: configuration, packed weights and architecture, ready to be shared by sessions. Runs nothing itself.

/// How a model is loaded.
public struct ModelOptions: Sendable {
  /// Leaves activations in float32 where quantised weights would have them in int8 or bf16: slower, and closer to what
  /// the weights say.
  public var exactActivations: Bool
  /// The most bytes that packed weights may take, or nil.
  public var budget: Int?
  /// Told the share that is done, from 0 to 1, by the loading thread.
  public var progress: (@Sendable (Double) -> Void)?
  /// Stops the loading within milliseconds, or while a panel cache is written within the time of 64 MiB on the disk.
  public var cancel: CancelFlag?
  /// A folder that packed weights are kept in, or nil. The first loading of a model writes a file of the weights' size
  /// there, later ones read it in place of packing. It is made if only its last part is missing. Who can write to the
  /// folder decides what models of it compute: trust it as you trust the model's own file.
  ///
  /// Nothing that goes wrong with it fails the loading: ``Model/panelCache`` tells what was done.
  public var panelCache: String?

  public init(
    exactActivations: Bool = false, budget: Int? = nil, progress: (@Sendable (Double) -> Void)? = nil,
    cancel: CancelFlag? = nil, panelCache: String? = nil
  ) {
    self.exactActivations = exactActivations
    self.budget = budget
    self.progress = progress
    self.cancel = cancel
    self.panelCache = panelCache
  }
}

/// A weight file with what is needed to make a model of it.
package struct ModelSource: Sendable {
  package let file: any WeightFile
  let naming: TensorNaming
  package let reader: ConfigurationReader

  /// Opens a GGUF file, or a folder with safetensors and a `config.json`.
  package init(path: String) throws(ModelError) {
    do { try self.init(WeightFiles.open(path: path)) } catch let error as WeightError {
      throw .weights(error)
    } catch let error as ModelError {
      throw error
    } catch {
      throw .missingConfiguration(path: path)
    }
  }

  /// An opened file; `config` stands in for the `config.json` beside safetensors.
  package init(_ file: any WeightFile, config: JSONValue? = nil) throws(ModelError) {
    self.file = file
    if let gguf = file as? GGUFFile {
      naming = .gguf
      reader = try ConfigurationReader(gguf)
    } else {
      guard let config = config ?? (file as? SafetensorsFile)?.config else {
        throw .missingConfiguration(path: file.path)
      }
      naming = .huggingFace(prefix: HuggingFacePrefix.find(in: file))
      reader = try ConfigurationReader(file, config: config)
    }
  }
}

/// A model whose weights are packed for a runtime's kernels. Immutable, and shared by any number of sessions.
public final class Model: Sendable {
  /// What was opened.
  public let path: String
  public let runtime: Runtime
  public let configuration: ModelConfiguration
  /// Bytes of the packed weights.
  public let weightBytes: Int
  /// Values in all weights, tied ones counted once.
  public let parameters: Int
  /// Tells this model from others: saved sequences are bound to it.
  public let fingerprint: UInt64
  /// Whether activations stay in float32.
  public let exactActivations: Bool
  /// What the panel cache did while the model was loaded.
  public let panelCache: PanelCacheOutcome
  var exact: Bool { exactActivations }
  let architecture: any Architecture
  /// Its linear layers, which adapters name.
  package let linears: [LinearSite]
  /// Owns the memory that the architecture's tensors lie in.
  private let arena: WeightArena

  /// Opens and loads the model at `path`: a GGUF file (or any part of a split one), or a folder with safetensors and
  /// its `config.json`.
  ///
  /// Memory stays below the file's size plus the packed weights: pages of the file are dropped as they are packed.
  /// - Throws: ``ModelError``, naming the file and the key or tensor; nothing is left behind.
  public static func open(
    path: String, runtime: Runtime, options: ModelOptions = ModelOptions()
  ) throws(ModelError) -> Model {
    try Model(ModelSource(path: path), runtime: runtime, options: options)
  }

  /// Makes a model of an opened file.
  ///
  /// - Parameter counting: only adds up what the weights would take. Such a model must not run.
  package init(
    _ source: ModelSource, runtime: Runtime, options: ModelOptions, counting: Bool = false
  ) throws(ModelError) {
    guard let type = Architectures.named(by: source.reader) else {
      throw .unsupportedArchitecture(name: source.reader.architecture, path: source.file.path)
    }
    var configuration = try type.configuration(source.reader)
    configuration.architecture = type.name
    do {
      _ = try runtime.kvLayout(.f32, kvHeads: configuration.keyValueHeads, headDim: configuration.headDim)
    } catch {
      throw .unsupported(
        key: source.reader.name(.headDim),
        reason: "no attention kernel serves heads of \(configuration.headDim) values",
        path: source.file.path)
    }
    let arena = WeightArena(counting: counting, budget: options.budget)
    let loader = WeightLoader(source.file, naming: source.naming, runtime: runtime, arena: arena)
    let architecture = try type.init(configuration, loader)
    panelCache = counting ? .off : try loader.fill(options)

    self.path = source.file.path
    self.runtime = runtime
    self.configuration = configuration
    self.arena = arena
    self.architecture = architecture
    self.exactActivations = options.exactActivations
    weightBytes = arena.byteCount
    parameters = loader.parameters
    linears = loader.linears
    var fingerprint = loader.fingerprint
    fingerprint.add("\(configuration)")
    self.fingerprint = fingerprint.value
  }
}
