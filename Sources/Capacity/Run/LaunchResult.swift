// What launches measured, and how the same figures of several launches become one.
import CKernels
import Inference

public struct LaunchResult: Codable, Sendable, Equatable {
  public var roofs = Roofs()
  public var linpack: [LinpackResult] = []
  public var kernels: [KernelPoint] = []
  public var models: [ModelResult] = []
  public var notMeasured: [CapacityReport.Omission] = []

  public init() {}

  package init(_ report: CapacityReport) {
    roofs = report.roofs
    linpack = report.linpack
    kernels = report.kernels
    models = report.models
    notMeasured = report.notMeasured
  }

  var isEmpty: Bool { self == LaunchResult() }

  /// What is here and was not in `earlier`, of the same launch. A model that grew is there again, whole.
  func since(_ earlier: LaunchResult) -> LaunchResult {
    var new = LaunchResult()
    new.roofs.compute = Array(roofs.compute.dropFirst(earlier.roofs.compute.count))
    new.roofs.memory = Array(roofs.memory.dropFirst(earlier.roofs.memory.count))
    new.roofs.numa = roofs.numa == earlier.roofs.numa ? nil : roofs.numa
    new.linpack = Array(linpack.dropFirst(earlier.linpack.count))
    new.kernels = Array(kernels.dropFirst(earlier.kernels.count))
    new.models = models.enumerated().filter { i, model in
      !earlier.models.indices.contains(i) || earlier.models[i] != model
    }.map(\.element)
    new.notMeasured = Array(notMeasured.dropFirst(earlier.notMeasured.count))
    return new
  }

  /// Adds what `since` gave.
  public mutating func add(_ new: LaunchResult) {
    roofs.compute += new.roofs.compute
    roofs.memory += new.roofs.memory
    if let numa = new.roofs.numa { roofs.numa = (roofs.numa ?? []) + numa }
    linpack += new.linpack
    kernels += new.kernels
    for model in new.models {
      if let i = models.firstIndex(where: { $0.facts.label == model.facts.label }) {
        models[i] = model
      } else {
        models.append(model)
      }
    }
    notMeasured += new.notMeasured
  }

  // MARK: Merging

  /// One result of all launches: each figure over those launches that have it, shares worked out anew.
  package static func merged(_ launches: [LaunchResult], seed: UInt64) -> LaunchResult {
    guard launches.count > 1 else { return launches.first ?? LaunchResult() }
    var all = LaunchResult()
    all.roofs.compute = groups(launches.flatMap(\.roofs.compute)) { "\($0.precision) \($0.threads)" }.compactMap {
      over($0, \.figure, seed)
    }
    all.roofs.memory = groups(launches.flatMap(\.roofs.memory)) {
      "\($0.level) \($0.pass) \($0.threads) \($0.hugePages)"
    }.compactMap { list in
      var roof = over(list, \.figure, seed)
      roof?.load = Figure(ofLaunches: list.compactMap(\.load), seed: seed)
      return roof
    }
    all.roofs.numa = numa(launches.compactMap(\.roofs.numa), seed)
    all.linpack = groups(launches.flatMap(\.linpack)) { "\($0.kind) \($0.n)" }.compactMap { list in
      var result = over(list, \.rate, seed)
      result?.residual = list.map(\.residual).max() ?? 0
      if let rate = result?.rate, result?.kind == .f64 {
        result?.share = all.roofs.peak(.f64).map { Linpack.share(rate, of: $0) }
      }
      return result
    }
    all.kernels = groups(launches.flatMap(\.kernels)) { "\($0.model) \($0.format) \($0.m)" }.compactMap { list in
      kernel(list, all.roofs, seed)
    }
    all.models = groups(launches.flatMap(\.models)) { $0.facts.label }.compactMap { model($0, all.roofs, seed) }
    for list in groups(launches.flatMap(\.notMeasured), by: { "\($0.what): \($0.why)" }) {
      guard var omission = list.first else { continue }
      if list.count < launches.count { omission.why += ", in \(list.count) of \(launches.count) launches" }
      all.notMeasured.append(omission)
    }
    return all
  }

  /// Those with the same key together, in the order in which the first of them stands.
  private static func groups<T>(_ list: [T], by key: (T) -> String) -> [[T]] {
    var order: [String] = []
    var groups: [String: [T]] = [:]
    for item in list {
      let key = key(item)
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(item)
    }
    return order.compactMap { groups[$0] }
  }

  /// The first of `list` with the figure over all of them.
  private static func over<T>(_ list: [T], _ figure: WritableKeyPath<T, Figure>, _ seed: UInt64) -> T? {
    guard var first = list.first, let merged = Figure(ofLaunches: list.map { $0[keyPath: figure] }, seed: seed) else {
      return nil
    }
    first[keyPath: figure] = merged
    return first
  }

  private static func numa(_ launches: [[NUMARoof]], _ seed: UInt64) -> [NUMARoof]? {
    guard !launches.isEmpty else { return nil }
    return groups(launches.flatMap(\.self)) { "\($0.processors) \($0.memory)" }.compactMap { list in
      var roof = over(list, \.read, seed)
      roof?.placed = list.map(\.placed).min() ?? 0
      if let latency = Figure(ofLaunches: list.map(\.latency), seed: seed) { roof?.latency = latency }
      return roof
    }
  }

  private static func kernel(_ list: [KernelPoint], _ roofs: Roofs, _ seed: UInt64) -> KernelPoint? {
    guard var point = over(list, \.rate, seed) else { return nil }
    point.nearby = NearbyRoof(ofLaunches: list.map(\.nearby))
    point.nearby?.mark(&point.rate)
    guard let format = Format(name: point.format),
      let info = ck_format_describe(ck_format(rawValue: UInt32(format.rawValue)))?.pointee
    else { return point }
    return point.held(against: roofs, roofs.servingPrecision(info.activation))
  }

  private static func model(_ list: [ModelResult], _ roofs: Roofs, _ seed: UInt64) -> ModelResult? {
    guard var result = list.first else { return nil }
    result.quality = list.lazy.compactMap(\.quality).first
    let fails = result.quality.map { !$0.passes } ?? false
    let key = { (figure: ModelFigure) in "\(figure.title) \(figure.depth)" }
    result.figures = groups(list.flatMap(\.figures), by: key).compactMap { figures in
      guard var figure = over(figures, \.rate, seed) else { return nil }
      figure.nearby = NearbyRoof(ofLaunches: figures.map(\.nearby))
      figure.nearby?.mark(&figure.rate)
      if fails { figure.rate.mark(.qualityFloor) }
      // As the samples lie: what was cut of each launch first, then the others.
      let cut = figures.flatMap { $0.spans.prefix($0.rate.warmUp) }
      let steady = figures.flatMap { $0.spans.dropFirst($0.rate.warmUp) }
      return ModelFigure(
        work: figure.work, count: figure.count, depth: figure.depth, rate: figure.rate, facts: result.facts,
        roofs: roofs, spans: cut + steady, nearby: figure.nearby, scope: figure.scope)
    }
    result.notMeasured = list.flatMap(\.notMeasured).unique
    return result
  }
}
