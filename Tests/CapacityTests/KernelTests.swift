// Roof kernels on every ISA that runs here, BLAS, LINPACK, the product check and its flipped bits, a small bench.
import CKernels
import Capacity
import Foundation
import Inference
import Testing

private let names = ["avx512bf16", "avx512vnni", "avx512", "avx2", "neon-i8mm", "neon-dotprod", "neon", "scalar"]
private let isas: [String] = names.filter { (name: String) -> Bool in ck_isa_available(ck_isa_named(name)) }

private func withRuntime(_ isa: String, threads: UInt32, _ body: (OpaquePointer) throws -> Void) throws {
  var options = ck_runtime_options()
  options.struct_size = MemoryLayout<ck_runtime_options>.size
  options.isa = ck_isa_named(isa)
  options.threads = threads
  var runtime: OpaquePointer?
  #expect(ck_runtime_create(&options, &runtime) == CK_OK)
  let created = try #require(runtime)
  defer { ck_runtime_destroy(created) }
  try body(created)
}

@Suite struct RoofKernelTests {
  @Test(arguments: isas) func multiplyAddsAreExactAndCounted(_ isa: String) throws {
    try withRuntime(isa, threads: 2) { runtime in
      for precision in [CK_PRECISION_F64, CK_PRECISION_F32, CK_PRECISION_BF16, CK_PRECISION_S8] {
        var one = ck_roof_result()
        var two = ck_roof_result()
        var three = ck_roof_result()
        let status = ck_roof_compute(runtime, precision, 1, 1, &one)
        if status == CK_UNSUPPORTED {
          #expect(precision == CK_PRECISION_BF16)
          continue
        }
        #expect(status == CK_OK)
        #expect(ck_roof_compute(runtime, precision, 0, 1, &two) == CK_OK)
        #expect(ck_roof_compute(runtime, precision, 1, 3, &three) == CK_OK)
        #expect(one.wrong == 0 && two.wrong == 0 && three.wrong == 0)
        #expect(one.threads == 1 && two.threads == 2)
        #expect(two.operations == 2 * one.operations && three.operations == 3 * one.operations)
        // 32,768 steps of at least one multiply-add, two operations each.
        #expect(one.operations >= 65_536 && one.operations % 65_536 == 0)
        #expect(one.seconds > 0 && one.bytes == 0)
      }
    }
  }

  @Test(arguments: isas) func memoryPassesAreExactAndCounted(_ isa: String) throws {
    try withRuntime(isa, threads: 2) { runtime in
      for (bytes, stream) in [(64 << 10, 0), (64 << 10, 1 << 30), (5 << 20, 0)] {
        var arrays: OpaquePointer?
        #expect(ck_roof_arrays_create(runtime, 0, bytes, stream, true, &arrays) == CK_OK)
        let created = try #require(arrays)
        defer { ck_roof_arrays_destroy(created) }
        let slices = bytes / 2 / 4096 * 4096 * 2
        for (pass, touched) in [
          (CK_MEMORY_READ, 1), (CK_MEMORY_WRITE, 1), (CK_MEMORY_COPY, 2), (CK_MEMORY_TRIAD, 3), (CK_MEMORY_COPY, 2),
        ] {
          var result = ck_roof_result()
          #expect(ck_roof_memory(runtime, created, pass, 3, &result) == CK_OK)
          #expect(result.wrong == 0 && result.threads == 2 && result.bytes == UInt64(touched * 3 * slices))
          var chase = ck_roof_result()
          // Twice round, and on from where the first ones ended.
          for loads in [7, UInt64(2 * slices / 2 / 64), 1001] {
            #expect(ck_roof_latency(runtime, created, loads, &chase) == CK_OK)
            #expect(chase.wrong == 0 && chase.operations == loads)
          }
        }
      }
    }
  }

  @Test(arguments: isas) func loadedLatencyIsExactAndNeedsCompany(_ isa: String) throws {
    try withRuntime(isa, threads: 2) { runtime in
      let bytes = 1 << 20
      for threads in [1, 2] as [UInt32] {
        var arrays: OpaquePointer?
        #expect(ck_roof_arrays_create(runtime, threads, bytes, bytes, true, &arrays) == CK_OK)
        let created = try #require(arrays)
        defer { ck_roof_arrays_destroy(created) }
        var result = ck_roof_result()
        guard threads == 2 else {
          #expect(ck_roof_loaded_latency(runtime, created, 1, &result) == CK_UNSUPPORTED)
          continue
        }
        #expect(ck_roof_loaded_latency(runtime, created, 0, &result) == CK_INVALID_ARGUMENT)
        #expect(ck_roof_loaded_latency(runtime, created, 30_001, &result) == CK_OK)
        #expect(result.wrong == 0 && result.threads == 2 && result.seconds > 0 && result.operations == 30_001)
        // A pass after it finds the arrays as it needs them.
        #expect(ck_roof_memory(runtime, created, CK_MEMORY_TRIAD, 1, &result) == CK_OK)
        #expect(result.wrong == 0)
      }
    }
  }

  @Test func arraysAreBoundToANodeBeforeTheirFirstUse() throws {
    try withRuntime("scalar", threads: 1) { runtime in
      var arrays: OpaquePointer?
      #expect(ck_roof_arrays_create(runtime, 1, 1 << 20, 1 << 20, false, &arrays) == CK_OK)
      let created = try #require(arrays)
      defer { ck_roof_arrays_destroy(created) }
      #expect(ck_roof_arrays_bind(created, 1023) == CK_UNSUPPORTED)
      #expect(ck_roof_arrays_bind(created, 1 << 20) == CK_INVALID_ARGUMENT)
      #expect(ck_roof_arrays_bind(nil, 0) == CK_INVALID_ARGUMENT)
      // Sandboxes may forbid the system call; node 0 need not have memory.
      let bound = ck_roof_arrays_bind(created, 0)
      var result = ck_roof_result()
      #expect(ck_roof_memory(runtime, created, CK_MEMORY_READ, 1, &result) == CK_OK)
      #expect(result.wrong == 0)
      var share = -1.0
      if bound == CK_OK, ck_roof_arrays_on_node(created, 0, &share) == CK_OK {
        #expect(share == 1)
        #expect(ck_roof_arrays_on_node(created, 7, &share) == CK_OK && share == 0)
      }
      #expect(ck_roof_arrays_bind(created, 0) == CK_INVALID_ARGUMENT)
    }
  }

  @Test func aThreadIsBoundAndReleased() throws {
    var count = 0
    #expect(ck_thread_processors(nil, 0, &count) == CK_OK && count > 0)
    var all = [UInt32](repeating: 0, count: count)
    #expect(ck_thread_processors(&all, count, &count) == CK_OK)
    let last = [try #require(all.last)]
    #expect(ck_thread_bind(last, 1) == CK_OK)
    var now = [UInt32](repeating: .max, count: 2)
    let told = ck_thread_processors(&now, 2, &count)
    #expect(ck_thread_bind(all, all.count) == CK_OK)
    #expect(told == CK_OK && count == 1 && now == [last[0], .max])
    #expect(ck_thread_processors(nil, 0, &count) == CK_OK && count == all.count)
    #expect(ck_thread_bind(all, 0) == CK_INVALID_ARGUMENT)
    #expect(ck_thread_bind([1 << 20], 1) == CK_INVALID_ARGUMENT)
  }

  @Test func clockIsPlausible() {
    var result = ck_roof_result()
    #expect(ck_roof_clock(1_000_000, &result) == CK_OK)
    #expect(result.wrong == 0 && result.operations == 1_000_000)
  }

  @Test func wrongArgumentsAreRefused() throws {
    try withRuntime("scalar", threads: 1) { runtime in
      var result = ck_roof_result()
      var arrays: OpaquePointer?
      #expect(ck_roof_compute(nil, CK_PRECISION_F32, 0, 1, &result) == CK_INVALID_ARGUMENT)
      #expect(ck_roof_compute(runtime, CK_PRECISION_F32, 2, 1, &result) == CK_INVALID_ARGUMENT)
      #expect(ck_roof_compute(runtime, CK_PRECISION_F32, 0, 0, &result) == CK_INVALID_ARGUMENT)
      #expect(ck_roof_compute(runtime, ck_precision(rawValue: 77), 0, 1, &result) == CK_INVALID_ARGUMENT)
      #expect(ck_roof_arrays_create(runtime, 0, 100, 0, true, &arrays) == CK_INVALID_ARGUMENT)
      #expect(ck_roof_arrays_create(runtime, 0, Int.max, 0, true, &arrays) == CK_INVALID_ARGUMENT)
      #expect(ck_roof_memory(runtime, nil, CK_MEMORY_READ, 1, &result) == CK_INVALID_ARGUMENT)
      #expect(ck_roof_clock(0, &result) == CK_INVALID_ARGUMENT)
    }
  }
}

@Suite struct BLASTests {
  @Test func productsInBothPrecisions() {
    var args = ck_gemm_args()
    args.struct_size = MemoryLayout<ck_gemm_args>.size
    (args.m, args.n, args.k) = (2, 3, 2)
    (args.lda, args.ldb, args.ldy) = (2, 2, 3)
    args.transpose_b = true
    (args.alpha, args.beta) = (1, 0)
    var single = [Float](repeating: .nan, count: 6)
    var double = [Double](repeating: .nan, count: 6)
    #expect(ck_blas_sgemm(&args, [1, 2, 3, 4], [1, 0, 0, 1, 1, 1], &single) == CK_OK)
    #expect(ck_blas_dgemm(&args, [1, 2, 3, 4], [1, 0, 0, 1, 1, 1], &double) == CK_OK)
    #expect(single == [1, 2, 3, 3, 4, 7] && double == [1, 2, 3, 3, 4, 7])
  }

  @Test func sizesThatDoNotFitAreRefused() {
    var args = ck_gemm_args()
    args.struct_size = MemoryLayout<ck_gemm_args>.size
    (args.m, args.n, args.k) = (1, 1, 1 << 40)
    (args.lda, args.ldb, args.ldy) = (1 << 40, 1, 1)
    var y: Float = 0
    #expect(ck_blas_sgemm(&args, [1], [1], &y) == CK_INVALID_ARGUMENT)
    (args.k, args.lda, args.ldb, args.ldy) = (2, 1, 1, 1)  // a row of a holds 2 values
    #expect(ck_blas_sgemm(&args, [1, 1], [1, 1], &y) == CK_INVALID_ARGUMENT)
    var pivot: Int32 = 0
    var a = 1.0
    var b = 1.0
    #expect(ck_lapack_solve(1 << 40, &a, 1 << 40, &pivot, &b) == CK_INVALID_ARGUMENT)
    #expect(ck_lapack_solve(2, &a, 1, &pivot, &b) == CK_INVALID_ARGUMENT)
  }

  @Test func solvesAndSeesSingularity() {
    var a: [Double] = [2, 1, 1, 3]
    var b: [Double] = [3, 5]
    var pivots: [Int32] = [0, 0]  // columns (2, 1) and (1, 3)
    #expect(ck_lapack_solve(2, &a, 2, &pivots, &b) == CK_OK)
    #expect(abs(b[0] - 0.8) < 1e-14 && abs(b[1] - 1.4) < 1e-14)
    var singular: [Double] = [1, 2, 2, 4]
    #expect(ck_lapack_solve(2, &singular, 2, &pivots, &b) == CK_NUMERIC)
  }

  @Test func describesItself() {
    var info = ck_blas_info()
    #expect(ck_blas_describe(&info) == CK_OK)
    #expect(String(cString: info.library).contains("OpenBLAS") && info.threads >= 1)
  }
}

private func sampler(seed: UInt64 = 1) -> FigureSampler {
  FigureSampler(watch: Guard(NodeFiles()), seed: seed) { () throws(CapacityError) in }
}

@Suite struct NUMATests {
  private static func node(_ nodes: [NodeManifest.NUMANode]) -> NodeManifest {
    var node = NodeReader(NodeFiles()).manifest(build: RecordedTree.build)
    node.topology.numa = nodes
    return node
  }

  /// One node's memory and processors, under two entries: the matrix has four pairs, all of them near.
  @Test func everyPairIsMeasuredAndThreadsAreReleased() throws {
    var before = 0
    #expect(ck_thread_processors(nil, 0, &before) == CK_OK)
    let one = NodeManifest.NUMANode(number: 0, processors: Array(0..<1024), bytes: 128 << 20)
    let bench = NUMABench(sampler: sampler(), node: Self.node([one, one]), isa: "scalar")
    #expect(bench.pairs == 4)
    do {
      let roofs = try bench.measure(seconds: 0.1)
      #expect(roofs.count == 4)
      for roof in roofs {
        #expect(roof.read.value > 0 && roof.read.unit == "B/s" && roof.latency.value > 0 && roof.latency.unit == "s")
        #expect(!roof.read.reasons.contains(.numericFail) && !roof.latency.reasons.contains(.numericFail))
        #expect(roof.read.reasons.contains(.numaRemote) == (roof.placed < 0.99))
      }
    } catch {
      // A sandbox may forbid to bind memory, or hide node 0: then it must say so.
      #expect(error.description.contains("CK_UNSUPPORTED") || error.description.contains("unsupported"))
    }
    var after = 0
    #expect(ck_thread_processors(nil, 0, &after) == CK_OK && after == before)
  }

  @Test func oneNodeHasNoMatrix() {
    let one = NodeManifest.NUMANode(number: 0, processors: [0], bytes: 1 << 30)
    #expect(NUMABench(sampler: sampler(), node: Self.node([one]), isa: "scalar").pairs == 0)
    #expect(NUMABench(sampler: sampler(), node: Self.node([]), isa: "scalar").pairs == 0)
    // Memory without processors, and processors that are not ours.
    let far = NodeManifest.NUMANode(number: 1, processors: [60_000], bytes: 1 << 30)
    #expect(NUMABench(sampler: sampler(), node: Self.node([one, far]), isa: "scalar").pairs <= 2)
  }
}

@Suite struct LinpackTests {
  @Test(arguments: [LinpackResult.Kind.f64, .mixed]) func residualIsSmall(_ kind: LinpackResult.Kind) throws {
    let result = try #require(
      try Linpack(sampler: sampler(), threads: 1, seed: 5).measure(kind, n: 200, peak: nil, seconds: 0.05))
    #expect(result.residual < Linpack.largestResidual && result.residual > 0)
    #expect(!result.rate.reasons.contains(.numericFail))
    #expect(result.rate.value > 0 && result.rate.unit == "FLOP/s")
  }
}

@Suite struct ProductCheckTests {
  // y = x Wᵀ in float for x (m, k) and W (n, k), summed in order.
  private func product(_ x: [Float], _ w: [Float], m: Int, n: Int, k: Int) -> [Float] {
    var y = [Float](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<n {
        var sum: Float = 0
        for p in 0..<k { sum += x[i * k + p] * w[j * k + p] }
        y[i * n + j] = sum
      }
    }
    return y
  }

  private let m = 6
  private let n = 48
  private let k = 128
  private let x: [Float]
  private let w: [Float]
  private let check: ProductCheck

  init() {
    var random = RandomSource(seed: 11)
    let (m, n, k) = (6, 48, 128)
    let x = (0..<m * k).map { _ in Float(random.index(below: 255) - 127) }
    let w = (0..<n * k).map { _ in random.signedUnit() }
    self.x = x
    self.w = w
    check = ProductCheck(
      n: n, k: k, sampledRows: [0, 3], roundings: k, seed: 2, x: { Array(x[($0 * k)..<(($0 + 1) * k)]) },
      row: { j, out in for i in 0..<k { out[i] = Double(w[j * k + i]) } })
  }

  private func passes(_ y: [Float]) -> (sampled: Bool, all: Bool) {
    y.withUnsafeBufferPointer { y in
      x.withUnsafeBufferPointer { x in
        (check.sampledRowsAreRight(y, m: m, ld: n), check.allRowsAreRight(y, m: m, ld: n, x: x, ldx: k))
      }
    }
  }

  @Test func aRightProductPasses() {
    let result = passes(product(x, w, m: m, n: n, k: k))
    #expect(result.sampled && result.all)
  }

  /// The top mantissa bit or the sign or an exponent bit of any one weight, in 200 places: all are seen.
  @Test func aFlippedBitInAWeightIsSeen() {
    var random = RandomSource(seed: 3)
    var caught = 0
    for _ in 0..<200 {
      var broken = w
      let place = random.index(below: broken.count)
      // Skip where nothing large enough can change: an input or a weight near zero.
      let column = place % k
      guard abs(x[column]) > 4 || abs(x[3 * k + column]) > 4, abs(broken[place]) > 0.01 else {
        caught += 1
        continue
      }
      let bit = [22, 31, 26][random.index(below: 3)]
      broken[place] = Float(bitPattern: broken[place].bitPattern ^ (1 << UInt32(bit)))
      if !passes(product(x, broken, m: m, n: n, k: k)).sampled { caught += 1 }
    }
    #expect(caught == 200)
  }

  /// Freivalds sees a wrong element in a row that is not sampled.
  @Test func aWrongElementAnywhereIsSeen() {
    let right = product(x, w, m: m, n: n, k: k)
    for row in [1, 2, 4, 5] {
      var wrong = right
      wrong[row * n + 17] += 0.02 * abs(wrong[row * n + 17]) + 4
      let result = passes(wrong)
      #expect(result.sampled && !result.all)
      wrong[row * n + 17] = .nan
      #expect(!passes(wrong).all)
    }
    var wrong = right
    wrong[3] = .nan
    #expect(!passes(wrong).sampled)
  }
}

@Suite struct KernelBenchTests {
  private let node = NodeManifest(
    processor: .init(model: "test", vendor: "test", identity: "", microcode: nil, features: []),
    topology: .init(sockets: 1, cores: 1, threads: 1, numaNodes: 1, smt: nil, siblings: []),
    caches: [.init(level: 1, kind: "Data", bytes: 4096, sharedBy: 1, count: 1)], clock: .init(),
    memory: .init(bytes: 1 << 30, availableBytes: 1 << 30, swapBytes: 0, transparentHugePages: nil, speed: nil),
    system: .init(
      kernel: "test", distribution: nil, architecture: "x", hypervisor: nil, container: nil, quota: nil, affinity: 1),
    build: RecordedTree.build)

  /// Every format that fits, on every ISA: the product's check passes, so a failure is the kernel's or the check's.
  @Test(arguments: isas) func everyFormatPassesItsCheck(_ isa: String) throws {
    let runtime = try KernelRuntime(threads: 2, isa: isa)
    let layer = try #require(LayerShape(model: "tiny"))
    let bench = KernelBench(runtime: runtime, sampler: sampler(), node: node, roofs: Roofs(), seed: 9)
    for format in Format.all {
      let points = try bench.measure(layer, format: format, rows: [1, 5], seconds: 0.001)
      #expect(points.count == 2, "\(format.name)")
      for point in points {
        #expect(!point.rate.reasons.contains(.numericFail), "\(format.name) m = \(point.m) on \(isa)")
        #expect(point.rate.value > 0 && point.intensity > 0)
        #expect(point.share == nil)  // no roof was measured
      }
    }
  }

  @Test func layersOfPublishedModels() throws {
    let layer = try #require(LayerShape(model: "llama-3.2-1b"))
    #expect(layer.weights == 60_817_408)
    #expect(layer.matrices.map(\.name) == ["q", "k", "v", "o", "gate", "up", "down"])
    #expect(LayerShape(model: "qwen3-30b-a3b") == nil)
    #expect(LayerShape(model: "no such model") == nil)
  }
}
