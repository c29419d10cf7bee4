// Ctrl-C: the first asks work to stop after the sample in hand, the second ends the process at once.
import Capacity
import Foundation
import Synchronization

enum Interrupt {
  private static let requested = Atomic<Int32>(0)

  /// Takes over SIGINT and SIGTERM; a reader or a worker that goes away is an error of the write, not a signal.
  static func watch() {
    signal(SIGPIPE, SIG_IGN)
    for number in [SIGINT, SIGTERM] {
      var action = sigaction()
      action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
      action.__sigaction_handler.sa_handler = { _ in Interrupt.request() }
      sigaction(number, &action, nil)
    }
  }

  static func request() { requested.store(1, ordering: .relaxed) }
  static var isRequested: Bool { requested.load(ordering: .relaxed) != 0 }
  static func throwIfRequested() throws { if isRequested { throw Interrupted() } }
}

struct Interrupted: Error {}

/// Runs a command's work: failures become one line on standard error and a status. 1: what was measured is bad or could
/// not be measured; 2: what was asked for does not exist; 130: interrupted.
func runCommand(_ body: () throws -> Int32) -> Never {
  Interrupt.watch()
  do {
    exit(try body())
  } catch is Interrupted {
    Console.error("interrupted")
    exit(130)
  } catch let error as AskedError {
    Console.error(error.description)
    exit(2)
  } catch let error as CapacityError {
    Console.error(error.description)
    if case .option = error { exit(2) }
    exit(1)
  } catch {
    Console.error("\(error)")
    exit(1)
  }
}

/// What the user asked for does not exist: a row, a file, a program.
struct AskedError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

enum Console {
  static func error(_ text: String) {
    FileHandle.standardError.write(Data("gobi-benchmarks: \(text)\n".utf8))
  }

  /// One line on standard output, at once: what is measured for minutes is watched. If nobody reads any more, there is
  /// nothing left to measure for.
  static func line(_ text: String = "") {
    var rest = Data((text + "\n").utf8)
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return Interrupt.request() }
      rest.removeFirst(count)
    }
  }

  /// A line of progress, which the next one overwrites; nothing where standard error is no terminal.
  static func progress(_ text: String) {
    guard isatty(STDERR_FILENO) == 1 else { return }
    FileHandle.standardError.write(Data("\r\u{1B}[K\(text.prefix(79))".utf8))
  }
}

extension String {
  /// To `width` characters with spaces; longer ones stay as they are.
  func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
  func right(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
