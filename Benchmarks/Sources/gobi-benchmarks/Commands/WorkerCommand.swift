// `gobi-benchmarks worker`: what `compare`, `gate` and `gate-trial` start. Speaks WorkerProtocol.
import ArgumentParser

struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Run slices of rows on request; started by the other commands.",
    shouldDisplay: false)

  @Option var threads = 1
  @Option var isa: String?
  @Option(help: "The row that is slowed down, to try the gate.") var plantRow: String?
  @Option(help: "By what share of its time.") var plantSlowdown = 0.0

  func validate() throws {
    guard threads >= 0 else { throw ValidationError("--threads must not be negative") }
    guard plantSlowdown >= 0, plantSlowdown <= 10 else {
      throw ValidationError("--plant-slowdown must be between 0 and 10")
    }
    guard (plantRow == nil) == (plantSlowdown == 0) else {
      throw ValidationError("--plant-row and --plant-slowdown go together")
    }
  }

  func run() throws {
    runCommand {
      let plant = plantRow.map { Worker.Plant(row: $0, share: plantSlowdown) }
      try Worker(threads: threads, isa: isa, plant: plant).serve()
      return 0
    }
  }
}
