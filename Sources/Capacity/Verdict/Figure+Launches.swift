// Figures of several launches of a process: taken apart by launch, put together, and decoded where a report says
// nothing of launches.

extension Figure {
  /// All samples of each launch as they were taken, warm-up first. Counts that do not fit the samples give one launch.
  public var takenByLaunch: [[Double]] { parts(launches, launchWarmUps) ?? [warmUpSamples + samples] }

  /// Samples of each launch, warm-up cut.
  public var samplesByLaunch: [[Double]] { split(samples, launches) ?? [samples] }

  private func parts(_ sizes: [Int], _ cuts: [Int]) -> [[Double]]? {
    guard sizes.count == cuts.count, let steady = split(samples, sizes), let cut = split(warmUpSamples, cuts) else {
      return nil
    }
    return zip(cut, steady).map { $0 + $1 }
  }

  private func split(_ samples: [Double], _ sizes: [Int]) -> [[Double]]? {
    var parts: [[Double]] = []
    var rest = samples[...]
    for size in sizes {
      guard (0...rest.count).contains(size) else { return nil }
      parts.append(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    return rest.isEmpty && !parts.isEmpty ? parts : nil
  }

  /// One figure of those that launches made of the same thing. What makes one of them invalid makes it so. nil of none.
  init?(ofLaunches figures: [Figure], seed: UInt64) {
    guard let first = figures.first else { return nil }
    guard figures.count > 1 else {
      self = first
      return
    }
    self.init(
      launches: figures.flatMap(\.takenByLaunch), unit: first.unit, precision: first.precision,
      protocol: first.protocol,
      rule: StoppingRule(minimumSamples: first.minimumSamples, seconds: 0, halfWidth: first.halfWidth),
      reasons: Set(figures.flatMap(\.reasons)).subtracting([.notSteady]), seed: seed)
    // A share of one launch that was too large is judged anew over all of them; a change of level within one is found
    // again.
  }
}
