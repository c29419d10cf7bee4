// The tool's entry: its subcommands and what becomes of an error. No logic of its own.
import ArgumentParser
import Foundation

@main
struct Gobi: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gobi",
    abstract: "Language model inference on CPUs, and what a machine delivers at it.",
    discussion: """
      Results go to stdout; progress and errors to stderr.

      Exit codes: 0 done; 1 done, but a check failed or a figure is not valid; 2 wrong input (an option, a file, \
      a template); 3 this machine cannot do it (memory, instruction set, a system call); 130 stopped by Ctrl-C.

      Environment: GOBI_ISA forces an instruction set (see gobi cpu).
      """,
    version: gobiVersion,
    subcommands: [
      CapacityCommand.self, LoadCommand.self, PowerCommand.self, VerifyCommand.self, KeysCommand.self,
      CompareCommand.self, LedgerCommand.self, ExportCommand.self, FleetCommand.self, SelfTestCommand.self,
      RunCommand.self, ServeCommand.self,
      BenchCommand.self,
      CPUCommand.self,
      InspectCommand.self,
      QuantizeCommand.self,
      GenerateCommand.self, PerplexityCommand.self, LogitsCommand.self, TokenizeCommand.self, DetokenizeCommand.self,
    ])

  static func main() async {
    // A reader that goes away (`gobi ... | head`) is an error of the write, not a signal.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      Failure.exit(with: error)
    }
  }
}
