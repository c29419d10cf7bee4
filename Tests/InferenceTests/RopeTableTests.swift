// Tables of cosines and sines: the Swift kernel and its C twin against the mathematical library.
import Foundation
import Inference
import Testing

@Suite struct RopeTableTests {
  @Test(arguments: [1, 3, 4, 5, 32, 64, 67], [0, 1, 63, 4_095, 131_071, 1_048_575] as [Int32])
  func bothTwins(_ pairs: Int, position: Int32) throws {
    let magnitude: Float = 1.19
    let frequencies = (0..<pairs).map { Float(pow(500_000, -Double($0) / Double(pairs))) }
    // cosines and sines in Swift, cosines and sines in C
    let tables = try (0..<4).map { _ in try PageBuffer<Float>(count: pairs) }
    let runtime = try Runtime(threads: 1)
    try frequencies.withUnsafeBufferPointer { frequencies in
      guard let base = frequencies.baseAddress else { return }
      SIMDKernels.ropeTable(
        frequencies: base, pairs: pairs, magnitude: magnitude, position: position, cosines: tables[0].base,
        sines: tables[1].base)
      try withUnsafePointer(to: position) { position in
        try runtime.ropeTables(
          RopeTables(cosines: tables[2].base, sines: tables[3].base, pairs: pairs, pairing: .halves),
          frequencies: base, magnitude: magnitude, positions: position, rows: 1)
      }
    }
    for pair in 0..<pairs {
      let angle = Double(frequencies[pair]) * Double(position)
      let (cosine, sine) = (cos(angle) * Double(magnitude), sin(angle) * Double(magnitude))
      // One rounding to float, and what is lost of an angle of 10⁶ in double.
      for (table, wanted) in [(0, cosine), (1, sine), (2, cosine), (3, sine)] {
        #expect(abs(Double(tables[table][pair]) - wanted) < 2e-7, "\(table < 2 ? "Swift" : "C"), pair \(pair)")
      }
    }
  }
}
