// What `Q4_K_M` and its like mean: which format each tensor of a model gets. Encodes nothing.
//
// The mixes are those of llama.cpp (src/llama-quant.cpp) for dense models without an importance matrix, so that a file
// of a given type has the size and the quality that the name stands for elsewhere. What is left out: its rules for
// 70B models, for eight-expert models and for architectures that this library does not run.

/// A recipe for a quantised file: a base format, and better ones for the tensors that need more bits.
public struct FileType: Sendable, Hashable {
  /// Such as `Q4_K_M`.
  public let name: String
  /// The format of most tensors.
  public let base: Format
  /// `general.file_type` of the file, or nil if there is no number for it.
  public let number: UInt32?
  fileprivate let rules: [Rule]
  /// Every matrix gets the base format, the output included.
  public let isPure: Bool

  /// Where a tensor stands in the model.
  fileprivate enum Role: Hashable { case output, value, attentionOutput, fusedAttention, down, expert, other }

  /// Which layers a rule holds for.
  fileprivate enum Layers: Hashable {
    case all
    case first(Int)
    /// The first 1/n of the layers.
    case firstPart(Int)
    /// The first and last eighth, and every third between: there errors cost most.
    case sensitive
    /// All, if at least four query heads share a key head: then the tensor is small.
    case ifGrouped
  }

  /// The first rule that fits decides.
  fileprivate struct Rule: Sendable, Hashable {
    let role: Role
    let layers: Layers
    let format: Format
  }

  /// What a rule may ask of the model.
  package struct Traits: Sendable {
    package var layers: Int
    /// Query heads for each key head.
    package var grouping: Int
    /// The token embedding serves as the output matrix too.
    package var tiedOutput: Bool

    package init(layers: Int, grouping: Int, tiedOutput: Bool) {
      self.layers = layers
      self.grouping = grouping
      self.tiedOutput = tiedOutput
    }
  }
}

// MARK: The list

extension FileType {
  private typealias Row = (name: String, base: String, number: UInt32, rules: [(Role, Layers, String)])

  /// Numbers: `llama_ftype` of llama.cpp's include/llama.h.
  private static let mixes: [Row] = [
    ("Q8_0", "Q8_0", 7, [(.output, .all, "Q8_0")]),
    ("Q4_0", "Q4_0", 2, []),
    ("Q4_1", "Q4_1", 3, []),
    ("Q5_0", "Q5_0", 8, []),
    ("Q5_1", "Q5_1", 9, []),
    (
      "Q2_K", "Q2_K", 10,
      [(.value, .ifGrouped, "Q4_K"), (.value, .all, "Q3_K"), (.down, .all, "Q3_K"), (.attentionOutput, .all, "Q3_K")]
    ),
    ("Q3_K_S", "Q3_K", 11, []),
    (
      "Q3_K_M", "Q3_K", 12,
      [
        (.value, .first(2), "Q5_K"), (.value, .all, "Q4_K"), (.down, .firstPart(16), "Q5_K"), (.down, .all, "Q4_K"),
        (.attentionOutput, .all, "Q4_K"), (.fusedAttention, .all, "Q4_K"),
      ]
    ),
    (
      "Q3_K_L", "Q3_K", 13,
      [
        (.value, .all, "Q5_K"), (.down, .all, "Q5_K"), (.attentionOutput, .all, "Q5_K"),
        (.fusedAttention, .all, "Q4_K"),
      ]
    ),
    ("Q4_K_S", "Q4_K", 14, [(.value, .first(4), "Q5_K"), (.down, .firstPart(8), "Q5_K")]),
    (
      "Q4_K_M", "Q4_K", 15,
      [(.value, .sensitive, "Q6_K"), (.down, .sensitive, "Q6_K"), (.fusedAttention, .all, "Q5_K")]
    ),
    ("Q5_K_S", "Q5_K", 16, []),
    (
      "Q5_K_M", "Q5_K", 17,
      [(.value, .sensitive, "Q6_K"), (.down, .sensitive, "Q6_K"), (.fusedAttention, .all, "Q6_K")]
    ),
    ("Q6_K", "Q6_K", 18, []),
    ("IQ4_NL", "IQ4_NL", 25, [(.value, .ifGrouped, "Q5_K"), (.down, .firstPart(8), "Q5_K")]),
    ("IQ4_XS", "IQ4_XS", 30, [(.value, .ifGrouped, "Q5_K"), (.down, .firstPart(8), "Q5_K")]),
    ("MXFP4_MOE", "Q8_0", 38, [(.output, .all, "Q8_0"), (.expert, .all, "MXFP4")]),
  ]

  /// The numbers of files that hold one format throughout.
  private static let plainNumbers: [String: UInt32] = [
    "F32": 0, "F16": 1, "BF16": 32, "Q8_0": 7, "Q4_0": 2, "Q4_1": 3, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q3_K": 11,
    "Q4_K": 14, "Q5_K": 16, "Q6_K": 18, "IQ4_NL": 25, "IQ4_XS": 30, "MXFP4": 38,
  ]

  /// Every file type: the mixes, and each format that GGUF knows alone where no mix has its name.
  public static let all: [FileType] = {
    let mixed = mixes.compactMap { FileType($0) }
    let names = Set(mixed.map(\.name))
    let plain = Format.all.filter { $0.ggufType != nil && !names.contains($0.name) }.map { FileType(pure: $0) }
    return plain + mixed
  }()

  /// The type of this name, in any case, or nil if there is none.
  public init?(name: String) {
    let name = name.uppercased()
    guard let found = Self.all.first(where: { $0.name == name }) else { return nil }
    self = found
  }

  /// Every matrix in `format`.
  public init(pure format: Format) {
    self.init(
      name: format.name, base: format, number: Self.plainNumbers[format.name], rules: [], isPure: true)
  }

  private init?(_ row: Row) {
    guard let base = Format(name: row.base) else { return nil }
    var rules = row.rules.compactMap { role, layers, name in
      Format(name: name).map { Rule(role: role, layers: layers, format: $0) }
    }
    if let output = Format(name: "Q6_K"), !rules.contains(where: { $0.role == .output }) {
      rules.append(Rule(role: .output, layers: .all, format: output))
    }
    self.init(name: row.name, base: base, number: row.number, rules: rules, isPure: false)
  }
}

// MARK: Choosing

extension FileType {
  /// The format for the tensor `name` (GGUF's names) of this shape, and why it is not the one that the mix asks for:
  /// nil where it is.
  ///
  /// Vectors, routers, and tables that are added to activations stay in F32: they are small, and their errors reach
  /// every product. Where a row does not hold whole blocks, a format of smaller blocks stands in.
  package func format(of name: String, shape: [Int], in model: Traits) -> (format: Format, insteadOf: Format?) {
    guard Self.isMatrix(name, shape: shape) else { return (.f32, nil) }
    let role = Self.role(of: name, shape: shape, in: model)
    let layer = Self.layer(of: name)
    let rule = rules.first { $0.role == role && $0.layers.contain(layer, in: model) }
    return Self.fitting(rule?.format ?? base, columns: shape.last ?? 1)
  }

  /// Whether the tensor is one whose products the kernels compute: the others stay as they are.
  package static func isMatrix(_ name: String, shape: [Int]) -> Bool {
    guard shape.count >= 2, name.hasSuffix(".weight") else { return false }
    let kept = ["_norm.weight", "ffn_gate_inp.weight", "position_embd.weight", "token_types.weight"]
    return !kept.contains { name.hasSuffix($0) }
  }

  private static func role(of name: String, shape: [Int], in model: Traits) -> Role {
    if name == "output.weight" || (name == "token_embd.weight" && model.tiedOutput) { return .output }
    if shape.count > 2 && name.contains("_exps.") {
      return name.contains("ffn_down") ? .down : .expert
    }
    if name.hasSuffix("attn_v.weight") { return .value }
    if name.hasSuffix("attn_output.weight") { return .attentionOutput }
    if name.hasSuffix("attn_qkv.weight") { return .fusedAttention }
    return name.hasSuffix("ffn_down.weight") ? .down : .other
  }

  /// The layer number in `blk.7.attn_v.weight`, or nil.
  private static func layer(of name: String) -> Int? {
    let parts = name.split(separator: ".", maxSplits: 2)
    return parts.count == 3 && parts[0] == "blk" ? Int(parts[1]) : nil
  }

  /// What stands in for a format whose blocks are longer than a row allows; F16 where nothing fits.
  private static let standIns: [String: String] = [
    "IQ4_XS": "IQ4_NL", "Q2_K": "Q4_0", "Q3_K": "Q4_0", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0",
  ]

  private static func fitting(_ wanted: Format, columns: Int) -> (format: Format, insteadOf: Format?) {
    if columns % wanted.valuesPerBlock == 0 { return (wanted, nil) }
    if let name = standIns[wanted.name], let standIn = Format(name: name), columns % standIn.valuesPerBlock == 0 {
      return (standIn, wanted)
    }
    return (.f16, wanted)
  }
}

extension FileType.Layers {
  fileprivate func contain(_ layer: Int?, in model: FileType.Traits) -> Bool {
    switch self {
    case .all: return true
    case .ifGrouped: return model.grouping >= 4
    case .first(let count): return layer.map { $0 < count } ?? false
    case .firstPart(let parts): return layer.map { $0 < model.layers / parts } ?? false
    case .sensitive:
      guard let layer else { return false }
      let eighth = model.layers / 8
      return layer < eighth || layer >= 7 * model.layers / 8 || (layer - eighth) % 3 == 2
    }
  }
}

extension FileType: CustomStringConvertible {
  public var description: String { name }
}
