// The benchmark program: tables of kernels, comparisons of two builds, and the workers that both are measured by.
import ArgumentParser

struct Benchmarks: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gobi-benchmarks",
    abstract: "Regression perf tests of the kernels, and what the engine costs.",
    subcommands: [
      KernelsCommand.self, CompareCommand.self, GateCommand.self, GateTrialCommand.self, TwinsCommand.self,
      EngineCommand.self, WorkerCommand.self,
    ])
}

Benchmarks.main()
