// One run's report: what was measured on which node, with every figure's verdict. Encodes to the JSON that
// docs/capacity.schema.json describes. Renders nothing.
import Foundation

public struct CapacityReport: Codable, Sendable, Equatable {
  public static let currentSchema = "gobi.capacity/1"

  /// Something that could not or was not to be measured.
  public struct Omission: Codable, Sendable, Equatable {
    public var what: String
    public var why: String

    package init(what: String, why: String) {
      self.what = what
      self.why = why
    }
  }

  public var schema = currentSchema
  /// ISO 8601, UTC.
  public var started: String
  public var seconds: Double
  public var level: CapacityLevel
  public var seed: UInt64
  /// False if the run was cancelled: what is there counts, the rest was not measured.
  public var isComplete: Bool
  /// Of the process; nil: all was measured in the one that wrote this.
  public var launches: [LaunchRecord]?
  public var node: NodeManifest
  /// The guards over the whole run.
  public var window: GuardWindow?
  public var roofs = Roofs()
  /// What is stated of the node, and the share of it that the roofs reach; empty where nothing was stated.
  public var nominal: [NominalShare] = []
  public var linpack: [LinpackResult] = []
  public var kernels: [KernelPoint] = []
  public var models: [ModelResult] = []
  /// Under caps on power or clock, or under less load; empty where it was not asked for.
  public var flex: [FlexCurve] = []
  /// Goodput within an objective; empty where it was not measured.
  public var serving: [ServingResult] = []
  /// From nominal to delivered, for each model; worked out from all of the above.
  public var waterfalls: [Waterfall] = []
  public var energy = EnergyReport()
  public var notMeasured: [Omission] = []

  public init(started: String, level: CapacityLevel, seed: UInt64, node: NodeManifest) {
    self.started = started
    seconds = 0
    self.level = level
    self.seed = seed
    isComplete = false
    self.node = node
  }

  /// Every figure of the report, shares too.
  public var figures: [Figure] {
    var all = roofs.figures
    all += nominal.compactMap(\.share)
    for result in linpack { all += [result.rate] + [result.share].compactMap { $0 } }
    for point in kernels { all += [point.rate] + [point.share].compactMap { $0 } }
    for model in models {
      for figure in model.figures {
        all += [figure.rate] + [figure.mfu, figure.mbu].compactMap { $0 } + figure.energy.map(\.perToken)
      }
    }
    all += serving.compactMap(\.goodput)
    for point in flex.flatMap(\.points) { all += [point.rate, point.energy?.perToken].compactMap { $0 } }
    return all
  }

  /// The reasons that make a node or a build unfit: wrong arithmetic, or a figure above its roof that no disturbance
  /// explains. A shared machine makes single figures invalid, not the node unfit.
  public var failures: [Reason] {
    let disturbances: Set<Reason> = [
      .contended, .throttled, .frequencyDrift, .notSteady, .swapped, .environmentChanged,
    ]
    var found: Set<Reason> = []
    for figure in figures {
      let reasons = Set(figure.reasons)
      found.formUnion(reasons.intersection([.numericFail, .qualityFloor]))
      if reasons.contains(.impossible), reasons.isDisjoint(with: disturbances) { found.insert(.impossible) }
    }
    return found.sorted()
  }

  // MARK: JSON

  public func json() throws(CapacityError) -> Data { try ReportJSON.data(self) }

  /// Reads a report of this schema; anything else is an error that says what is wrong.
  public init(json: Data, path: String) throws(CapacityError) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      self = try decoder.decode(CapacityReport.self, from: json)
    } catch let error as DecodingError {
      throw .report(path: path, what: "not a capacity report: \(Self.words(error))")
    } catch {
      throw .report(path: path, what: "not a capacity report: \(error)")
    }
    guard schema == Self.currentSchema else {
      throw .report(path: path, what: "schema \(schema), not \(Self.currentSchema)")
    }
  }

  /// Reads a report's file.
  public init(path: String) throws(CapacityError) {
    let bytes: [UInt8]
    do { bytes = try ReportFile.bytes(path) } catch {
      guard case .foreign(_, let what) = error else { throw .report(path: path, what: "\(error)") }
      throw .report(path: path, what: what)
    }
    try self.init(json: Data(bytes), path: path)
  }

  private static func words(_ error: DecodingError) -> String {
    let place = { (context: DecodingError.Context) -> String in
      let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
      return path.isEmpty ? "" : path + ": "
    }
    switch error {
    case .keyNotFound(let key, let context): return "\(place(context))no key \(key.stringValue)"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      return "\(place(context))\(context.debugDescription)"
    @unknown default: return "\(error)"
    }
  }

  // MARK: Files

  /// Writes capacity.json, capacity.csv and capacity.html into `folder`, which is made if it is not there. Each is
  /// written under another name and renamed, so that no half of one stands under the final name. Returns the paths.
  /// `language` is the one that the page shows at first; nil: the reader's own.
  @discardableResult
  public func write(to folder: String, language: ReportLanguage? = nil) throws(CapacityError) -> (
    json: String, html: String, csv: String
  ) {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .report(path: folder, what: "cannot make the folder: \(error.localizedDescription)")
    }
    let json = folder + "/capacity.json"
    let html = folder + "/capacity.html"
    try Self.write(try self.json(), to: json)
    try Self.write(Data(HTMLReport(self, language: language).page().utf8), to: html)
    let csv = folder + "/capacity.csv"
    try ExportFormat.csv.write(self, to: csv)
    return (json, html, csv)
  }

  private static func write(_ data: Data, to path: String) throws(CapacityError) {
    do throws(CertificateError) {
      try ReportFile.write(Array(data), to: path)
    } catch {
      guard case .cannotWrite(_, let reason) = error else { throw .report(path: path, what: "\(error)") }
      throw .report(path: path, what: "cannot write: \(reason)")
    }
  }
}
