// `gobi-benchmarks worker`: what `compare`, `gate` and `gate-trial` start. Speaks WorkerProtocol.
import ArgumentParser

struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Run slices of rows on request; started by the other commands.",
    shouldDisplay: false)

  @Option var threads = 1
  @Option var isa: String?

  func validate() throws {
    guard threads >= 0 else { throw ValidationError("--threads must not be negative") }
  }

  func run() throws {
    runCommand {
      try Worker(threads: threads, isa: isa).serve()
      return 0
    }
  }
}
