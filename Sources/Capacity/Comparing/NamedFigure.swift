// A report's figures under names that are the same in every report: what two reports, two nodes and two days are
// compared by, and what exports carry.

/// One figure with METRICS' symbol and what tells it from others of that symbol.
public struct NamedFigure: Sendable, Equatable {
  public struct Label: Sendable, Equatable {
    public var key: String
    public var value: String
  }

  public var layer: CapacityLayer
  /// "R_pk", "B_pk", "latency", "loaded_latency", "load", "numa_read", "numa_latency", "LINPACK", "D_gemm", "S_pp", "S_tg",
  /// "G", "J_tok"; "eta_chip", "rho_k", "MFU" and "MBU" are
  /// shares.
  public var symbol: String
  public var labels: [Label]
  public var figure: Figure
  /// The figure's share of the roof that binds it, where the report has one.
  public var share: Double?

  package init(
    _ layer: CapacityLayer, _ symbol: String, _ labels: [(String, String)], _ figure: Figure, share: Double? = nil
  ) {
    self.layer = layer
    self.symbol = symbol
    self.labels = labels.map { Label(key: $0.0, value: $0.1) }
    self.figure = figure
    self.share = share
  }

  /// "D_gemm llama-3.2-1b Q4_0 m=1".
  public var name: String {
    ([symbol]
      + labels.map {
        ["kind", "model", "format", "level", "pass"].contains($0.key) ? $0.value : "\($0.key)=\($0.value)"
      })
      .joined(separator: " ")
  }

  /// Whether a larger value is the better one: not for times and energy.
  public var largerIsBetter: Bool { Self.largerIsBetter(unit: figure.unit) }

  /// Whether the values of two nodes make a sum: rates do, times, energy a token and shares do not.
  static func addsUp(unit: String) -> Bool { unit.hasSuffix("/s") }

  static func largerIsBetter(unit: String) -> Bool { unit != "s" && unit != "J/token" }
}

extension CapacityReport {
  /// Every figure that comes from samples, energy too, each name once: a name that stands there again is numbered.
  public var namedFigures: [NamedFigure] { Self.numbered(namedRoofs + namedProducts + namedTokens) }

  /// The shares of roofs and of nominal figures.
  public var namedShares: [NamedFigure] {
    var all: [NamedFigure] = []
    for stated in nominal {
      guard let share = stated.share else { continue }
      all.append(NamedFigure(.roof, "eta_chip", [("kind", stated.precision?.rawValue ?? "memory")], share))
    }
    for point in kernels {
      if let share = point.share { all.append(NamedFigure(.gemm, "rho_k", Self.labels(point), share)) }
    }
    for model in models {
      for figure in model.figures {
        let labels = Self.labels(model, figure)
        if let mfu = figure.mfu { all.append(NamedFigure(.tokens, "MFU", labels, mfu)) }
        if let mbu = figure.mbu { all.append(NamedFigure(.tokens, "MBU", labels, mbu)) }
      }
    }
    return Self.numbered(all)
  }

  private var namedRoofs: [NamedFigure] {
    let threads = { (count: Int) in count == self.node.build.threads ? "all" : String(count) }
    let compute = roofs.compute.map {
      NamedFigure(.roof, "R_pk", [("kind", $0.precision.rawValue), ("threads", threads($0.threads))], $0.figure)
    }
    let memory = roofs.memory.flatMap { roof -> [NamedFigure] in
      let labels =
        [("level", roof.level)] + (roof.pass.isLatency ? [] : [("pass", roof.pass.rawValue)])
        + [("threads", threads(roof.threads))] + (roof.hugePages ? [] : [("pages", "small")])
      let symbol = roof.pass == .latency ? "latency" : roof.pass == .loadedLatency ? "loaded_latency" : "B_pk"
      let load = roof.load.map { NamedFigure(.roof, "load", labels, $0) }
      return [NamedFigure(.roof, symbol, labels, roof.figure)] + [load].compactMap { $0 }
    }
    let numa = (roofs.numa ?? []).flatMap { roof -> [NamedFigure] in
      let labels = [("processors", String(roof.processors)), ("memory", String(roof.memory))]
      return [
        NamedFigure(.roof, "numa_read", labels, roof.read), NamedFigure(.roof, "numa_latency", labels, roof.latency),
      ]
    }
    return compute + memory + numa
  }

  private var namedProducts: [NamedFigure] {
    linpack.map {
      NamedFigure(.gemm, "LINPACK", [("kind", $0.kind.rawValue), ("n", String($0.n))], $0.rate, share: $0.share?.value)
    }
      + kernels.map { NamedFigure(.gemm, "D_gemm", Self.labels($0), $0.rate, share: $0.share?.value) }
  }

  private var namedTokens: [NamedFigure] {
    var all: [NamedFigure] = []
    for model in models {
      for figure in model.figures {
        let labels = Self.labels(model, figure)
        // A decode step of one sequence is bound by memory, a prefill by arithmetic; between them the larger binds.
        let share = [figure.mfu?.value, figure.mbu?.value].compactMap { $0 }.max()
        all.append(
          NamedFigure(.tokens, figure.work == .prefill ? "S_pp" : "S_tg", labels, figure.rate, share: share))
        for energy in figure.energy {
          all.append(
            NamedFigure(
              .energy, "J_tok",
              labels + [("work", figure.work.rawValue), ("class", energy.use.energyClass.rawValue)], energy.perToken))
        }
      }
    }
    return all + namedGoodput
  }

  /// Goodput of other lengths or within another objective is another figure.
  private var namedGoodput: [NamedFigure] {
    serving.compactMap { result in
      result.goodput.map { goodput in
        NamedFigure(
          .tokens, "G",
          [
            ("model", result.model ?? result.system), ("ttft", "\(result.objective.timeToFirstToken)s"),
            ("tpot", "\(result.objective.timePerOutputToken)s"), ("lengths", result.lengths),
            ("batch", result.mostSequences.map(String.init) ?? "unknown"),
          ], goodput)
      }
    }
  }

  private static func labels(_ point: KernelPoint) -> [(String, String)] {
    [("model", point.model), ("format", point.format), ("m", String(point.m))]
  }

  private static func labels(_ model: ModelResult, _ figure: ModelFigure) -> [(String, String)] {
    [
      ("model", model.facts.label), (figure.work == .prefill ? "n" : "batch", String(figure.count)),
      ("depth", String(figure.depth)),
    ] + (figure.scope.map { [("scope", $0.rawValue)] } ?? [])
  }

  private static func numbered(_ figures: [NamedFigure]) -> [NamedFigure] {
    var seen: [String: Int] = [:]
    return figures.map { figure in
      let count = seen[figure.name, default: 0] + 1
      seen[figure.name] = count
      guard count > 1 else { return figure }
      var numbered = figure
      numbered.labels.append(.init(key: "number", value: String(count)))
      return numbered
    }
  }
}
