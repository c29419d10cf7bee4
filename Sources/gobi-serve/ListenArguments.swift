// Where the server listens, who may ask, and what is written down.
import ArgumentParser
import Foundation
import Logging
import Serving

struct ListenArguments: ParsableArguments {
  @Option(help: "The address to listen at.")
  var host = "127.0.0.1"

  @Option(name: [.customShort("p"), .long], help: "The port; 0 for one that is free.")
  var port = 8080

  @Option(help: "A file with the keys that requests may bring, one a line.")
  var apiKeyFile: String?

  @Flag(help: "Answer /metrics without a key.")
  var openMetrics = false

  @Option(help: "What is written to stderr: trace, debug, info (a line a request), notice, warning, error.")
  var logLevel = "notice"

  func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("--port: expected 0 to 65535") }
    guard !host.isEmpty else { throw ValidationError("--host: expected an address") }
    guard Logger.Level(rawValue: logLevel) != nil else {
      throw ValidationError("--log-level: expected \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
    }
  }

  func logger() -> Logger {
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    var logger = Logger(label: "gobi-serve")
    logger.logLevel = Logger.Level(rawValue: logLevel) ?? .notice
    return logger
  }

  func options(_ limits: LimitArguments) throws -> ServerOptions {
    var options = ServerOptions()
    options.host = host
    options.port = port
    options.hasOpenMetrics = openMetrics
    if let apiKeyFile {
      options.keys = APIKeys(text: try TextFile.read(apiKeyFile, option: "--api-key-file"))
      // An empty file must not open the door.
      if options.keys.isEmpty { throw WrongInput("--api-key-file \(apiKeyFile): holds no key") }
    } else if let key = ProcessInfo.processInfo.environment["GOBI_API_KEY"], !key.isEmpty {
      options.keys = APIKeys(text: key)
    }
    limits.apply(to: &options)
    return options
  }
}

struct LimitArguments: ParsableArguments {
  @Option(help: "KiB of one request's body.")
  var maxBody = 4_096

  @Option(help: "Tokens of all prompts of one request together. A prompt's own limit is the context.")
  var maxPrompt = 1 << 20

  @Option(help: "Seconds that a request may take, in the queue and out of it.")
  var maxSeconds = 600.0

  @Option(help: "Answers to one prompt (n).")
  var maxChoices = 16

  @Option(help: "The greatest priority that a request may ask for (priority); 0 lets it ask for a lower one alone.")
  var maxPriority = 0

  @Option(help: "Connections that are open at once.")
  var maxConnections = 10_240

  @Option(help: "Seconds that a body may take to come.")
  var bodyTimeout = 30.0

  @Option(help: "Seconds that a connection may be idle.")
  var idleTimeout = 60.0

  @Option(help: "Seconds that a client may leave an answer unread.")
  var stallTimeout = 60.0

  @Option(help: "Seconds that requests have to end when the server is told to.")
  var drainTimeout = 30.0

  func validate() throws {
    for (name, value) in [
      ("max-body", maxBody), ("max-prompt", maxPrompt), ("max-choices", maxChoices),
      ("max-connections", maxConnections),
    ]
    where !(1...1 << 30).contains(value) {
      throw ValidationError("--\(name): expected 1 at least")
    }
    guard (0...100).contains(maxPriority) else { throw ValidationError("--max-priority: expected 0 to 100") }
    for (name, value) in [
      ("max-seconds", maxSeconds), ("body-timeout", bodyTimeout), ("idle-timeout", idleTimeout),
      ("stall-timeout", stallTimeout), ("drain-timeout", drainTimeout),
    ]
    where !(value > 0 && value <= 1e6) {
      throw ValidationError("--\(name): expected a number above 0, at most 1000000")
    }
  }

  var service: ServiceLimits {
    var limits = ServiceLimits()
    limits.seconds = maxSeconds
    limits.choices = maxChoices
    limits.priority = maxPriority
    limits.promptTokens = maxPrompt
    return limits
  }

  func apply(to options: inout ServerOptions) {
    options.bodyBytes = maxBody << 10
    options.allBodyBytes = max(options.allBodyBytes, options.bodyBytes)
    options.connections = maxConnections
    options.bodyTimeout = .seconds(bodyTimeout)
    options.idleTimeout = .seconds(idleTimeout)
    options.stallTimeout = .seconds(stallTimeout)
    options.drainTimeout = .seconds(drainTimeout)
  }
}
