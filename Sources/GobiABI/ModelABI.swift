// gobi_inspect, gobi_plan_memory and gobi_model_*.
import CGobi
import Inference
import Synchronization

final class ModelBox: HandleObject {
  static let kind: UInt64 = 4
  static let noun = "model"
  let model: Model
  /// Models run without: why there is none is told to who asks for it.
  let tokenizer: Result<TokenizerBox, any Error>
  let template: Result<ChatTemplate, any Error>

  init(_ model: Model, path: String) {
    self.model = model
    tokenizer = Result { TokenizerBox(try TokenizerLoader.tokenizer(of: WeightFiles.open(path: path))) }
    template = Result { try ModelBox.chatTemplate(path) }
  }

  private let format = Mutex<ChatFormat?>(nil)

  /// How the model writes calls and reasoning; found once, for it looks at the whole vocabulary.
  var chatFormat: ChatFormat {
    format.withLock { known in
      let found =
        known ?? ChatFormat(template: (try? template.get())?.source, tokenizer: (try? tokenizer.get())?.tokenizer)
      known = found
      return found
    }
  }

  private static func chatTemplate(_ path: String) throws -> ChatTemplate {
    let file = try WeightFiles.open(path: path)
    var source: String?
    if let gguf = file as? GGUFFile { source = try gguf.valueIfPresent("tokenizer.chat_template", \.string) }
    if let folder = file as? SafetensorsFile {
      source = try folder.chatTemplate ?? (try folder.tokenizerConfig?["chat_template"]?.string)
    }
    guard let source else { throw ABIError(GOBI_BAD_TEXT, "\(path): holds no chat template") }
    return try ChatTemplate(source: source)
  }
}

/// nil for the model's default.
func kvFormat(_ value: Int32) throws(ABIError) -> KVFormat? {
  switch Int(value) {
  case GOBI_KV_DEFAULT: return nil
  case GOBI_KV_F16: return .f16
  case GOBI_KV_F32: return .f32
  case GOBI_KV_Q8: return .q8
  case GOBI_KV_BF16: return .bf16
  default: throw ABIError(GOBI_INVALID_ARGUMENT, "kv_format: \(value)")
  }
}

@c @implementation public func gobi_inspect(
  _ path: UnsafePointer<CChar>!, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    try copy(FileInspection(path: text(path, "path")).json.serialized(), buffer, capacity, needed)
  }
}

@c @implementation public func gobi_plan_memory(
  _ path: UnsafePointer<CChar>!, _ runtime: OpaquePointer!, _ options: UnsafePointer<gobi_plan_options>!,
  _ plan: UnsafeMutablePointer<gobi_plan>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let path = try text(path, "path")
    let runtime = try object(runtime, RuntimeBox.self).runtime
    let options = try GobiABI.options(options)
    try fill(plan, "plan") { plan in
      let made = try Model.memoryPlan(
        path: path, runtime: runtime, context: optional(options.context, "context"),
        batch: optional(options.sequences, "sequences") ?? 1, kvFormat: kvFormat(options.kv_format),
        chunk: optional(options.chunk, "chunk") ?? SessionOptions.defaultChunk)
      plan.weights = UInt64(made.weights)
      plan.kv = UInt64(made.kv)
      plan.workspace = UInt64(made.workspace)
      plan.logits = UInt64(made.logits)
      plan.total = plan.weights &+ plan.kv &+ plan.workspace &+ plan.logits
      plan.context = UInt64(made.context)
    }
  }
}

@c @implementation public func gobi_model_open(
  _ path: UnsafePointer<CChar>!, _ runtime: OpaquePointer!, _ options: UnsafePointer<gobi_model_options>!,
  _ model: UnsafeMutablePointer<OpaquePointer?>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(model, "model")
    let path = try text(path, "path")
    let runtime = try object(runtime, RuntimeBox.self).runtime
    let options = try GobiABI.options(options)
    var loading = ModelOptions(
      exactActivations: options.exact_activations, budget: bytes(options.budget), cancel: try cancelFlag(options.cancel)
    )
    if let folder = options.panel_cache { loading.panelCache = String(cString: folder) }
    if let progress = options.progress {
      nonisolated(unsafe) let context = options.progress_context  // the caller's, passed back as it came
      nonisolated(unsafe) let progress = progress
      loading.progress = { progress($0, context) }
    }
    let opened = try Model.open(path: path, runtime: runtime, options: loading)
    result.pointee = makeHandle(ModelBox(opened, path: path))
  }
}

@c @implementation public func gobi_model_close(_ model: OpaquePointer!) { destroyHandle(model, ModelBox.self) }

@c @implementation public func gobi_model_panel_cache(
  _ model: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let fields: [(String, String)] =
      switch try object(model, ModelBox.self).model.panelCache {
      case .off: [("outcome", "off")]
      case .loaded(let path): [("outcome", "loaded"), ("path", path)]
      case .stored(let path, let reason): [("outcome", "stored"), ("path", path), ("reason", reason.description)]
      case .notStored(let reason, let failure):
        [("outcome", "not stored"), ("reason", reason.description), ("failure", failure.description)]
      }
    try copy(
      JSONValue.object(JSONObject(fields.map { ($0.0, .string($0.1)) })).serialized(), buffer, capacity, needed)
  }
}

@c @implementation public func gobi_model_describe(
  _ model: OpaquePointer!, _ info: UnsafeMutablePointer<gobi_model_info>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let box = try object(model, ModelBox.self)
    let configuration = box.model.configuration
    try fill(info, "info") { info in
      info.parameters = UInt64(box.model.parameters)
      info.weight_bytes = UInt64(box.model.weightBytes)
      info.fingerprint = box.model.fingerprint
      info.vocabulary = UInt32(clamping: configuration.vocabulary)
      info.context = UInt32(clamping: configuration.context)
      info.default_context = UInt32(clamping: box.model.defaultContext)
      info.width = UInt32(clamping: configuration.width)
      info.layers = UInt32(clamping: configuration.layers)
      info.heads = UInt32(clamping: configuration.heads)
      info.kv_heads = UInt32(clamping: configuration.keyValueHeads)
      info.head_dim = UInt32(clamping: configuration.headDim)
      info.is_encoder = configuration.isEncoder
      if case .success = box.tokenizer { info.has_tokenizer = true }
      if case .success = box.template { info.has_chat_template = true }
    }
  }
}

@c @implementation public func gobi_model_architecture(
  _ model: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    try copy(object(model, ModelBox.self).model.configuration.architecture, buffer, capacity, needed)
  }
}

@c @implementation public func gobi_model_name(
  _ model: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    try copy(object(model, ModelBox.self).model.configuration.name ?? "", buffer, capacity, needed)
  }
}
