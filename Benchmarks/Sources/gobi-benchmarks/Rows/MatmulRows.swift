// Matrix products: every format, every matrix of every model, few and many rows of x; by the format's own kind of
// activation, and by float32.
import CKernels
import Capacity
import Inference

enum MatmulRows {
  /// Decode of one and of a few sequences, a small batch, a chunk and a full chunk of prefill.
  static let counts = [1, 4, 16, 64, 512]
  /// The output matrix never meets more rows than there are sequences.
  private static let mostOutputRows = 16

  static func all() -> [Row] {
    var rows: [Row] = []
    for format in Format.all {
      guard let info = ck_format_describe(ck_format(rawValue: UInt32(format.rawValue)))?.pointee else { continue }
      for model in SyntheticShape.published {
        for matrix in model.matrices where matrix.k % Int(info.values_per_block) == 0 {
          rows += products(format, info, model, matrix)
        }
      }
      rows += exactProducts(format, info)
    }
    return rows
  }

  private static func products(_ format: Format, _ info: ck_format_info, _ model: SyntheticShape, _ matrix: MatrixShape)
    -> [Row]
  {
    counts.filter { matrix.name != "output" || $0 <= mostOutputRows }.map { m in
      // Every day: each format on one matrix, and each matrix but the largest in one format, at both ends of m.
      let isReference = model.name == RowList.everydayModel && matrix.name == "up"
      let isTour = format.name == RowList.everydayFormat && (m == 1 || m == 512)
      return Row(
        "matmul/\(format.name)/\(model.name)/\(matrix.name)/m=\(m)",
        kernels: kernels(format, info, isExact: false, m: m),
        isEveryday: isReference || (isTour && matrix.name != "output")
      ) { memory in
        try MatmulRun(memory, matrix, format, activation: info.activation, m: m)
      }
    }
  }

  // float32 activations serve every format; the formats that are multiplied so anyway have no rows of their own.
  private static func exactProducts(_ format: Format, _ info: ck_format_info) -> [Row] {
    guard info.activation != CK_ACTIVATION_F32, let model = SyntheticShape(name: RowList.everydayModel),
      let matrix = model.matrices.first(where: { $0.name == "up" })
    else { return [] }
    return [1, 64].map { m in
      Row(
        "matmul-f32/\(format.name)/\(model.name)/\(matrix.name)/m=\(m)",
        kernels: kernels(format, info, isExact: true, m: m),
        isEveryday: m == 64 && format.name == RowList.everydayFormat
      ) { memory in
        try MatmulRun(memory, matrix, format, activation: CK_ACTIVATION_F32, m: m)
      }
    }
  }

  private static func kernels(_ format: Format, _ info: ck_format_info, isExact: Bool, m: Int) -> [String] {
    if isExact || info.activation == CK_ACTIVATION_F32 {
      return ["matmul_exact", "matmul_finish", "panel_decode/\(format.name)", "matmul/\(format.name)"]
    }
    let product = m <= 4 ? ["matvec/\(format.name)"] : ["matmul/\(format.name)", "panel_expand/\(format.name)"]
    return product + ["matmul_finish"] + (info.activation == CK_ACTIVATION_BF16 ? ["matmul_bf16"] : [])
  }
}

/// One product y = x · Wᵀ, of another copy of W each time where m is small: decode streams the weights.
final class MatmulRun: PreparedRow {
  let work: Work
  private let memory: RowMemory
  private let matrix: BenchMatrix
  let input: BenchInput
  let activations: BenchActivations
  private let m: Int
  private let y: KernelMemory
  private let weights: UnsafeMutablePointer<ck_packed>
  private let output: UnsafeMutablePointer<ck_matmul_output>
  private let copies: Int
  private var turn = 0

  /// Up to this many rows a product is bound by the weights' way from memory.
  static let mostStreamedRows = 16

  init(
    _ memory: RowMemory, _ shape: MatrixShape, _ format: Format, activation: ck_activation, m: Int,
    isStreamed: Bool = true
  ) throws {
    let code = ck_format(rawValue: UInt32(format.rawValue))
    var plan = ck_packed()
    try check(ck_packed_plan(memory.runtime.handle, code, shape.n, shape.k, &plan), "ck_packed_plan")
    copies =
      isStreamed && m <= Self.mostStreamedRows
      ? max(2, (memory.streamedBytes + plan.bytes - 1) / plan.bytes)
      : 1
    (matrix, input) = try memory.matrix(shape, code, activation: activation, copies: copies, m: m)
    activations = try BenchActivations(memory.runtime, input, kind: activation, m: m)
    y = try KernelMemory(bytes: m * shape.n * 4)
    self.memory = memory
    self.m = m
    weights = .allocate(capacity: copies)
    for i in 0..<copies { (weights + i).initialize(to: matrix.copies[i]) }
    output = .allocate(capacity: 1)
    output.initialize(to: ck_matmul_output())
    output.pointee.y = y.base.assumingMemoryBound(to: Float.self)
    output.pointee.ldy = shape.n
    // As Roofs.servingPrecision has it; where BF16 has no instruction, its roof falls back to F32's.
    let precision: Precision =
      switch activation {
      case CK_ACTIVATION_Q8_32, CK_ACTIVATION_Q8_256: .s8
      case CK_ACTIVATION_BF16: .bf16
      default: .f32
      }
    let bytes = Double(plan.bytes) + Double(activations.plan.bytes) + Double(m * shape.n) * 4
    work = Work(
      operations: shape.operationsPerRow * Double(m), bytes: bytes, footprint: bytes * Double(copies),
      precision: precision)
  }

  deinit {
    weights.deallocate()
    output.deallocate()
  }

  func run() throws {
    output.pointee.weights = UnsafePointer(weights + turn)
    turn = turn + 1 < copies ? turn + 1 : 0
    let status = withUnsafePointer(to: &activations.plan) { x in
      var args = ck_matmul_args()
      args.struct_size = MemoryLayout<ck_matmul_args>.size
      (args.x, args.outputs, args.output_count) = (x, UnsafePointer(output), 1)
      return ck_matmul(memory.runtime.handle, &args)
    }
    try check(status, "ck_matmul")
  }

  func isRight() -> Bool {
    let values = UnsafeBufferPointer(y.floats(m * matrix.shape.n))
    let n = matrix.shape.n
    return matrix.productCheck.sampledRowsAreRight(values, m: m, ld: n)
      && matrix.productCheck.allRowsAreRight(values, m: m, ld: n, x: input.floats, ldx: input.k)
  }
}
