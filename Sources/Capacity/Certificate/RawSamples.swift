// Everything that was measured and nothing that was worked out from it, as one canonical JSON value: its hash stands in
// the certificate, so that figures can be worked out anew by another program and the samples still be known for these.
import Inference

public struct RawSamples: Sendable {
  public let value: JSONValue

  public init(_ report: CapacityReport) {
    let figures = report.measuredFigures.map { name, figure -> JSONValue in
      [
        "name": .string(name), "unit": .string(figure.unit), "seed": .string(String(figure.seed)),
        "samples": .array((figure.warmUpSamples + figure.samples).map { .double($0) }),
      ]
    }
    let series = report.energy.series.map { series -> JSONValue in
      [
        "name": .string(series.channel.name), "seconds": Self.list(series.seconds), "watts": Self.list(series.watts),
        "joules": Self.list(series.joules),
      ]
    }
    var parts = JSONObject([("figures", .array(figures)), ("power", .array(series))])
    // A report without a load has the hash that it had before there were loads.
    if !report.serving.isEmpty { parts["serving"] = .array(report.serving.map { Self.trials($0.knee.trials) }) }
    let capped = report.flex.map { $0.points.compactMap(\.service) }
    if capped.contains(where: { !$0.isEmpty }) { parts["flex_serving"] = .array(capped.map(Self.trials)) }
    let roofs = report.nearbyRoofs.sorted { $0.key < $1.key }.map { name, roof -> JSONValue in
      let list = { (parts: [[Double]]) -> JSONValue in .array(parts.map { Self.list($0) }) }
      return ["name": .string(name), "before": list(roof.before), "after": list(roof.after)]
    }
    // A report without these has the hash that it always had.
    if !roofs.isEmpty { parts["roofs"] = .array(roofs) }
    value = .object(parts)
  }

  private static func trials(_ trials: [LoadTrial]) -> JSONValue {
    .array(
      trials.map { trial in
        guard let samples = trial.samples else { return .null }
        let value: JSONValue = [
          "rate": .double(trial.rate), "now": .double(samples.now), "arrival": list(samples.arrival),
          "sent": list(samples.sent), "first_token": list(samples.firstToken), "last_token": list(samples.lastToken),
          "ended": list(samples.ended), "prompt_tokens": list(samples.promptTokens),
          "output_tokens": list(samples.outputTokens), "tokens": list(samples.tokens),
          "errors": .array(samples.errors.map { ["request": .int(Int64($0.request)), "why": .string($0.why)] }),
          "gap_places": list(samples.gapPlaces), "gap_counts": list(samples.gapCounts),
          "largest_gap": .double(samples.largestGap),
        ]
        // A load without a cache has the hash that it had before there were caches.
        guard let reusable = samples.reusableTokens, let cached = samples.cachedTokens, case .object(var parts) = value
        else { return value }
        parts["reusable_tokens"] = list(reusable)
        parts["cached_tokens"] = .array(cached.map { $0.map { .int(Int64($0)) } ?? .null })
        return .object(parts)
      })
  }

  private static func list(_ values: [Double?]) -> JSONValue { .array(values.map { $0.map { .double($0) } ?? .null }) }

  private static func list(_ values: [Int]) -> JSONValue { .array(values.map { .int(Int64($0)) }) }

  private static func list(_ values: [Double]?) -> JSONValue {
    values.map { .array($0.map { .double($0) }) } ?? .null
  }

  /// SHA-256 of the canonical bytes.
  public func hash() throws(CertificateError) -> String { FileHash.of(try CanonicalJSON.bytes(value)) }
}

extension CapacityReport {
  /// The roofs that were measured around figures, by the figures' places.
  var nearbyRoofs: [String: NearbyRoof] {
    var all: [String: NearbyRoof] = [:]
    for (i, point) in kernels.enumerated() { all["kernels[\(i)].rate"] = point.nearby }
    for (i, model) in models.enumerated() {
      for (j, figure) in model.figures.enumerated() { all["models[\(i)].figures[\(j)].rate"] = figure.nearby }
    }
    return all
  }

  /// Figures that come from samples of their own, with their places in the report. Shares and energy come from these
  /// and from readings of power.
  var measuredFigures: [(name: String, figure: Figure)] {
    var all: [(String, Figure)] = []
    for (i, roof) in roofs.compute.enumerated() { all.append(("roofs.compute[\(i)].figure", roof.figure)) }
    for (i, roof) in roofs.memory.enumerated() {
      all.append(("roofs.memory[\(i)].figure", roof.figure))
      if let load = roof.load { all.append(("roofs.memory[\(i)].load", load)) }
    }
    for (i, roof) in (roofs.numa ?? []).enumerated() {
      all.append(("roofs.numa[\(i)].read", roof.read))
      all.append(("roofs.numa[\(i)].latency", roof.latency))
    }
    for (i, result) in linpack.enumerated() { all.append(("linpack[\(i)].rate", result.rate)) }
    for (i, point) in kernels.enumerated() { all.append(("kernels[\(i)].rate", point.rate)) }
    for (i, model) in models.enumerated() {
      for (j, figure) in model.figures.enumerated() { all.append(("models[\(i)].figures[\(j)].rate", figure.rate)) }
    }
    for (i, curve) in flex.enumerated() {
      for (j, point) in curve.points.enumerated() {
        if let rate = point.rate { all.append(("flex[\(i)].points[\(j)].rate", rate)) }
      }
    }
    return all
  }
}
