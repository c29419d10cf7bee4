// What a load's trial follows from, kept beside it: every counted request's times, in columns, and the gaps between
// tokens. A few hundred requests a trial: a load ends as soon as its question is settled.

public struct TrialSamples: Codable, Sendable, Equatable {
  /// Seconds after the load's start at which the trial was settled: what was open then had not kept the objective.
  public var now: Double
  /// One entry a counted request in each column, in order of arrival. Times are seconds after the load's start; nil for
  /// what never came.
  public var arrival: [Double]
  public var sent: [Double]
  public var firstToken: [Double?]
  public var lastToken: [Double?]
  public var ended: [Double?]
  public var promptTokens: [Int]
  public var outputTokens: [Int]
  /// That came.
  public var tokens: [Int]
  /// Prompt tokens that an endless cache would have had, and those that the system's had; nil for a system that does
  /// not tell of a cache, and no entry for a request that did not come so far.
  public var reusableTokens: [Int]?
  public var cachedTokens: [Int?]?
  /// Of each that failed, its place in the columns and why.
  public var errors: [Failed]
  /// Of gaps between tokens: the histogram's places that are not empty, and how many gaps each holds.
  public var gapPlaces: [Int]
  public var gapCounts: [Int]
  public var largestGap: Double

  public struct Failed: Codable, Sendable, Equatable {
    public var request: Int
    public var why: String
  }

  /// More requests are in no trial, and more tokens in no request.
  static let mostRequests = 1 << 14
  static let mostTokens = 1 << 24
  /// Of a failure's reason: a server's answer may be long.
  static let longestReason = 200

  package init(counted: [RequestRecord], gaps: LatencyHistogram, now: Double) {
    self.now = now
    arrival = counted.map(\.request.arrival)
    sent = counted.map(\.sent)
    firstToken = counted.map(\.firstToken)
    lastToken = counted.map(\.lastToken)
    ended = counted.map(\.ended)
    promptTokens = counted.map(\.request.promptTokens)
    outputTokens = counted.map(\.request.outputTokens)
    tokens = counted.map(\.tokens)
    if counted.contains(where: { $0.cachedTokens != nil }) {
      reusableTokens = counted.map(\.request.reusableTokens)
      cachedTokens = counted.map(\.cachedTokens)
    }
    errors = counted.enumerated().compactMap { place, record in
      record.error.map { Failed(request: place, why: String($0.prefix(Self.longestReason))) }
    }
    (gapPlaces, gapCounts) = gaps.occupied
    largestGap = gaps.largest
  }

  /// The requests again; nil where the columns do not fit together, or hold what no load has.
  var records: [RequestRecord]? {
    let count = arrival.count
    guard count <= Self.mostRequests,
      [sent.count, firstToken.count, lastToken.count, ended.count].allSatisfy({ $0 == count }),
      [promptTokens, outputTokens, tokens].allSatisfy({ column in
        column.count == count && column.allSatisfy { (0...Self.mostTokens).contains($0) }
      }), zip(arrival, arrival.dropFirst()).allSatisfy({ $0 <= $1 }),
      isReuse(of: count), errors.count <= count, errors.allSatisfy({ arrival.indices.contains($0.request) })
    else { return nil }
    var records = arrival.indices.map { i in
      var record = RequestRecord(
        request: ServingRequest(
          id: i, arrival: arrival[i], promptTokens: promptTokens[i], outputTokens: outputTokens[i]), sent: sent[i])
      (record.firstToken, record.lastToken, record.ended) = (firstToken[i], lastToken[i], ended[i])
      record.tokens = tokens[i]
      record.request.reusableTokens = reusableTokens?[i] ?? 0
      record.cachedTokens = cachedTokens?[i]
      return record
    }
    for failed in errors { records[failed.request].error = failed.why }
    return records
  }

  /// Whether the columns of reuse are both missing, or hold what `count` requests can have.
  private func isReuse(of count: Int) -> Bool {
    guard let reusableTokens, let cachedTokens else { return reusableTokens == nil && cachedTokens == nil }
    guard reusableTokens.count == count, cachedTokens.count == count else { return false }
    return zip(promptTokens, zip(reusableTokens, cachedTokens)).allSatisfy { prompt, reuse in
      (0...prompt).contains(reuse.0) && (0...prompt).contains(reuse.1 ?? 0)
    }
  }

  var gaps: LatencyHistogram? { LatencyHistogram(places: gapPlaces, counts: gapCounts, largest: largestGap) }

  /// All requests are of one length, as a load with fixed lengths makes them.
  private var isOfOneLength: Bool { Set(promptTokens).count <= 1 && Set(outputTokens).count <= 1 }

  /// Whether the requests are those that `seed` draws at `rate`, after `warmUp` others. Lengths that are drawn too are
  /// not known here: then nothing is said against them.
  func follows(rate: Double, seed: UInt64, warmUp: Int) -> Bool {
    guard isOfOneLength, (0...Self.mostRequests).contains(warmUp) else { return true }
    guard
      var stream = try? ArrivalStream(.poisson(rate: rate), lengths: .fixed(prompt: 1, output: 1), seed: seed)
    else { return false }
    for _ in 0..<warmUp { _ = stream.next() }
    // A later request may be left out that had not ended when the question was settled.
    var draws = 0
    for time in arrival {
      var drawn = stream.next()
      while let at = drawn?.arrival, at < time * (1 - 1e-9), draws < Self.mostRequests {
        drawn = stream.next()
        draws += 1
      }
      guard let at = drawn?.arrival, abs(at - time) <= 1e-9 * max(at, 1e-9) else { return false }
    }
    return true
  }
}
