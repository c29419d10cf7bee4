// `gobi serve`: hands over to gobi-serve, a program of its own, so that this one carries no web server.
import ArgumentParser
import Foundation

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve models over HTTP, as the OpenAI API has it (gobi serve --help).",
    discussion: "The options are gobi-serve's, which is looked for beside this program and in PATH.")

  @Argument(parsing: .captureForPassthrough, help: "Options of gobi-serve.")
  var arguments: [String] = []

  static let program = "gobi-serve"

  func run() throws {
    guard let path = Self.find() else {
      throw Failure(
        "\(Self.program) is not installed: it is neither beside this program nor in PATH",
        hint: "`make install` installs it; in a checkout, swift build -c release --product \(Self.program).",
        status: .cannotHere)
    }
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
    words.append(nil)
    execv(path, words)  // returns only where it fails
    throw Failure("\(path) cannot be run: \(String(cString: strerror(errno)))", status: .cannotHere)
  }

  /// The program beside this one, else the first in PATH.
  private static func find() -> String? {
    var folders: [String] = []
    if let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
      folders.append((own as NSString).deletingLastPathComponent)
    }
    folders += (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    return folders.map { $0 + "/" + program }.first { access($0, X_OK) == 0 }
  }
}
