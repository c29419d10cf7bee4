// What becomes of the operations or bytes that a node could do, step by step: nominal, reached by the chip, by the
// library's products, by a model, within an objective. WaterfallBuilder works it out; this holds and checks it.

/// One waterfall: each step's value is the value before it times the step's factor, bit for bit, so that whoever
/// multiplies the factors from left to right gets the delivered figure.
public struct Waterfall: Codable, Sendable, Equatable {
  public enum Kind: String, Codable, Sendable { case operations, bytes }

  public enum Work: String, Codable, Sendable { case prefill, decode, serving }

  public enum StepName: String, Codable, Sendable, CaseIterable {
    /// R_nom, or B_nom: what is stated or follows from the family.
    case nominal
    /// R_pk: what the multiply-add units do (η_chip).
    case chip
    /// B_pk: what the memory gives, in a waterfall of bytes (η_chip).
    case memory
    /// D_gemm: what the library's products do (η_lib).
    case library
    /// S·F_tok: what a model does (η_model); of bytes, MBU.
    case model
    /// G·F_tok: what is delivered within the objective (η_slo).
    case objective
    /// A: the share of time at which it is delivered. A single report has none; the ledger does.
    case availability
  }

  public struct Step: Codable, Sendable, Equatable {
    public var name: StepName
    /// η over the step before; nil for the first.
    public var factor: Double?
    /// The rate after it, in the waterfall's unit.
    public var value: Double
    /// The 95 % interval of what is measured here; nil where nothing is, or where one load is all there is.
    public var ci95: [Double]?
    /// Where it comes from, in words.
    public var source: String
    /// The worst of this step and of those before it.
    public var validity: Validity
    public var reasons: [Reason]

    package init(
      name: StepName, factor: Double?, value: Double, ci95: [Double]? = nil, source: String, validity: Validity,
      reasons: [Reason]
    ) {
      self.name = name
      self.factor = factor
      self.value = value
      self.ci95 = ci95
      self.source = source
      self.validity = validity
      self.reasons = reasons
    }
  }

  public var kind: Kind
  /// The model's label.
  public var model: String
  public var work: Work
  /// Tokens of a prefill; sequences of a decode step, or that are served at once.
  public var count: Int
  /// Positions before the first timed one.
  public var depth: Int
  /// The tag of the model's products; the roof above them is the one that binds them.
  public var precision: String
  /// "OP/s", "FLOP/s" or "B/s".
  public var unit: String
  /// F_tok: operations, or bytes, of one token: value ÷ this is the rate in tokens a second.
  public var perToken: Double
  public var steps: [Step]
  /// Steps that are not there, and why.
  public var notMeasured: [String]

  package init(
    kind: Kind, model: String, work: Work, count: Int, depth: Int, precision: String, unit: String, perToken: Double,
    steps: [Step] = [], notMeasured: [String] = []
  ) {
    self.kind = kind
    self.model = model
    self.work = work
    self.count = count
    self.depth = depth
    self.precision = precision
    self.unit = unit
    self.perToken = perToken
    self.steps = steps
    self.notMeasured = notMeasured
  }

  /// What is delivered in the end.
  public var delivered: Step? { steps.last }

  /// The factors from left to right give each value, bit for bit.
  public var multipliesOut: Bool {
    guard let first = steps.first, first.factor == nil else { return false }
    var value = first.value
    for step in steps.dropFirst() {
      guard let factor = step.factor else { return false }
      value *= factor
      if value != step.value { return false }
    }
    return true
  }

  /// A step from what came before to `level`. The factor is taken over the running value and not over the level before,
  /// so that roundings do not add up: each value is within 2 units in the last place of its level.
  package mutating func add(
    _ name: StepName, _ level: Double, ci95: [Double]?, source: String, validity: Validity, reasons: [Reason]
  ) {
    let before = steps.last
    let factor = before.map { level / $0.value }
    steps.append(
      Step(
        name: name, factor: factor, value: before.map { $0.value * (level / $0.value) } ?? level, ci95: ci95,
        source: source, validity: Self.worse(before?.validity ?? .valid, validity),
        reasons: Set((before?.reasons ?? []) + reasons).sorted()))
  }

  private static func worse(_ a: Validity, _ b: Validity) -> Validity {
    if a == .invalid || b == .invalid { return .invalid }
    return a == .inconclusive ? a : b
  }
}
