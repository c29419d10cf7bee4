// The worker's side: prepares rows and runs slices of them as it is told, until its standard input ends. Decides nothing.
import Capacity
import Foundation

final class Worker {
  private let runtime: KernelRuntime
  private let list: RowList
  private let memory: RowMemory
  private let processors = Affinity.allowed()
  private var open: (id: String, timer: RowTimer)?

  init(threads: Int, isa: String?) throws {
    runtime = try KernelRuntime(threads: threads, isa: isa)
    list = RowList(runtime)
    let node = NodeReader(NodeFiles()).manifest(
      build: NodeManifest.Build(version: "", isa: runtime.isa, threads: runtime.threads))
    // Two workers take turns, so each other's data is all that a cache must forget: 4 times its size does.
    memory = RowMemory(
      runtime, streamedBytes: node.streamedBytes / 4, mostBytes: node.memory.availableBytes / 4)
  }

  /// Serves until end of file or `quit`.
  func serve() throws {
    // Ctrl-C reaches the whole group of processes; the driver decides, and its end is this one's end of file.
    signal(SIGINT, SIG_IGN)
    signal(SIGTERM, SIG_DFL)
    while let line = readLine() {
      var reply = WorkerReply()
      do {
        let request = try JSONDecoder().decode(WorkerRequest.self, from: Data(line.utf8))
        if request.action == .quit { return }
        reply = try answer(request)
      } catch let error as DecodingError {
        reply.error = "not a request of protocol \(WorkerProtocol.version): \(error)"
      } catch {
        reply.error = "\(error)"
      }
      let data = try WorkerProtocol.line(reply)
      guard data.withUnsafeBytes({ write(STDOUT_FILENO, $0.baseAddress, $0.count) }) == data.count else { return }
    }
  }

  private func answer(_ request: WorkerRequest) throws -> WorkerReply {
    switch request.action {
    case .hello:
      return WorkerReply(protocol: WorkerProtocol.version, isa: runtime.isa, threads: runtime.threads)
    case .list: return WorkerReply(rows: list.rows.map(\.id))
    case .open: return try opened(request.row ?? "")
    case .run: return try ran(request)
    case .quit: return WorkerReply()
    }
  }

  private func opened(_ id: String) throws -> WorkerReply {
    open = nil
    Affinity.keep(to: processors)
    guard let row = list.row(id) else { throw BenchmarkError("there is no row \(id)") }
    let prepared = try row.prepare(memory)
    try prepared.run()
    let isRight = try prepared.isRight()
    let timer = RowTimer(row: prepared)
    let repeats = try timer.repeats(seconds: 0.004)
    open = (id, timer)
    return WorkerReply(seconds: try timer.sample(repeats).wall / Double(repeats), isRight: isRight)
  }

  private func ran(_ request: WorkerRequest) throws -> WorkerReply {
    guard let open else { throw BenchmarkError("no row is open") }
    guard let repeats = request.repeats, repeats > 0 else { throw BenchmarkError("a run needs repeats") }
    if let place = request.processor, place >= 0, !processors.isEmpty {
      Affinity.keep(to: [processors[place % processors.count]])
    }
    for _ in 0..<(request.warm ?? 0) { try open.timer.row.run() }
    let (wall, thread) = try open.timer.sample(repeats, more: max(0, request.plant ?? 0))
    return WorkerReply(wall: wall, thread: thread)
  }
}
