// `gobi-benchmarks compare`: two builds, interleaved; a change for each row. `make bench-compare` builds them.
import ArgumentParser
import Capacity
import Foundation

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare two builds row by row; `make bench-compare BASE=<revision>` builds them.",
    discussion: """
      Both programs run in turn, in slices of milliseconds, in several launches. A change is p < 0.01 and more than 2 %; \
      of a hundred rows without a change one has p < 0.01 by chance. Without --filter: the rows of the gate.
      """)

  @OptionGroup var pair: PairArguments
  @Option(help: "Launches of both programs: 8 is the least that can reach p < 0.01.") var launches = 16
  @Option(help: "Quads (A B B A) of slices for a row in each launch.") var quads = 10
  @Option(help: "Threads of each program; 0: as many as the node gives. Above 1 the wall's clock counts.")
  var threads = 1
  @Option(help: ArgumentHelp("Write every launch to this file.", valueName: "file")) var json: String?

  func validate() throws {
    guard launches > 0, launches <= 1000 else { throw ValidationError("--launches must be between 1 and 1000") }
    guard quads > 0, quads <= 10_000 else { throw ValidationError("--quads must be between 1 and 10000") }
    guard threads >= 0 else { throw ValidationError("--threads must not be negative") }
  }

  func run() throws {
    runCommand {
      var run = try pair.run(threads: threads)
      run.quads = quads
      let rows = try pair.rows(run, usual: Gate.rows)
      let results = try run.measure(rows, launches: launches) { Console.progress($0) }.map(RowComparison.init)
      Console.progress("")
      Console.line("row; seconds of the base, change with its 95 % interval; p of the pairs,")
      Console.line("U p of both sets as if unpaired, Cliff's delta; \(launches) launches of \(quads) quads")
      for result in results { result.text.forEach { Console.line($0) } }
      let changes = results.filter(\.isChange)
      Console.line("\(changes.count) of \(results.count) row(s) changed by more than 2 % (p < 0.01)")
      if let json { try Self.write(results, to: json) }
      return 0
    }
  }

  private static func write(_ results: [RowComparison], to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do { try encoder.encode(results).write(to: URL(fileURLWithPath: path)) } catch {
      throw BenchmarkError("cannot write \(path): \(error.localizedDescription)")
    }
  }
}
