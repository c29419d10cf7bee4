// The operations beside products and attention, on the widths of the models: which rows there are. VectorRuns and
// PackingRuns make them.
import CKernels
import Capacity
import Inference

enum VectorRows {
  /// One token and a full chunk.
  private static let counts = [1, 512]

  static func all() -> [Row] {
    var rows = activations() + packing()
    for model in SyntheticShape.published {
      for m in counts { rows += elementwise(model, m) + rotations(model, m) }
      rows += choices(model)
    }
    return rows
  }

  private static func elementwise(_ model: SyntheticShape, _ m: Int) -> [Row] {
    let make = { (name: String, run: @escaping (RowMemory) throws -> any PreparedRow) in
      Row("\(name)/\(model.name)/m=\(m)", kernels: [name], isEveryday: isEveryday(model), prepare: run)
    }
    return [
      make("rms_norm") { try VectorRuns.norm($0, rows: m, n: model.width, isLayerNorm: false) },
      make("layer_norm") { try VectorRuns.norm($0, rows: m, n: model.width, isLayerNorm: true) },
      make("gated") { try VectorRuns.gated($0, CK_GATE_SILU, rows: m, n: model.feedForward) },
      make("gated-gelu") { try VectorRuns.gated($0, CK_GATE_GELU_TANH, rows: m, n: model.feedForward) },
      make("add_scaled") { try VectorRuns.addScaled($0, rows: m, n: model.width) },
      make("scatter_add") { try VectorRuns.scatterAdd($0, rows: m, n: model.width) },
    ]
  }

  private static func rotations(_ model: SyntheticShape, _ m: Int) -> [Row] {
    [(CK_ROPE_HALVES, "halves"), (CK_ROPE_INTERLEAVED, "interleaved")].map { pairing, name in
      Row("rope/\(name)/\(model.name)/m=\(m)", kernels: ["rope"], isEveryday: isEveryday(model)) {
        try VectorRuns.rope($0, pairing, rows: m, heads: model.heads, dim: model.headDimension)
      }
    }
  }

  // Over the vocabulary for a sampler's one row, and over the experts for a router's many.
  private static func choices(_ model: SyntheticShape) -> [Row] {
    var cases = [(1, model.vocabulary, 40, "vocabulary")]
    if model.experts > 0 { cases.append((512, model.experts, model.expertsUsed, "experts")) }
    return cases.flatMap { rows, n, k, name -> [Row] in
      let id = "\(name)/\(model.name)/m=\(rows)"
      let isEveryday = isEveryday(model) || name == "experts"
      return [
        Row("softmax/\(id)", kernels: ["softmax"], isEveryday: isEveryday) {
          try VectorRuns.softmax($0, rows: rows, n: n)
        },
        Row("topk/\(id)/k=\(k)", kernels: ["topk"], isEveryday: isEveryday) {
          try VectorRuns.topk($0, rows: rows, n: n, k: k)
        },
        Row("softcap/\(id)", kernels: ["softcap"], isEveryday: isEveryday) {
          try VectorRuns.softcap($0, rows: rows, n: n)
        },
      ]
    }
  }

  // One kind of activation for each that a format of the list names, on the width of every model.
  private static func activations() -> [Row] {
    var seen: Set<UInt32> = []
    return Format.all.flatMap { format -> [Row] in
      guard let info = ck_format_describe(ck_format(rawValue: UInt32(format.rawValue)))?.pointee,
        seen.insert(info.activation.rawValue).inserted
      else { return [] }
      let name = kindName(info.activation)
      return SyntheticShape.published.filter { $0.width % 256 == 0 }.flatMap { model in
        counts.map { m in
          Row(
            "activations/\(name)/\(model.name)/m=\(m)", kernels: records(info.activation),
            isEveryday: isEveryday(model)
          ) { try ActivationRun($0, format, kind: info.activation, m: m, k: model.width) }
        }
      }
    }
  }

  private static func packing() -> [Row] {
    guard let model = SyntheticShape(name: RowList.everydayModel) else { return [] }
    let shape = MatrixShape(name: "q", n: model.width, k: model.width)
    return Format.all.flatMap { format in
      [
        Row("pack/\(format.name)/\(model.name)/q", kernels: []) { try PackRun($0, format, shape) },
        Row("lookup/\(format.name)/\(model.name)/m=512", kernels: ["panel_decode/\(format.name)"]) {
          try LookupRun($0, format, shape, count: 512)
        },
      ]
    }
  }

  private static func isEveryday(_ model: SyntheticShape) -> Bool { model.name == RowList.everydayModel }

  private static func kindName(_ kind: ck_activation) -> String {
    switch kind {
    case CK_ACTIVATION_F32: "f32"
    case CK_ACTIVATION_BF16: "bf16"
    case CK_ACTIVATION_Q8_32: "q8_32"
    case CK_ACTIVATION_Q8_256: "q8_256"
    default: "kind-\(kind.rawValue)"
    }
  }

  private static func records(_ kind: ck_activation) -> [String] {
    let name = "record_" + kindName(kind)
    return kind == CK_ACTIVATION_BF16 ? [name, name + "_wide"] : [name]
  }
}
