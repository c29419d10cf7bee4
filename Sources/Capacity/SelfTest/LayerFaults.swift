// Faults in a layer's memory while it is measured: one flipped bit in a packed panel, or in a result.
import CKernels

/// What KernelBench calls around each sample of a layer, with the sample's number.
struct LayerFaults {
  var before: (LayerSet, Int) -> Void = { _, _ in }
  /// And with the number of rows.
  var after: (LayerSet, Int, Int) -> Void = { _, _, _ in }
}

extension LayerSet {
  /// Flips one bit of all that the packed panels hold, each as likely as any other: codes, scales and offsets.
  func flipBitOfWeights(_ random: inout RandomSource) {
    let all = matrices.flatMap { $0 }.flatMap(\.copies)
    var place = random.index(below: all.reduce(0) { $0 + $1.bytes })
    for copy in all {
      guard place >= copy.bytes else { return Self.flip(copy.data + place, &random) }
      place -= copy.bytes
    }
  }

  /// Flips one bit of the results of `m` rows.
  func flipBitOfResults(m: Int, _ random: inout RandomSource) {
    let sizes = matrices.flatMap { $0 }.map { m * $0.shape.n * 4 }
    var place = random.index(below: sizes.reduce(0, +))
    for (output, size) in zip(outputs.flatMap { $0 }, sizes) {
      guard place >= size else { return Self.flip(output.base + place, &random) }
      place -= size
    }
  }

  private static func flip(_ byte: UnsafeMutableRawPointer, _ random: inout RandomSource) {
    let old = byte.load(as: UInt8.self)
    byte.storeBytes(of: old ^ (1 << UInt8(random.index(below: 8))), as: UInt8.self)
  }
}
