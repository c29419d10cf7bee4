// `gobi run`: continue a prompt or answer a message, streaming.
import ArgumentParser
import Foundation
import Inference

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Generate text: continue a prompt, answer a message, or chat.",
    discussion: """
      The text streams to stdout; tokens a second go to stderr at the end. With --chat the model's own template wraps \
      the prompt; without a prompt --chat reads messages from stdin, one a line.
      """)

  @OptionGroup var arguments: ModelArguments
  @OptionGroup var sampling: SamplingArguments
  @OptionGroup var lora: AdapterArgument

  @Argument(help: "The prompt; - reads it from stdin.")
  var prompt: String?

  @Option(help: "A file with a JSON array of token ids, in place of a prompt.")
  var ids: String?

  @Option(name: [.customShort("n"), .long], help: "At most this many tokens.")
  var predict = 256

  @Option(help: "Positions of the context. Default: what the model was trained for.")
  var context: Int?

  @Option(help: "Keys and values. Default: bf16 where the processor multiplies it, else f16.")
  var kv: KVOption?

  @Option(help: "Rows that a prefill works on at once.")
  var chunk = SessionOptions.defaultChunk

  @Flag(help: "Wrap the prompt with the model's chat template.")
  var chat = false

  @Option(help: "A system message, with --chat.")
  var system: String?

  @Option(parsing: .singleValue, help: "End before this text appears; may be repeated.")
  var stop: [String] = []

  @Flag(inversion: .prefixedNo, help: "Put the beginning-of-sequence token first. Default: as the model says.")
  var bos: Bool?

  @Flag(name: .customLong("ignore-eos"), help: "Go on past the end that the model sees.")
  var ignoreEnd = false

  @OptionGroup var grammar: GrammarArguments

  @Flag(help: "Print one JSON object with the ids and the text at the end.")
  var json = false

  func validate() throws {
    if predict < 1 { throw ValidationError("--predict: expected at least 1") }
    if chunk < 1 { throw ValidationError("--chunk: expected at least 1") }
    if let context, context < 1 { throw ValidationError("--context: expected at least 1") }
    if ids != nil && (prompt != nil || chat) { throw ValidationError("--ids goes without a prompt and without --chat") }
    if ids == nil && prompt == nil && !chat { throw ValidationError("Give a prompt, --ids or --chat.") }
    if system != nil && !chat { throw ValidationError("--system needs --chat") }
  }

  func run() throws {
    let sampler = try sampling.options()
    Interrupt.watch()
    let model = try arguments.load()
    if model.configuration.isEncoder {
      throw Failure(
        "\(model.path): an encoder generates no text", hint: "gobi logits --hidden gives its hidden states.")
    }
    let conversation = try Conversation(command: self, model: model, sampling: sampler)
    if let ids {
      let tokens = try TokenIDs.read(path: ids, vocabularySize: model.configuration.vocabulary)
      try conversation.answer(tokens)
    } else if chat && prompt == nil {
      try conversation.chat()
    } else {
      let text = prompt == "-" ? try readStandardInput() : prompt ?? ""
      try conversation.answer(chat ? conversation.wrapped(text) : conversation.encoded(text))
    }
  }

  private func readStandardInput() throws -> String {
    String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
  }
}

/// A session with its tokenizer and template, answering prompt after prompt.
private struct Conversation {
  let command: RunCommand
  let model: Model
  let tokenizer: any Tokenizer
  let template: ChatTemplate?
  let session: Session
  let sequence: SequenceID
  let sampling: SamplingOptions
  let constraint: GrammarConstraint?

  init(command: RunCommand, model: Model, sampling: SamplingOptions) throws {
    self.command = command
    self.model = model
    self.sampling = sampling
    // Ids in and ids out need no vocabulary, so a model without one still runs.
    tokenizer =
      command.ids == nil
      ? try ModelFiles.tokenizer(of: model.path)
      : (try? ModelFiles.tokenizer(of: model.path))
        ?? TokenizerOfNothing(vocabularySize: model.configuration.vocabulary)
    constraint = try command.grammar.constraint(tokenizer)
    template = command.chat ? try ModelFiles.chatTemplate(of: model.path) : nil
    session = try Session(
      model: model,
      options: SessionOptions(context: command.context, chunk: command.chunk, kvFormat: command.kv?.format)
    )
    let adapter = try command.lora.open(model)
    sequence = try session.makeSequence(adapter: adapter?.adapter, scale: adapter?.scale ?? 1)
  }

  func encoded(_ text: String) -> [Int32] {
    tokenizer.encode(Array(text.utf8), parseSpecial: true, addBOS: command.bos, addEOS: false)
  }

  func wrapped(_ text: String) throws -> [Int32] {
    var messages: [JSONValue] = []
    if let system = command.system { messages.append(message("system", system)) }
    messages.append(message("user", text))
    return try tokens(of: messages)
  }

  private func message(_ role: String, _ content: String) -> JSONValue {
    .object(JSONObject([("role", .string(role)), ("content", .string(content))]))
  }

  /// The template writes the special tokens that it wants itself, so none is added.
  private func tokens(of messages: [JSONValue]) throws -> [Int32] {
    guard let template else { throw Failure("\(model.path): holds no chat template", hint: "Leave --chat out.") }
    let text = try template.render(
      messages: messages, addGenerationPrompt: true, variables: ModelFiles.templateVariables(tokenizer))
    return tokenizer.encode(Array(text.utf8), parseSpecial: true, addBOS: false, addEOS: false)
  }

  /// Reads messages from stdin, answers each, and remembers all of them.
  func chat() throws {
    var messages: [JSONValue] = command.system.map { [message("system", $0)] } ?? []
    var held: [Int32] = []
    while !Interrupt.isRequested {
      if Console.errorIsTerminal { FileHandle.standardError.write(Data("> ".utf8)) }
      guard let line = readLine() else { return }
      if line.isEmpty { continue }
      messages.append(message("user", line))
      let whole = try tokens(of: messages)
      // What the sequence holds already need not be computed again: only what differs from it on.
      let common = zip(held, whole).prefix { $0 == $1 }.count
      let position = try session.rewind(sequence, to: min(common, whole.count - 1))
      let reply = try answer(Array(whole[position...]))
      held = Array(whole[..<position]) + Array(whole[position...]) + reply.tokens
      held = Array(held.prefix(try session.position(of: sequence)))
      messages.append(message("assistant", reply.text))
    }
  }

  /// Generates after `prompt` and prints as it goes.
  @discardableResult
  func answer(_ prompt: [Int32]) throws -> (tokens: [Int32], text: String) {
    guard !prompt.isEmpty else { throw Failure("the prompt is empty", hint: "Give at least one token of text.") }
    let stop = StopRule(
      tokens: command.ignoreEnd ? [] : tokenizer.endOfGeneration, strings: command.stop,
      maximumTokens: command.predict)
    let generator = try Generator(
      session: session, sequence: sequence, prompt: prompt, tokenizer: tokenizer, sampler: Sampler(sampling),
      stop: stop, constraint: constraint, cancel: Interrupt.flag)
    var text = "", logProbabilities: [Float] = []
    let start = ContinuousClock.now
    var first = start
    while let event = try generator.next() {
      switch event {
      case .token(let token, let piece):
        if generator.tokens.count == 1 { first = .now }
        logProbabilities.append(token.logProbability)
        emit(piece, to: &text)
      case .finished(_, let piece): emit(piece, to: &text)
      }
    }
    let end = ContinuousClock.now
    if command.json {
      printJSON(generator, text: text, logProbabilities: logProbabilities, prompt: prompt.count)
    } else {
      Console.out("")
      if let state = generator.grammarState, !state.isComplete {
        Console.note("the text was cut short: it does not satisfy its grammar yet")
      }
      printSpeed(prompt: prompt.count, generated: generator.tokens.count, times: (start, first, end))
    }
    if case .cancelled? = generator.finishReason { throw ExitCode(ExitStatus.interrupted.rawValue) }
    return (generator.tokens, text)
  }

  private func emit(_ piece: String, to text: inout String) {
    text += piece
    if !command.json && !piece.isEmpty { Console.out(piece, terminator: "") }
  }

  private func printSpeed(
    prompt: Int, generated: Int, times: (ContinuousClock.Instant, ContinuousClock.Instant, ContinuousClock.Instant)
  ) {
    let prefill = (times.1 - times.0).seconds, decode = (times.2 - times.1).seconds
    var line = "prompt \(prompt) tokens in \(fixed(prefill, 2)) s (\(fixed(Double(prompt) / prefill, 1)) token/s)"
    if generated > 1 {
      line += "; generated \(generated), \(fixed(Double(generated - 1) / decode, 1)) token/s"
    }
    Console.note(line)
  }

  private func printJSON(_ generator: Generator, text: String, logProbabilities: [Float], prompt: Int) {
    let reason: String
    switch generator.finishReason {
    case .endOfGeneration?: reason = "end"
    case .stopString?: reason = "stop"
    case .grammarComplete?: reason = "grammar"
    case .length?: reason = "length"
    case .contextFull?: reason = "context"
    case .cancelled?: reason = "cancelled"
    case nil: reason = "unknown"
    }
    let object = JSONObject([
      ("prompt_tokens", .int(Int64(prompt))),
      ("ids", .array(generator.tokens.map { .int(Int64($0)) })),
      ("logprobs", .array(logProbabilities.map { .double(Double($0)) })),
      ("text", .string(text)), ("finish_reason", .string(reason)),
    ])
    Console.out(JSONValue.object(object).serialized())
  }
}
