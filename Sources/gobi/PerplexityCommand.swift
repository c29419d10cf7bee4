// `gobi perplexity`: how surprised a model is by a text.
import ArgumentParser
import Foundation
import Inference

struct PerplexityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "perplexity",
    abstract: "Measure a model's perplexity over a text file.",
    discussion: """
      Windows of the text are evaluated from an empty cache. By default every token but a window's first counts; \
      --first-target 256 with --window 512 gives each counted token at least 256 before it.
      """)

  @OptionGroup var arguments: ModelArguments

  @Option(name: [.customShort("f"), .long], help: "The text, UTF-8.")
  var file: String

  @Option(help: "Use only this many characters of it.")
  var characters: Int?

  @Option(help: "Use only this many of its tokens.")
  var tokens: Int?

  @Option(name: [.customShort("c"), .long], help: "Tokens of a window.")
  var window = 512

  @Option(help: "From one window's start to the next's. Default: the window.")
  var stride: Int?

  @Option(help: "The first token of a window that counts.")
  var firstTarget = 1

  @Option(help: "Keys and values. Default: bf16 where the processor multiplies it, else f16.")
  var kv: KVOption?

  @Flag(inversion: .prefixedNo, help: "Put the beginning-of-sequence token first. Default: as the model says.")
  var bos: Bool?

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    if window < 2 { throw ValidationError("--window: expected at least 2") }
    if let stride, !(1...window).contains(stride) { throw ValidationError("--stride: expected 1 to the window") }
    if !(1..<window).contains(firstTarget) { throw ValidationError("--first-target: expected 1 to the window less 1") }
    if let tokens, tokens < 2 { throw ValidationError("--tokens: expected at least 2") }
    if let characters, characters < 1 { throw ValidationError("--characters: expected at least 1") }
  }

  func run() throws {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw Failure("\(file): cannot be read", hint: "Give a text file with -f.")
    }
    var text = String(decoding: data, as: UTF8.self)
    if let characters { text = String(text.unicodeScalars.prefix(characters)) }
    Interrupt.watch()
    let model = try arguments.load()
    if model.configuration.isEncoder { throw Failure("\(model.path): an encoder predicts no tokens") }
    let tokenizer = try ModelFiles.tokenizer(of: model.path)
    var ids = tokenizer.encode(Array(text.utf8), parseSpecial: false, addBOS: bos, addEOS: false)
    if let tokens { ids = Array(ids.prefix(tokens)) }
    guard ids.count >= 2 else { throw Failure("\(file): fewer than two tokens") }

    let session = try Session(model: model, options: SessionOptions(context: window, kvFormat: kv?.format))
    let bar = ProgressBar("perplexity")
    let options = Perplexity.Options(window: window, stride: stride, firstTarget: firstTarget)
    let result = try Perplexity.evaluate(
      ids, session: session, options: options, cancel: Interrupt.flag, progress: { bar.update($0) })
    bar.finish()
    // The error of a mean log loss becomes a relative error of the perplexity.
    let error = result.value * result.standardError
    if json {
      let object = JSONObject([
        ("perplexity", .double(result.value)), ("standard_error", .double(error)),
        ("mean_log_loss", .double(result.meanLogLoss)), ("targets", .int(Int64(result.targets))),
        ("tokens", .int(Int64(ids.count))), ("isa", .string(model.runtime.isa.name)),
      ])
      Console.out(JSONValue.object(object).serialized())
    } else {
      Console.out("perplexity \(fixed(result.value, 4)) ± \(fixed(error, 4)) over \(result.targets) tokens")
    }
  }
}
