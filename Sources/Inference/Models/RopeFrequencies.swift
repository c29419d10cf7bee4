// From RoPE's configuration to one inverse frequency a pair and a magnitude. The angles' tables are a kernel's work.

/// One inverse frequency a pair, and what cosines and sines are multiplied by.
package struct RopeFrequencies: Sendable, Equatable {
  package let values: [Float]
  package let magnitude: Float
}

extension RopeConfiguration {
  /// The frequencies for sequences of up to `context` positions: only ``Scaling/longRope`` asks how long they get, and
  /// it goes by the session's limit, not by the length so far, so that no chunk or batch changes a result.
  package func frequencies(context: Int) -> RopeFrequencies {
    let plain = (0..<dimensions / 2).map { Double.power(base, -2 * Double($0) / Double(dimensions)) }
    switch scaling {
    case .none: return RopeFrequencies(values: plain.map(Float.init), magnitude: 1)
    case .linear(let factor): return RopeFrequencies(values: plain.map { Float($0 / factor) }, magnitude: 1)
    case .divisors(let divisors): return Self.divided(plain, by: divisors, magnitude: 1)
    case .longRope(let short, let long, let original, let attention):
      return Self.divided(plain, by: context > original ? long : short, magnitude: attention)
    case .llama3(let factor, let low, let high, let original):
      return RopeFrequencies(
        values: plain.map { Float(Self.llama3($0, factor, low, high, Double(original))) }, magnitude: 1)
    case .yarn(let factor, let original, let fast, let slow, let attention):
      let ramp = yarnRamp(fast: fast, slow: slow, original: Double(original))
      let values = zip(plain, ramp).map { frequency, ramp in
        Float(frequency / factor * ramp + frequency * (1 - ramp))
      }
      return RopeFrequencies(
        values: values, magnitude: Float(attention ?? ConfigurationReader.yarnMagnitude(factor)))
    }
  }

  private static func divided(_ plain: [Double], by divisors: [Float], magnitude: Double) -> RopeFrequencies {
    RopeFrequencies(
      values: zip(plain, divisors).map { Float($0 / Double($1)) }, magnitude: Float(magnitude))
  }

  /// Llama 3.1's rule: wavelengths beyond original / low are stretched by `factor`, those below original / high are
  /// left alone, and those between are interpolated.
  private static func llama3(
    _ frequency: Double, _ factor: Double, _ low: Double, _ high: Double, _ original: Double
  ) -> Double {
    let wavelength = 2 * Double.pi / frequency
    if wavelength > original / low { return frequency / factor }
    if wavelength < original / high { return frequency }
    let smooth = (original / wavelength - low) / (high - low)
    return (1 - smooth) * frequency / factor + smooth * frequency
  }

  /// YaRN's share of interpolation for each pair: 0 for pairs that turn more than `fast` times in the original
  /// context, 1 for those that turn fewer than `slow` times.
  private func yarnRamp(fast: Double, slow: Double, original: Double) -> [Double] {
    func pair(turning turns: Double) -> Double {
      Double(dimensions) * Double.logarithm(original / (turns * 2 * Double.pi)) / (2 * Double.logarithm(base))
    }
    let low = max(pair(turning: max(fast, 1e-6)).rounded(.down), 0)
    var high = min(pair(turning: max(slow, 1e-6)).rounded(.up), Double(dimensions - 1))
    if high == low { high += 0.001 }  // as the paper's code does, to avoid a division by zero
    return (0..<dimensions / 2).map { min(max((Double($0) - low) / (high - low), 0), 1) }
  }
}
