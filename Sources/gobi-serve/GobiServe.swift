// `gobi-serve`, which `gobi serve` runs: options, models, and the server. No logic of its own.
import ArgumentParser
import Foundation
import Inference
import Logging
import Serving

@main
struct GobiServe: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gobi-serve",
    abstract: "Serve models over HTTP, as the OpenAI API has it.",
    discussion: """
      /v1/models, /v1/completions, /v1/chat/completions (streams, tools, response_format, logprobs), /v1/embeddings, \
      /v1/rerank, /health and /metrics. Each generating model has an engine of its own, with continuous batching and a \
      prefix cache; encoders serve embeddings and reranking. docs/SERVING.md lists fields, errors and limits.

      Without a key everybody who reaches the port may ask. Keys, one a line, come from --api-key-file, or one from \
      GOBI_API_KEY in the environment. There is no TLS: put a proxy in front of whatever leaves this machine.

      SIGTERM and SIGINT end it when the requests that it has are finished, within --drain-timeout; a second one ends \
      it at once. Exit codes: 0 ended so; 2 wrong input; 3 this machine cannot do it (memory, the port).
      """)

  @OptionGroup(title: "Models") var models: ModelArguments
  @OptionGroup(title: "Engines") var engines: EngineArguments
  @OptionGroup(title: "Listening") var listening: ListenArguments
  @OptionGroup(title: "Limits") var limits: LimitArguments

  func run() async throws {
    // A client that goes away is an error of the write, not a signal.
    signal(SIGPIPE, SIG_IGN)
    let logger = listening.logger()
    let options = try listening.options(limits)
    if options.keys.isEmpty, !["127.0.0.1", "::1", "localhost"].contains(options.host) {
      logger.warning("anybody who reaches \(options.host) may use the models: give --api-key-file")
    }
    let served = try models.load(engines, limits.service, logger)
    let server = Server(
      service: InferenceService(models: served, limits: limits.service), options: options, logger: logger)
    let names = served.map(\.label).joined(separator: ", ")
    let host = options.host.contains(":") ? "[\(options.host)]" : options.host
    try await server.run(
      onListening: { port in Self.say("listening on http://\(host):\(port) with \(names)") },
      onSecondSignal: { Foundation._exit(130) })
  }

  /// A line to stdout, at once: whoever started the server waits for it.
  private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

  /// Whether it is a file or an option that is wrong, and not the machine.
  private static func isWrongInput(_ error: any Error) -> Bool {
    switch error {
    case is WrongInput, is WeightError, is TextError, is AdapterError, EngineError.invalidOption: true
    default: false
    }
  }

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
    } catch let error as ExitCode {
      Foundation.exit(error.rawValue)
    } catch {
      let status: Int32 =
        switch exitCode(for: error) {
        case .success: 0
        case .validationFailure: 2
        default: Self.isWrongInput(error) ? 2 : 3
        }
      let text =
        status == 0 || exitCode(for: error) == .validationFailure ? fullMessage(for: error) : "gobi-serve: \(error)"
      (status == 0 ? FileHandle.standardOutput : .standardError).write(Data((text + "\n").utf8))
      Foundation.exit(status)
    }
  }
}

/// An option whose value cannot be used, found after parsing.
struct WrongInput: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
