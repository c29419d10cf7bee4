// The Swift kernels against plain loops in double, and against their C twins.
import CKernels
import Foundation
import Inference
import Testing

@Suite struct SIMDKernelsTests {
  static let lengths = [1, 2, 15, 16, 17, 31, 32, 33, 576, 1_000, 4_097]

  private func values(_ count: Int, seed: UInt64, spread: Double = 8) -> [Float] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in Float((random.unit() - 0.5) * spread) }
  }

  private func withRuntime(_ body: (OpaquePointer) throws -> Void) throws {
    var runtime: OpaquePointer?
    try #require(ck_runtime_create(nil, &runtime) == CK_OK)
    defer { ck_runtime_destroy(runtime) }
    try body(try #require(runtime))
  }

  @Test(arguments: lengths) func maximumFindsTheFirstOfTheLargest(count: Int) {
    var x = values(count, seed: UInt64(count))
    x[count - 1] = .nan
    x[count / 3] = 100
    if count > 40 { x[count / 2] = 100 }
    let found = x.withUnsafeBufferPointer { SIMDKernels.maximum($0) }
    #expect(found.value == 100 && found.index == count / 3)
  }

  @Test(arguments: lengths) func exponentialSumAgreesWithDouble(count: Int) {
    let x = values(count, seed: 1 + UInt64(count), spread: 60)
    let peak = x.max() ?? 0
    let found = x.withUnsafeBufferPointer { SIMDKernels.exponentialSum($0, scale: 0.7, offset: peak) }
    let expected = x.reduce(0.0) { $0 + Foundation.exp(0.7 * Double($1 - peak)) }
    // Each term has a few ULP of the argument's rounding: |argument| * 2^-24.
    #expect(abs(found - expected) <= expected * 1e-5)
  }

  @Test(arguments: lengths) func compressKeepsWhatReachesTheThreshold(count: Int) {
    let x = values(count, seed: 2 + UInt64(count))
    var indices = [Int32](repeating: -1, count: count)
    let found = x.withUnsafeBufferPointer { input in
      indices.withUnsafeMutableBufferPointer { SIMDKernels.compress(input, threshold: 0.5, into: $0) }
    }
    #expect(Array(indices[..<found]) == x.indices.filter { x[$0] >= 0.5 }.map { Int32($0) })
  }

  @Test(arguments: lengths) func softmaxAgreesWithDoubleAndWithC(count: Int) throws {
    for scale in [1, 0.125, -0.5] as [Float] {
      let x = values(count, seed: 3 + UInt64(count), spread: 20)
      var y = x
      y.withUnsafeMutableBufferPointer { SIMDKernels.softmax($0, scale: scale) }
      let scaled = x.map { Double($0) * Double(scale) }
      let peak = scaled.max() ?? 0
      let sum = scaled.reduce(0) { $0 + Foundation.exp($1 - peak) }
      for i in x.indices {
        let expected = Foundation.exp(scaled[i] - peak) / sum
        #expect(abs(Double(y[i]) - expected) <= 1e-5 * expected + 1e-9)
      }
      guard scale > 0 else { continue }
      try withRuntime { runtime in
        var twin = [Float](repeating: .nan, count: count)
        #expect(ck_softmax(runtime, scale, x, count, &twin, count, 1, count) == CK_OK)
        for i in x.indices { #expect(abs(twin[i] - y[i]) <= 1e-5 * y[i] + 1e-9) }
      }
    }
  }

  @Test func softmaxOfNothingFiniteIsZero() {
    var x = [Float](repeating: -.infinity, count: 19)
    x[3] = .nan
    x.withUnsafeMutableBufferPointer { SIMDKernels.softmax($0, scale: 1) }
    #expect(x == [Float](repeating: 0, count: 19))
  }

  @Test(arguments: lengths) func rmsNormAgreesWithDoubleAndWithC(count: Int) throws {
    let x = values(count, seed: 4 + UInt64(count))
    let weight = values(count, seed: 5 + UInt64(count), spread: 3)
    var y = [Float](repeating: .nan, count: count)
    x.withUnsafeBufferPointer { x in
      weight.withUnsafeBufferPointer { weight in
        y.withUnsafeMutableBufferPointer { SIMDKernels.rmsNorm(x, weight: weight, epsilon: 1e-5, into: $0) }
      }
    }
    let mean = x.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(count)
    for i in x.indices {
      let expected = Double(x[i]) / (mean + 1e-5).squareRoot() * Double(weight[i])
      #expect(abs(Double(y[i]) - expected) <= 4e-6 * abs(expected) + 1e-12)
    }
    try withRuntime { runtime in
      var twin = [Float](repeating: .nan, count: count)
      x.withUnsafeBufferPointer { x in
        weight.withUnsafeBufferPointer { weight in
          twin.withUnsafeMutableBufferPointer { out in
            var call = ck_norm_args()
            call.struct_size = MemoryLayout<ck_norm_args>.size
            (call.x, call.ldx, call.y, call.ldy) = (x.baseAddress, count, out.baseAddress, count)
            (call.rows, call.groups, call.n) = (1, 1, count)
            (call.weight, call.epsilon) = (weight.baseAddress, 1e-5)
            #expect(ck_rms_norm(runtime, &call) == CK_OK)
          }
        }
      }
      for i in x.indices { #expect(abs(twin[i] - y[i]) <= 8e-6 * abs(y[i]) + 1e-12) }
    }
  }
}
