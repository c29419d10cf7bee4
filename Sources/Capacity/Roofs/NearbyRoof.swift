// The memory's read rate right before and after a figure that it bounds. Memory may change its speed within minutes:
// a roof from the start of a run says little about a figure at its end.

/// Read rates of DRAM around one figure, launch by launch, in B/s.
public struct NearbyRoof: Codable, Sendable, Equatable {
  /// Samples of each launch before the figure's first sample, and after its last.
  public var before: [[Double]]
  public var after: [[Double]]
  /// What the guards saw while they were taken, and NUMERIC_FAIL for a wrong sum.
  public var reasons: [Reason]

  package init(before: [[Double]], after: [[Double]], reasons: [Reason] = []) {
    self.before = before
    self.after = after
    self.reasons = reasons
  }

  /// The two may differ by this share of the larger one; else what was measured between them is not steady.
  public static let largestChange = 0.05

  /// Of each launch the higher one of the two medians: the roof may have been that high all the time.
  public var values: [Double] {
    zip(before, after).map { max(Statistics.median($0), Statistics.median($1)) }
  }

  /// False if the memory changed its speed within a launch.
  public var isSteady: Bool {
    zip(before, after).allSatisfy {
      let (a, b) = (Statistics.median($0), Statistics.median($1))
      return abs(a - b) <= Self.largestChange * max(a, b)
    }
  }

  /// Marks a figure that was measured between two different roofs.
  func mark(_ figure: inout Figure) {
    if !isSteady { figure.mark(.notSteady) }
  }

  /// Those of several launches. nil if one of them has none: then not every launch's figure has its roof.
  init?(ofLaunches roofs: [NearbyRoof?]) {
    let all = roofs.compactMap { $0 }
    guard !all.isEmpty, all.count == roofs.count else { return nil }
    self.init(
      before: all.flatMap(\.before), after: all.flatMap(\.after), reasons: Set(all.flatMap(\.reasons)).sorted())
  }
}

extension Figure {
  /// The share of a limit that each launch has of its own: samples are divided by their launch's, and the interval is
  /// worked out anew. `other` is a figure that the limits come from beside `roof`. nil where `limits` does not have one
  /// value a launch.
  func share(ofEach limits: [Double], beside roof: NearbyRoof, measuredAs other: Figure? = nil, protocol: String)
    -> Figure?
  {
    let taken = takenByLaunch
    guard limits.count == taken.count, limits.allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
    // The warm-up is that of the rate: the same samples count.
    let steady = zip(samplesByLaunch, limits).map { samples, limit in samples.map { $0 / limit } }
    let all = steady.flatMap { $0 }
    guard steady.count == limits.count, !all.isEmpty else { return nil }
    var share = self
    let rule = StoppingRule(minimumSamples: minimumSamples, seconds: 0, halfWidth: halfWidth)
    let interval = Statistics.bootstrapMedian(launches: steady, seed: seed)
    share.value = Statistics.median(all)
    share.ci95 = [interval.lowerBound, interval.upperBound]
    share.minimum = all.min() ?? .nan
    share.maximum = all.max() ?? .nan
    share.samples = all
    share.warmUpSamples = zip(zip(taken, launchWarmUps), limits).flatMap { part, limit in
      part.0.prefix(part.1).map { $0 / limit }
    }
    share.unit = "1"
    share.protocol = `protocol`
    share.reasons = Set(reasons + roof.reasons + (other?.reasons ?? [])).sorted()
    // A rate that differs between launches can be a steady share: of roofs that differ as it does.
    let open = !rule.isMet(by: steady, seed: seed) || other?.validity == .inconclusive
    share.validity = !share.reasons.isEmpty ? .invalid : open ? .inconclusive : .valid
    roof.mark(&share)
    if share.value > Figure.largestShare { share.mark(.impossible) }
    return share
  }
}

extension Roofs {
  /// The share of min(R_pk, intensity × B_pk) that `rate` reaches, and which of the two binds. With `nearby`, B_pk is
  /// the one of each launch around the figure.
  func share(_ rate: Figure, _ precision: Precision, intensity: Double, nearby: NearbyRoof?, protocol: String)
    -> (figure: Figure, boundBy: String)?
  {
    if let nearby, let peak = peak(precision) {
      let slopes = nearby.values.map { intensity * $0 }
      let isMemory = Statistics.median(slopes) < peak.value
      let share = rate.share(
        ofEach: slopes.map { min($0, peak.value) }, beside: nearby, measuredAs: isMemory ? nil : peak,
        protocol: `protocol`)
      if let share { return (share, isMemory ? "memory" : "compute") }
    }
    guard let limit = limit(precision, intensity: intensity) else { return nil }
    return (
      rate.share(of: limit.value, measuredAs: limit, protocol: `protocol`),
      limit.protocol == "roof-compute" ? "compute" : "memory"
    )
  }
}
