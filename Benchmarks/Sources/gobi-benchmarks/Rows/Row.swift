// A row of the bench: what it runs, what that moves and computes, and whether its answer is right. Times nothing.
import CKernels
import Capacity

/// What one run of a row does, by the algorithm and not by the kernel.
struct Work: Codable, Sendable, Equatable {
  /// A multiply is 1, an add is 1; 0 where a row is counted by its bytes alone.
  var operations: Double
  /// Of them, those that may be of 8-bit integers where the others are of `precision`.
  var integerOperations = 0.0
  /// And those that may be of 16-bit integers, at half the rate of 8-bit ones.
  var wordOperations = 0.0
  /// Read and written, each once.
  var bytes: Double
  /// Bytes that are gone through before the first is met again: which level of the memory bounds the row.
  var footprint: Double
  var precision: Precision
  /// Of the bytes, those that are written, where they count.
  var written = 0.0
}

/// A row with its memory, ready to run.
protocol PreparedRow: AnyObject {
  var work: Work { get }
  func run() throws
  /// Whether the last run's answer is right, or, where a run overwrites its input, that of a run on fresh input.
  func isRight() throws -> Bool
}

struct Row {
  /// Stable: a baseline names rows by it. `matmul/Q4_0/llama-3.2-1b/up/m=512`.
  let id: String
  /// The rows of the kernel list that run here: `matmul/Q4_0`, or `rms_norm` where there is no format.
  let kernels: [String]
  /// Part of what runs without --all.
  let isEveryday: Bool
  let prepare: (RowMemory) throws -> any PreparedRow

  init(
    _ id: String, kernels: [String], isEveryday: Bool = false,
    prepare: @escaping (RowMemory) throws -> any PreparedRow
  ) {
    self.id = id
    self.kernels = kernels
    self.isEveryday = isEveryday
    self.prepare = prepare
  }
}

/// What rows share while they are prepared: the runtime, how much to stream, and the last matrix, which neighbours use.
final class RowMemory {
  let runtime: KernelRuntime
  /// Rows that stream go through this many bytes before they return to the first.
  let streamedBytes: Int
  /// A row that would take more is refused.
  let mostBytes: Int
  private var last: (key: String, matrix: BenchMatrix, input: BenchInput)?

  init(_ runtime: KernelRuntime, streamedBytes: Int, mostBytes: Int) {
    self.runtime = runtime
    self.streamedBytes = streamedBytes
    self.mostBytes = mostBytes
  }

  /// The matrix in `format`, packed as often as `copies`, with inputs of at least `m` rows.
  func matrix(_ shape: MatrixShape, _ format: ck_format, activation: ck_activation, copies: Int, m: Int) throws
    -> (BenchMatrix, BenchInput)
  {
    let key = "\(format.rawValue) \(activation.rawValue) \(shape.n) \(shape.k)"
    if let last, last.key == key, last.matrix.copies.count >= copies, last.input.m >= m {
      return (last.matrix, last.input)
    }
    last = nil  // its memory goes before the next one's comes
    var plan = ck_packed()
    try check(ck_packed_plan(runtime.handle, format, shape.n, shape.k, &plan), "ck_packed_plan")
    try require(bytes: plan.bytes * copies)
    let input = try BenchInput(m: max(m, 4), k: shape.k, seed: UInt64(shape.k))
    let matrix = try BenchMatrix(
      runtime, shape, format: format, input: input, copies: copies, seed: UInt64(shape.n), activation: activation)
    last = (key, matrix, input)
    return (matrix, input)
  }

  /// Throws if a row of this size would crowd the machine.
  func require(bytes: Int) throws {
    guard bytes <= mostBytes else {
      throw BenchmarkError(
        "needs \(Quantity.bytes(bytes)), and this machine gives it \(Quantity.bytes(mostBytes)) at most")
    }
  }
}

struct BenchmarkError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Throws unless `status` is CK_OK.
func check(_ status: ck_status, _ call: String) throws {
  guard status != CK_OK else { return }
  throw BenchmarkError("\(call) failed: \(String(cString: ck_status_name(status)))")
}
