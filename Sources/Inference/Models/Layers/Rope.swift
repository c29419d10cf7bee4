// Rotary positions as a layer: frequencies fixed at load, angles computed once a pass for all layers.

package struct Rope: Sendable {
  private let short: Frequencies
  private let long: Frequencies
  /// Sessions with a longer context than this take `long`.
  private let originalContext: Int
  private let pairing: RopePairing
  let dimensions: Int

  /// Frequencies where the kernels can read them.
  private struct Frequencies: @unchecked Sendable {
    let values: UnsafePointer<Float>
    let magnitude: Float
  }

  init(_ configuration: RopeConfiguration, arena: WeightArena) throws(ModelError) {
    func place(_ frequencies: RopeFrequencies) throws(ModelError) -> Frequencies {
      do {
        let memory = try arena.allocate(frequencies.values.count * MemoryLayout<Float>.size)
        let target = memory.assumingMemoryBound(to: Float.self)
        if !arena.isCounting { target.update(from: frequencies.values, count: frequencies.values.count) }
        return Frequencies(values: target, magnitude: frequencies.magnitude)
      } catch { throw ModelError(error) }
    }
    if case .longRope(_, _, let original, _) = configuration.scaling {
      originalContext = original
      short = try place(configuration.frequencies(context: original))
      long = try place(configuration.frequencies(context: .max))
    } else {
      originalContext = .max
      short = try place(configuration.frequencies(context: 0))
      long = short
    }
    pairing = configuration.isInterleaved ? .interleaved : .halves
    dimensions = configuration.dimensions
  }

  /// The angles of the pass's positions.
  func callAsFunction(_ pass: Pass) throws(KernelError) -> RopeTables {
    let frequencies = pass.context > originalContext ? long : short
    return try pass.ropeTables(
      frequencies.values, pairs: dimensions / 2, magnitude: frequencies.magnitude, pairing: pairing)
  }
}
