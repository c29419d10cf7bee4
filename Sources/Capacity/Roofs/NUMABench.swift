// The NUMA matrix: the processors of each node read, and chase through, the memory of each node. The threads are bound for
// it, and released after it.
import CKernels

public struct NUMABench {
  let sampler: FigureSampler
  let node: NodeManifest
  let isa: String

  public init(sampler: FigureSampler, node: NodeManifest, isa: String) {
    self.sampler = sampler
    self.node = node
    self.isa = isa
  }

  /// Nodes whose processors this thread may use, and nodes with memory.
  private func places() throws(CapacityError) -> (
    processors: [(node: NodeManifest.NUMANode, mine: [UInt32])], memory: [NodeManifest.NUMANode]
  ) {
    let allowed = Set(try Self.allowed())
    let processors = node.topology.numa.map {
      ($0, $0.processors.compactMap(UInt32.init(exactly:)).filter(allowed.contains))
    }
    return (processors.filter { !$0.1.isEmpty }, node.topology.numa.filter { ($0.bytes ?? 0) > 0 })
  }

  /// How many pairs there are to measure: none where all memory is of one node.
  public var pairs: Int {
    guard node.topology.numa.count > 1, let places = try? places() else { return 0 }
    return places.processors.count * places.memory.count
  }

  /// All pairs, `seconds` each; half of it a figure. A pair whose memory cannot be bound is an error.
  public func measure(seconds: Double) throws(CapacityError) -> [NUMARoof] {
    let (processors, memory) = try places()
    let before = try Self.allowed()
    // Its failure would leave the thread on a part of its processors: nothing measured after it would be right.
    defer { _ = ck_thread_bind(before, before.count) }
    var roofs: [NUMARoof] = []
    for (from, mine) in processors {
      try check(ck_thread_bind(mine, mine.count), "ck_thread_bind")
      // Workers take over the binding of the thread that starts them.
      let runtime = try KernelRuntime(isa: isa)
      for to in memory { roofs.append(try pair(runtime, from, to, seconds)) }
    }
    return roofs
  }

  private func pair(
    _ runtime: KernelRuntime, _ from: NodeManifest.NUMANode, _ to: NodeManifest.NUMANode, _ seconds: Double
  ) throws(CapacityError) -> NUMARoof {
    let bench = RoofBench(runtime: runtime, sampler: sampler, node: node)
    let level = bench.dram(threads: runtime.threads)
    let bytes = min(level.bytes, max((to.bytes ?? 0) / 8, 16 << 20))
    var created: OpaquePointer?
    try check(
      ck_roof_arrays_create(runtime.handle, UInt32(clamping: runtime.threads), bytes, bytes, true, &created),
      "ck_roof_arrays_create")
    guard let arrays = created else { throw .kernel(call: "ck_roof_arrays_create", status: "no arrays") }
    defer { ck_roof_arrays_destroy(arrays) }
    try check(ck_roof_arrays_bind(arrays, UInt32(clamping: to.number)), "ck_roof_arrays_bind")
    // The first pass touches the pages: where they lie is known then.
    var result = ck_roof_result()
    try check(ck_roof_memory(runtime.handle, arrays, CK_MEMORY_READ, 1, &result), "ck_roof_memory")
    var placed = 0.0
    try check(ck_roof_arrays_on_node(arrays, UInt32(clamping: to.number), &placed), "ck_roof_arrays_on_node")
    let reasons: Set<Reason> = placed < NUMARoof.leastPlaced ? [.numaRemote] : []
    return NUMARoof(
      processors: from.number, memory: to.number, threads: runtime.threads, bytes: bytes, placed: placed,
      read: try bench.bandwidth(arrays, CK_MEMORY_READ, seconds / 2, reasons: reasons),
      latency: try bench.latency(arrays, seconds / 2, reasons: reasons))
  }

  private static func allowed() throws(CapacityError) -> [UInt32] {
    var count = 0
    try check(ck_thread_processors(nil, 0, &count), "ck_thread_processors")
    var processors = [UInt32](repeating: 0, count: count)
    try check(ck_thread_processors(&processors, count, &count), "ck_thread_processors")
    return processors
  }
}
