// The packed matrices of a model's layer, its inputs and outputs, and one pass over them. Does not time anything.
import CKernels

final class LayerSet {
  /// The calls of one number of rows: activations for each group, converted before the clock starts.
  final class Work {
    let m: Int
    let activations: [BenchActivations]
    /// Of the first results; nil before.
    fileprivate var results: BitSum?
    init(m: Int, activations: [BenchActivations]) {
      self.m = m
      self.activations = activations
    }
  }

  private let runtime: KernelRuntime
  private let layer: LayerShape
  private let activation: ck_activation
  private let inputs: [BenchInput]  // one a group
  let matrices: [[BenchMatrix]]
  let outputs: [[KernelMemory]]  // (m, n) of each matrix
  let copies: Int

  init(
    _ runtime: KernelRuntime, _ layer: LayerShape, format: ck_format, m: Int, copies: Int, seed: UInt64,
    checkpoint: () throws(CapacityError) -> Void
  ) throws(CapacityError) {
    guard let info = ck_format_describe(format) else {
      throw .kernel(call: "ck_format_describe", status: "no such format")
    }
    self.runtime = runtime
    self.layer = layer
    self.copies = copies
    activation = info.pointee.activation
    var inputs: [BenchInput] = []
    var matrices: [[BenchMatrix]] = []
    var outputs: [[KernelMemory]] = []
    var seed = seed
    for group in layer.groups {
      let input = try BenchInput(m: m, k: group[0].k, seed: seed)
      var packed: [BenchMatrix] = []
      var results: [KernelMemory] = []
      for shape in group {
        try checkpoint()
        seed &+= 2
        packed.append(try BenchMatrix(runtime, shape, format: format, input: input, copies: copies, seed: seed))
        results.append(try KernelMemory(bytes: m * shape.n * 4))
      }
      inputs.append(input)
      matrices.append(packed)
      outputs.append(results)
    }
    self.inputs = inputs
    self.matrices = matrices
    self.outputs = outputs
  }

  func prepared(m: Int) throws(CapacityError) -> Work {
    var activations: [BenchActivations] = []
    for input in inputs { activations.append(try BenchActivations(runtime, input, kind: activation, m: m)) }
    return Work(m: m, activations: activations)
  }

  /// How many copies a pass of `m` rows goes through. Few rows stream the weights, as a model's layers do: all copies.
  /// Many rows use each weight often, and a pass over all copies would take a second.
  func copiesInPass(m: Int) -> Int { m <= 16 ? copies : 1 }

  /// All products of a pass, `first` being the copy to begin with: the last one, whose results are checked, is another
  /// one each time.
  func run(_ work: Work, startingAt first: Int) throws(CapacityError) {
    for turn in 0..<copiesInPass(m: work.m) {
      let copy = (first + turn) % copies
      for group in matrices.indices {
        try multiply(work.activations[group], group, copy)
      }
    }
  }

  private func multiply(_ activations: BenchActivations, _ group: Int, _ copy: Int) throws(CapacityError) {
    let parts = matrices[group]
    let status = withUnsafeTemporaryAllocation(of: ck_packed.self, capacity: parts.count) { weights in
      withUnsafeTemporaryAllocation(of: ck_matmul_output.self, capacity: parts.count) { list in
        for (i, part) in parts.enumerated() {
          weights.initializeElement(at: i, to: part.copies[copy])
          var output = ck_matmul_output()
          output.weights = UnsafePointer(weights.baseAddress.map { $0 + i })
          output.y = outputs[group][i].base.assumingMemoryBound(to: Float.self)
          output.ldy = part.shape.n
          list.initializeElement(at: i, to: output)
        }
        return withUnsafePointer(to: &activations.plan) { x in
          var args = ck_matmul_args()
          args.struct_size = MemoryLayout<ck_matmul_args>.size
          args.x = x
          args.outputs = UnsafePointer(list.baseAddress)
          args.output_count = parts.count
          return ck_matmul(runtime.handle, &args)
        }
      }
    }
    try check(status, "ck_matmul")
  }

  func sampledRowsAreRight(m: Int) -> Bool {
    everyMatrix { matrix, y, _ in matrix.productCheck.sampledRowsAreRight(y, m: m, ld: matrix.shape.n) }
  }

  func allRowsAreRight(m: Int) -> Bool {
    everyMatrix { matrix, y, input in
      matrix.productCheck.allRowsAreRight(y, m: m, ld: matrix.shape.n, x: input.floats, ldx: input.k)
    }
  }

  /// Whether the results are bit for bit those of the first time that this was asked. They must be: a result depends on
  /// weights, inputs and kernel alone, and all copies hold the same weights. A core that errs now and then is seen here
  /// however little it errs; one that always does, by the checks above.
  func resultsAreAlike(_ work: Work) -> Bool {
    var sum = BitSum()
    for (group, list) in outputs.enumerated() {
      for (i, output) in list.enumerated() {
        sum.add(UnsafeRawBufferPointer(start: output.base, count: work.m * matrices[group][i].shape.n * 4))
      }
    }
    if work.results == nil { work.results = sum }
    return work.results == sum
  }

  /// Whether all packed weights still have the bits they were packed with.
  func weightsAreUnchanged() -> Bool { matrices.allSatisfy { $0.allSatisfy { $0.isUnchanged() } } }

  private func everyMatrix(_ isRight: (BenchMatrix, UnsafeBufferPointer<Float>, BenchInput) -> Bool) -> Bool {
    for group in matrices.indices {
      for (i, matrix) in matrices[group].enumerated() {
        let y = outputs[group][i].floats(inputs[group].m * matrix.shape.n)
        if !isRight(matrix, UnsafeBufferPointer(y), inputs[group]) { return false }
      }
    }
    return true
  }

  /// Of one layer: packed weights, activations as converted, results.
  func bytes(m: Int) -> Double {
    var sum = 0.0
    for group in matrices.indices {
      sum += Double(m * inputs[group].k) * 4
      for matrix in matrices[group] { sum += Double(matrix.copies[0].bytes) + Double(m * matrix.shape.n) * 4 }
    }
    return sum
  }
}
