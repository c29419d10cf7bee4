// Times the matrix products of a published model's layer in one format: D_gemm and its share of the roof. The products
// go through the same call and table that serve; every sample's result is checked.
import CKernels
import Inference

/// One kernel on the roofline: a format, a model's layer and a number of rows.
public struct KernelPoint: Codable, Sendable, Equatable {
  public var model: String
  public var format: String
  /// Rows of x: tokens in prefill, sequences in decode.
  public var m: Int
  public var kernel: String
  /// Σ2mnk / Σt over the layer's products.
  public var rate: Figure
  /// Operations a byte, by the bytes that the algorithm must move: packed weights, x and y once.
  public var intensity: Double
  /// Of min(R_pk, intensity × B_pk).
  public var share: Figure?
  /// "compute" or "memory": which roof binds here.
  public var boundBy: String?
  /// What the check compared, in words.
  public var check: String
  /// The memory's read rate around the figure, where memory binds it; nil: `share` is of the roofs' own B_pk.
  public var nearby: NearbyRoof?

  package init(
    model: String, format: String, m: Int, kernel: String, rate: Figure, intensity: Double, share: Figure? = nil,
    boundBy: String? = nil, check: String, nearby: NearbyRoof? = nil
  ) {
    self.model = model
    self.format = format
    self.m = m
    self.kernel = kernel
    self.rate = rate
    self.intensity = intensity
    self.share = share
    self.boundBy = boundBy
    self.check = check
    self.nearby = nearby
  }

  /// With the share that `roofs` and the roof nearby give.
  func held(against roofs: Roofs, _ precision: Precision) -> KernelPoint {
    var point = self
    let share = roofs.share(rate, precision, intensity: intensity, nearby: nearby, protocol: "gemm-share")
    point.share = share?.figure
    point.boundBy = share?.boundBy
    return point
  }
}

public struct KernelBench {
  let runtime: KernelRuntime
  let sampler: FigureSampler
  let node: NodeManifest
  let roofs: Roofs
  let seed: UInt64
  /// Measures the memory around what it bounds; nil: the roofs' own figure has to do.
  let probe: RoofProbe?

  public init(
    runtime: KernelRuntime, sampler: FigureSampler, node: NodeManifest, roofs: Roofs, seed: UInt64,
    probe: RoofProbe? = nil
  ) {
    self.probe = probe
    self.runtime = runtime
    self.sampler = sampler
    self.node = node
    self.roofs = roofs
    self.seed = seed
  }

  /// `rows`, each for about `seconds`. Formats whose block does not divide the model's widths are left out: empty.
  public func measure(_ layer: LayerShape, format: Format, rows: [Int], seconds: Double)
    throws(CapacityError) -> [KernelPoint]
  {
    let code = ck_format(rawValue: UInt32(format.rawValue))
    guard let info = ck_format_describe(code)?.pointee, let most = rows.max(),
      layer.matrices.allSatisfy({ $0.k % Int(info.values_per_block) == 0 })
    else { return [] }
    let set = try LayerSet(
      runtime, layer, format: code, m: most, copies: copies(of: layer, info), seed: seed, checkpoint: sampler.checkpoint
    )
    var points: [KernelPoint] = []
    for m in rows {
      try sampler.checkpoint()
      points.append(try point(set, layer, format, info, m: m, seconds: seconds))
    }
    return points
  }

  // Decode streams all layers' weights: as many copies of the layer as the model has, up to what no cache keeps.
  private func copies(of layer: LayerShape, _ info: ck_format_info) -> Int {
    let bytes = Double(layer.weights) / Double(info.values_per_block) * Double(info.bytes_per_block)
    let wanted = Int((Double(node.streamedBytes) / max(bytes, 1)).rounded(.up))
    return min(max(wanted, 2), layer.layers)
  }

  private func point(
    _ set: LayerSet, _ layer: LayerShape, _ format: Format, _ info: ck_format_info, m: Int, seconds: Double
  ) throws(CapacityError) -> KernelPoint {
    let precision = roofs.servingPrecision(info.activation)
    let work = try set.prepared(m: m)
    let operations = layer.matrices.reduce(0) { $0 + $1.operationsPerRow } * Double(m * set.copiesInPass(m: m))
    let intensity = operations / (set.bytes(m: m) * Double(set.copiesInPass(m: m)))
    var count = 0
    func measure() throws(CapacityError) -> Figure {
      try sampler.figure(
        SampleKind(
          unit: precision.unit, precision: Self.tag(format, info, precision), protocol: "gemm-layer"),
        rule: StoppingRule(minimumSamples: 5, seconds: seconds)
      ) { () throws(CapacityError) -> Sample in
        let start = FigureSampler.now()
        try set.run(work, startingAt: count)
        let end = FigureSampler.now()
        count += 1
        return Sample(amount: operations, seconds: end - start, isRight: set.sampledRowsAreRight(m: m))
      }
    }
    var (rate, nearby) = try measured(precision, intensity, measure)
    if !set.allRowsAreRight(m: m) { rate.mark(.numericFail) }
    nearby?.mark(&rate)
    let point = KernelPoint(
      model: layer.model, format: format.name, m: m, kernel: kernelName(format), rate: rate, intensity: intensity,
      check: m > 3 ? "rows 0 and 3 against double; all rows by Freivalds" : "row 0 against double; Freivalds",
      nearby: nearby)
    return point.held(against: roofs, precision)
  }

  /// Between two readings of the memory, where it binds.
  private func measured(_ precision: Precision, _ intensity: Double, _ body: () throws(CapacityError) -> Figure)
    throws(CapacityError) -> (Figure, NearbyRoof?)
  {
    guard let probe, roofs.limit(precision, intensity: intensity)?.protocol == "roof-memory" else {
      return (try body(), nil)
    }
    return try probe.around(body)
  }

  static func tag(_ format: Format, _ info: ck_format_info, _ precision: Precision) -> String {
    guard precision == .s8 else { return precision.tag }
    let bits = Int(info.bytes_per_block) * 8 / Int(info.values_per_block)
    return "w\(bits)×s8:s32→f32:\(info.values_per_block)"
  }

  private func kernelName(_ format: Format) -> String {
    let rows = runtime.kernels().filter { $0.format == format.name }
    return (rows.first { $0.operation.hasPrefix("matmul") } ?? rows.first)?.kernel ?? "reference"
  }
}

extension Roofs {
  /// The roof that bounds products with this kind of activation: its precision, or float where the ISA has no
  /// instruction for it.
  public func servingPrecision(_ activation: ck_activation) -> Precision {
    switch activation {
    case CK_ACTIVATION_Q8_32, CK_ACTIVATION_Q8_256: .s8
    case CK_ACTIVATION_BF16: peak(.bf16) == nil ? .f32 : .bf16
    default: .f32
    }
  }
}
