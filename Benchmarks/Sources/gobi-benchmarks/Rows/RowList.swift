// The rows: every kernel of the library's list times the shapes of its models. Formats, kernels and models are read from
// the library; what is chosen here is rows of x, depths, and which rows run every day.
import CKernels
import Capacity
import Inference

struct RowList {
  let rows: [Row]
  /// Of the kernel list, what no row runs: a kernel was added and the bench does not know it.
  let uncovered: [String]

  /// The model that every format is measured on without --all, and the format that every model is measured in.
  static let everydayModel = "llama-3.2-1b"
  static let everydayFormat = "Q4_0"

  init(_ runtime: KernelRuntime) {
    let list = runtime.kernels()
    rows = MatmulRows.all() + AttentionRows.all(list.map { ($0.operation, $0.format) }) + VectorRows.all()
    // The roofs have no row: they are what rows are measured against.
    let covered = Set(rows.flatMap(\.kernels))
    uncovered = list.map { $0.format.isEmpty ? $0.operation : "\($0.operation)/\($0.format)" }.filter {
      !covered.contains($0) && !$0.hasPrefix("peak_") && !$0.hasPrefix("memory_")
    }
  }

  func row(_ id: String) -> Row? { rows.first { $0.id == id } }
}

/// Row ids from what the user wrote: a regular expression found anywhere in the id.
struct RowFilter {
  private let expressions: [Regex<AnyRegexOutput>]

  /// Any of `patterns`; none takes all.
  init(_ patterns: [String]) throws {
    expressions = try patterns.map {
      do { return try Regex($0) } catch { throw AskedError("\($0) is not a regular expression") }
    }
  }

  var isEmpty: Bool { expressions.isEmpty }
  func takes(_ id: String) -> Bool { isEmpty || expressions.contains { id.contains($0) } }
}
