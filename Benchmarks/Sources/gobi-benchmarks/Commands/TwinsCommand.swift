// `gobi-benchmarks twins`: the table of Swift kernels against their C twins.
import ArgumentParser

struct TwinsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "twins", abstract: "SIMD Swift against C, on one thread.")
  @Option(help: "Interleaved samples of each.") var rounds = 51

  func validate() throws {
    guard rounds > 0 else { throw ValidationError("--rounds must be at least 1") }
  }

  func run() throws { try SwiftAgainstC.table(rounds: rounds).forEach { print($0) } }
}
