// A program that is run beside a measurement: its output in pieces, with a time limit, and its whole process group
// ended in the end. Interprets nothing.
import Foundation
import Inference

public enum ChildProcessError: Error, Sendable, Equatable, CustomStringConvertible {
  case cannotStart(program: String, code: Int32)
  case timedOut(program: String, seconds: Double)
  case failed(program: String, status: Int32)

  public var description: String {
    switch self {
    case .cannotStart(let program, let code): "\(program) cannot be started: \(String(cString: strerror(code)))"
    case .timedOut(let program, let seconds): "\(program) gave no answer in \(seconds) s and was ended"
    case .failed(let program, let status): "\(program) ended with status \(status)"
    }
  }
}

public final class ChildProcess: Sendable {
  private let program: String
  private let descriptor: Int32
  /// 0 once it has been waited for.
  private let process: Lock<pid_t>

  /// Starts `arguments[0]`, found on PATH, in a process group of its own. Its errors go nowhere.
  public init(_ arguments: [String]) throws(ChildProcessError) {
    let program = arguments.first ?? ""
    self.program = program
    var ends: [Int32] = [-1, -1]
    guard !arguments.isEmpty, pipe(&ends) == 0 else {
      throw .cannotStart(program: program, code: errno)
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    defer { close(ends[1]) }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The tool ignores SIGPIPE, and a child would inherit that.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF))

    let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    var id: pid_t = 0
    let code = Self.withStrings(arguments) { argv in
      Self.withStrings(environment) { envp in posix_spawnp(&id, program, &actions, &attributes, argv, envp) }
    }
    guard code == 0 else {
      close(ends[0])
      throw .cannotStart(program: program, code: code)
    }
    descriptor = ends[0]
    process = Lock(id)
  }

  deinit {
    stop()
    close(descriptor)
  }

  private static func withStrings<R>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
  ) -> R {
    let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    for (i, string) in strings.enumerated() { (list + i).initialize(to: strdup(string)) }
    (list + strings.count).initialize(to: nil)
    defer {
      for i in strings.indices { free(list[i]) }
      list.deallocate()
    }
    return body(list)
  }

  /// What has been written by the child, as soon as there is something; empty after `seconds` without; nil at its end.
  public func output(within seconds: Double) -> [UInt8]? {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let ready = poll(&request, 1, Int32(max(0, min(seconds, 3600)) * 1000))
    guard ready > 0 else { return [] }
    var piece = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &piece, piece.count)
    if count < 0 { return errno == EAGAIN || errno == EINTR ? [] : nil }
    return count == 0 ? nil : Array(piece[..<count])
  }

  /// Ends the child and what it started, at once, and waits for it. The status it ended with, if this call ended it.
  @discardableResult
  public func stop() -> Int32? {
    process.withLock { id in
      guard id > 0 else { return nil }
      kill(-id, SIGKILL)
      var status: Int32 = 0
      while waitpid(id, &status, 0) < 0 && errno == EINTR {}
      id = 0
      return Self.code(status)
    }
  }

  /// As a shell tells it.
  private static func code(_ status: Int32) -> Int32 {
    let signal = status & 0x7f
    return signal != 0 ? 128 + signal : (status >> 8) & 0xff
  }

  /// Runs `arguments` to their end and gives the output's first `limit` bytes. After `seconds` the child is killed.
  public static func run(_ arguments: [String], seconds: Double, limit: Int = 1 << 16)
    throws(ChildProcessError) -> String
  {
    let child = try ChildProcess(arguments)
    let start = FigureSampler.now()
    var data: [UInt8] = []
    while true {
      let left = seconds - (FigureSampler.now() - start)
      guard left > 0 else {
        child.stop()
        throw .timedOut(program: arguments[0], seconds: seconds)
      }
      guard let piece = child.output(within: left) else { break }
      if data.count < limit { data += piece.prefix(limit - data.count) }
    }
    // Its output is closed. A child that goes on without one is not waited for.
    var status: Int32?
    while status == nil, FigureSampler.now() - start < seconds {
      status = child.statusIfEnded()
      if status == nil { usleep(1000) }
    }
    guard let status else {
      child.stop()
      throw .timedOut(program: arguments[0], seconds: seconds)
    }
    guard status == 0 else { throw .failed(program: arguments[0], status: status) }
    return String(decoding: data, as: UTF8.self)
  }

  /// The status it ended with, as a shell tells it; nil while it runs. What it started is ended with it.
  func statusIfEnded() -> Int32? {
    process.withLock { id in
      guard id > 0 else { return 0 }
      var status: Int32 = 0
      guard waitpid(id, &status, WNOHANG) == id else { return nil }
      // What it started and left behind has the same group.
      kill(-id, SIGKILL)
      id = 0
      return Self.code(status)
    }
  }
}
