// The terminal: results to stdout, progress and errors to stderr, tables that fit the width. No colours in a pipe.
import Foundation

let gobiVersion = "1.0.0"

enum Console {
  static let errorIsTerminal = isatty(STDERR_FILENO) == 1
  static let outIsTerminal = isatty(STDOUT_FILENO) == 1

  /// Columns of the terminal behind `descriptor`; 80 where there is none.
  static func width(of descriptor: Int32 = STDOUT_FILENO) -> Int {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Writes a result and a line end. A closed pipe ends the tool quietly, as `head` expects.
  static func out(_ text: String, terminator: String = "\n") {
    write(Array((text + terminator).utf8))
  }

  static func write(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        if errno == EPIPE { exit(ExitStatus.done.rawValue) }
        error("cannot write to stdout: \(String(cString: strerror(errno)))")
        exit(ExitStatus.cannotHere.rawValue)
      }
      rest = rest.dropFirst(written)
    }
  }

  static func error(_ message: String) { line("gobi: \(message)") }
  static func note(_ message: String) { line("      \(message)") }

  private static func line(_ text: String) {
    ProgressBar.clearShown()
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }
}

/// A progress bar on stderr, drawn only where stderr is a terminal. Used from one thread at a time.
final class ProgressBar: @unchecked Sendable {
  private let title: String
  private let start = ContinuousClock.now
  private let lock = NSLock()
  private var drawn = ContinuousClock.now - .seconds(1)
  nonisolated(unsafe) private static var shown = false
  private static let shownLock = NSLock()

  init(_ title: String) { self.title = title }

  /// Draws `fraction` (0 to 1) with the time left, at most ten times a second.
  func update(_ fraction: Double, detail: String = "") {
    guard Console.errorIsTerminal else { return }
    lock.lock()
    defer { lock.unlock() }
    let now = ContinuousClock.now
    guard now - drawn >= .milliseconds(100) || fraction >= 1 else { return }
    drawn = now
    let elapsed = (now - start).seconds
    let left = fraction > 0.02 ? ", \(Self.clock(elapsed / fraction - elapsed)) left" : ""
    let tail = String(format: " %3.0f %%", fraction * 100) + left + (detail.isEmpty ? "" : "  " + detail)
    let columns = Console.width(of: STDERR_FILENO)
    let room = max(5, min(30, columns - title.count - tail.count - 4))
    let filled = Int((min(max(fraction, 0), 1) * Double(room)).rounded())
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: room - filled)
    let text = "\(title) \(bar)\(tail)".prefix(max(1, columns - 1))
    Self.shownLock.withLock { Self.shown = true }
    FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
  }

  func finish() { Self.clearShown() }

  /// Wipes the bar, if one stands on the screen.
  static func clearShown() {
    let wipe = shownLock.withLock {
      let was = shown
      shown = false
      return was
    }
    if wipe { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
  }

  private static func clock(_ seconds: Double) -> String {
    let whole = Int(max(0, seconds).rounded(.up))
    return whole < 60 ? "\(whole) s" : "\(whole / 60):\(String(format: "%02d", whole % 60)) min"
  }
}

extension Duration {
  var seconds: Double {
    let (whole, atto) = components
    return Double(whole) + Double(atto) * 1e-18
  }
}

/// A text table whose columns are as wide as their widest cell; numbers stand right.
struct TextTable {
  enum Alignment { case left, right }
  var columns: [(title: String, alignment: Alignment)]
  var rows: [[String]] = []

  /// The lines, the last column cut where the line would pass `width`.
  func lines(width: Int = .max) -> [String] {
    let cells = [columns.map(\.title)] + rows
    let widths = columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { row in
      let text = row.indices.map { column -> String in
        let pad = String(repeating: " ", count: widths[column] - row[column].count)
        return columns[column].alignment == .left ? row[column] + pad : pad + row[column]
      }.joined(separator: "  ")
      var line = Substring(text)
      while line.last == " " { line.removeLast() }
      return line.count > width ? line.prefix(max(1, width - 1)) + "…" : String(line)
    }
  }
}
