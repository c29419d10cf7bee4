// What /proc and /sys say of this machine, as lines for people.
import Capacity

enum HardwareFacts {
  static func manifest(isa: String, threads: Int) -> NodeManifest {
    NodeReader(NodeFiles()).manifest(
      build: NodeManifest.Build(
        version: gobiVersion, binaryHash: nil, isa: isa, threads: threads, blas: nil, blasCore: nil, blasThreads: nil))
  }

  static let processor = manifest(isa: "", threads: 0).processor.model

  static func lines(_ node: NodeManifest) -> [(String, String)] {
    let caches = node.caches.map { "L\($0.level) \($0.kind.lowercased()) \($0.count) × \($0.bytes >> 10) KiB" }
    var lines = [
      ("processor", "\(node.processor.model) (\(node.processor.identity))"),
      ("features", node.processor.features.joined(separator: " ")),
      (
        "topology",
        "\(node.topology.sockets) socket(s), \(node.topology.cores) cores, \(node.topology.threads) threads, "
          + "\(node.topology.numaNodes) NUMA node(s)"
      ),
      ("caches", caches.joined(separator: ", ")),
      ("affinity", "\(node.system.affinity) processor(s)"),
      ("quota", node.system.quota.map { "\($0) processor(s)" } ?? "none"),
      ("memory", Quantity.bytes(node.memory.bytes)),
    ]
    if let pages = node.memory.transparentHugePages { lines.append(("huge pages", pages)) }
    if let hypervisor = node.system.hypervisor { lines.append(("hypervisor", hypervisor)) }
    if let container = node.system.container { lines.append(("container", container)) }
    return lines
  }
}
