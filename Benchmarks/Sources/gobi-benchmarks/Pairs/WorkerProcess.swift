// A worker as the driver sees it: a child process that is asked and answers. It never outlives the driver, whose end
// closes its standard input.
import Foundation

/// A benchmark program and how to start it.
struct WorkerProgram {
  var path: String
  var threads = 1
  var isa: String?

  var arguments: [String] {
    var list = [path, "worker", "--threads", "\(threads)"]
    if let isa { list += ["--isa", isa] }
    return list
  }
}

final class WorkerProcess {
  private let program: WorkerProgram
  private let input: Int32
  private let output: Int32
  private let process: pid_t
  private var buffer: [UInt8] = []
  private var hasEnded = false

  /// The longest that preparing a row may take.
  private static let patience: Int32 = 300_000

  /// `padding` is put into the environment: the stack then starts elsewhere, as it does in another shell.
  /// `isQuiet` drops what the program says on standard error.
  init(_ program: WorkerProgram, padding: Int = 0, isQuiet: Bool = false) throws {
    self.program = program
    var toChild: [Int32] = [0, 0]
    var fromChild: [Int32] = [0, 0]
    guard pipe(&toChild) == 0 else { throw BenchmarkError("no pipe: \(String(cString: strerror(errno)))") }
    guard pipe(&fromChild) == 0 else {
      toChild.forEach { close($0) }
      throw BenchmarkError("no pipe: \(String(cString: strerror(errno)))")
    }
    // A sibling must not hold this one's ends open: it would then never see the end of its input.
    for end in toChild + fromChild { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (input, output) = (toChild[1], fromChild[0])
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, toChild[0], STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], STDOUT_FILENO)
    if isQuiet { posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) }
    let environment =
      ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
      + ["GOBI_BENCHMARKS_PADDING=" + String(repeating: "x", count: padding)]
    var child: pid_t = 0
    let status = Self.withStrings(program.arguments) { arguments in
      Self.withStrings(environment) { posix_spawn(&child, program.path, &actions, nil, arguments, $0) }
    }
    close(toChild[0])
    close(fromChild[1])
    process = child
    guard status == 0 else {
      hasEnded = true
      close(input)
      close(output)
      throw AskedError("cannot run \(program.path): \(String(cString: strerror(status)))")
    }
  }

  deinit { stop() }

  private static func withStrings<R>(_ list: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R) -> R
  {
    let copies = list.map { strdup($0) } + [nil]
    defer { copies.forEach { free($0) } }
    return body(copies)
  }

  /// Ends the worker, in the middle of a row if it must be.
  func stop() {
    guard !hasEnded else { return }
    hasEnded = true
    close(input)
    close(output)
    kill(process, SIGKILL)
    while waitpid(process, nil, 0) == -1, errno == EINTR {}
  }

  /// One request and its answer; an answer that is an error is thrown.
  func ask(_ request: WorkerRequest) throws -> WorkerReply {
    try send(request)
    return try receive()
  }

  func send(_ request: WorkerRequest) throws {
    let data = try WorkerProtocol.line(request)
    let sent = data.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
    guard sent == data.count else { throw BenchmarkError("\(program.path) has ended") }
  }

  func receive() throws -> WorkerReply {
    let line = try readLine()
    guard let reply = try? JSONDecoder().decode(WorkerReply.self, from: line) else {
      throw BenchmarkError("\(program.path) answered what is not of protocol \(WorkerProtocol.version)")
    }
    if let error = reply.error { throw BenchmarkError(error) }
    return reply
  }

  private func readLine() throws -> Data {
    while true {
      if let end = buffer.firstIndex(of: 10) {
        let line = Data(buffer[..<end])
        buffer.removeFirst(end + 1)
        return line
      }
      var ready = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      let count = poll(&ready, 1, Self.patience)
      try Interrupt.throwIfRequested()
      if count == 0 { throw BenchmarkError("\(program.path) has not answered for \(Self.patience / 1000) s") }
      if count < 0 { continue }  // a signal that was no request to stop
      var part = [UInt8](repeating: 0, count: 1 << 16)
      let got = read(output, &part, part.count)
      guard got > 0 else { throw BenchmarkError("\(program.path) ended without an answer") }
      buffer += part[..<got]
    }
  }
}

extension WorkerProgram {
  /// The ids of its rows; throws what is wrong with it if it is no worker of this protocol.
  func rows() throws -> Set<String> {
    guard FileManager.default.isExecutableFile(atPath: path) else { throw AskedError("\(path) is no program") }
    let probe = try WorkerProcess(self, isQuiet: true)
    defer { probe.stop() }
    guard let hello = try? probe.ask(WorkerRequest(action: .hello)), let version = hello.protocol else {
      try Interrupt.throwIfRequested()
      throw BenchmarkError(
        "\(path) does not speak the worker protocol: its revision is older than `gobi-benchmarks worker`, or it cannot "
          + "run here")
    }
    guard version == WorkerProtocol.version else {
      throw BenchmarkError("\(path) speaks protocol \(version), this program \(WorkerProtocol.version)")
    }
    return Set(try probe.ask(WorkerRequest(action: .list)).rows ?? [])
  }
}
