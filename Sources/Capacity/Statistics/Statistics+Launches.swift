// Intervals of samples that came from several launches of a process: launches differ more than samples of one do.
import Foundation

extension Statistics {
  /// The interval for the median over `launches`, each with its samples: launches are drawn with replacement, and then
  /// samples within each (Davison and Hinkley, 1997, section 3.8). One launch: `bootstrapMedian` of its samples.
  ///
  /// No resampling of three launches tells how far a fourth would be: percentiles cover 75 % where launches differ more
  /// than samples do. So that share of the interval's width which is the launches' is stretched by Student's t of k - 1
  /// degrees over the normal quantile, and by √(k / (k - 1)); it then covers 93 to 98 % (StatisticsTests).
  public static func bootstrapMedian(launches: [[Double]], resamples: Int = 2000, seed: UInt64 = 1)
    -> ClosedRange<Double>
  {
    let parts = launches.filter { !$0.isEmpty }
    guard parts.count > 1 else { return bootstrapMedian(parts.first ?? [], resamples: resamples, seed: seed) }
    var random = RandomSource(seed: seed)
    var drawn: [Double] = []
    drawn.reserveCapacity(parts.reduce(0) { $0 + $1.count })
    let medians = (0..<resamples).map { _ in
      drawn.removeAll(keepingCapacity: true)
      for _ in parts.indices {
        let part = parts[random.index(below: parts.count)]
        for _ in part.indices { drawn.append(part[random.index(below: part.count)]) }
      }
      return median(drawn)
    }
    let (low, high) = (quantile(medians, 0.025), quantile(medians, 0.975))
    guard low <= high else { return 0...0 }
    let (middle, half) = ((low + high) / 2, (high - low) / 2 * stretch(parts))
    guard (middle - half).isFinite, (middle + half).isFinite else { return 0...0 }
    return (middle - half)...(middle + half)
  }

  private static func stretch(_ launches: [[Double]]) -> Double {
    let count = Double(launches.count)
    let between = variance(launches.map { median($0) })
    guard between > 0 else { return 1 }
    // The variance that medians of samples have if launches do not differ: π/2 · σ²/n.
    let within = launches.reduce(0) { $0 + variance($1) * .pi / 2 / Double($1.count) } / count
    let share = min(max(1 - within / between, 0), 1)
    return 1 + share * (student(launches.count - 1) * (count / (count - 1)).squareRoot() / 1.96 - 1)
  }

  private static func variance(_ samples: [Double]) -> Double {
    guard samples.count > 1 else { return 0 }
    let mean = samples.reduce(0, +) / Double(samples.count)
    return samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(samples.count - 1)
  }

  /// The 0.975 quantile of Student's t; beyond 10 degrees by its expansion, to 0.001.
  private static func student(_ degrees: Int) -> Double {
    let table = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]
    if degrees <= table.count { return table[max(degrees, 1) - 1] }
    return 1.960 + 2.372 / Double(degrees) + 2.82 / Double(degrees * degrees)
  }
}
