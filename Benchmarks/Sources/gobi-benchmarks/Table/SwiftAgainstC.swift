// Kernels that exist in SIMD Swift and in C, timed in turn on one thread, on data in L1 and on a vocabulary.
import CKernels
import Foundation
import Inference

/// One kernel in both languages. The closures work on the same buffers.
struct TwinRow {
  let name: String
  let count: Int
  let swift: () -> Void
  let c: () -> Void
}

enum SwiftAgainstC {
  static func table(rounds: Int) throws -> [String] {
    var options = ck_runtime_options()
    options.struct_size = MemoryLayout<ck_runtime_options>.size
    (options.threads, options.isa) = (1, CK_ISA_AUTO)
    var runtime: OpaquePointer?
    guard ck_runtime_create(&options, &runtime) == CK_OK, let runtime else { throw BenchmarkError("no runtime") }
    defer { ck_runtime_destroy(runtime) }
    var lines = [
      "| kernel | values | Swift, ns | C (\(String(cString: ck_isa_name(ck_runtime_isa(runtime))))), ns | Swift ÷ C |",
      "|---|---|---|---|---|",
    ]
    for count in [576, 4_096, 128_256] {
      for row in rows(runtime, count: count) { lines.append(measure(row, rounds: rounds)) }
    }
    return lines
  }

  /// Interleaved: Swift, C, Swift, C ... Each sample repeats the kernel for about 200 µs.
  private static func measure(_ row: TwinRow, rounds: Int) -> String {
    let repeats = max(1, 200_000 / max(1, Int(nanoseconds(1, row.swift))))
    var samples: [(swift: Double, c: Double)] = []
    for _ in 0..<rounds { samples.append((nanoseconds(repeats, row.swift), nanoseconds(repeats, row.c))) }
    let swift = median(samples.map(\.swift))
    let c = median(samples.map(\.c))
    let ratio = median(samples.map { $0.swift / $0.c })
    return String(format: "| %@ | %d | %.0f | %.0f | %.2f |", row.name, row.count, swift, c, ratio)
  }

  private static func nanoseconds(_ repeats: Int, _ body: () -> Void) -> Double {
    let start = clock_gettime_nsec_np()
    for _ in 0..<repeats { body() }
    return Double(clock_gettime_nsec_np() - start) / Double(repeats)
  }

  private static func clock_gettime_nsec_np() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  private static func median(_ x: [Double]) -> Double {
    let sorted = x.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  private static func rows(_ runtime: OpaquePointer, count: Int) -> [TwinRow] {
    var random = SeededRandom(seed: UInt64(count))
    // Alive as long as the process: a benchmark program ends right after.
    let x = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    let y = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    let weight = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    for i in 0..<count {
      x.initializeElement(at: i, to: Float(random.unit() * 8 - 4))
      y.initializeElement(at: i, to: x[i])
      weight.initializeElement(at: i, to: Float(random.unit()))
    }
    let input = UnsafeBufferPointer(x)
    let values = UnsafeMutablePointer<Float>.allocate(capacity: 64)
    let indices = UnsafeMutablePointer<Int32>.allocate(capacity: 64)
    var sink: Float = 0
    return [
      TwinRow(
        name: "RMSNorm", count: count,
        swift: { SIMDKernels.rmsNorm(input, weight: UnsafeBufferPointer(weight), epsilon: 1e-5, into: y) },
        c: {
          var call = ck_norm_args()
          call.struct_size = MemoryLayout<ck_norm_args>.size
          (call.x, call.ldx, call.y, call.ldy) = (input.baseAddress, count, y.baseAddress, count)
          (call.rows, call.groups, call.n) = (1, 1, count)
          (call.weight, call.epsilon) = (UnsafePointer(weight.baseAddress), 1e-5)
          _ = ck_rms_norm(runtime, &call)
        }),
      TwinRow(
        name: "softmax", count: count,
        swift: {
          _ = y.update(from: input)
          SIMDKernels.softmax(y, scale: 1)
        },
        c: { _ = ck_softmax(runtime, 1, input.baseAddress, count, y.baseAddress, count, 1, count) }),
      TwinRow(
        name: "largest value and its index (C: top-k of 1)", count: count,
        swift: { sink += SIMDKernels.maximum(input).value },
        c: { _ = ck_topk(runtime, input.baseAddress, count, 1, count, 1, values, indices) }),
    ]
  }
}
