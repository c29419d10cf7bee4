// The node's power from its management controller, by `ipmitool dcmi power reading`: class B. The tool may hang where
// there is no controller: it is given 2.5 s and ended.
import Foundation

public struct IPMISource: PowerSource {
  public let channels: [PowerChannel]
  private let command: [String]
  /// Below the largest gap that energy survives.
  static let secondsAllowed = 2.5

  public var isSlow: Bool { true }
  /// A controller answers in 0.1 to 0.5 s, and measures once a second.
  public var pause: Double { 0.5 }

  /// Asks once. `command` is what is run, for tests and for remote controllers.
  public static func discover(command: [String] = ["ipmitool", "dcmi", "power", "reading"]) -> PowerDiscovery {
    let source = IPMISource(command: command)
    if case .failed(let why) = source.read(.live)[0].outcome {
      return PowerDiscovery(notMeasured: [.init(what: "power by the management controller (IPMI)", why: why)])
    }
    return PowerDiscovery(sources: [source])
  }

  private init(command: [String]) {
    self.command = command
    channels = [PowerChannel(name: "ipmi dcmi", group: "ipmi", component: .node, energyClass: .b)]
  }

  public func read(_ clock: PowerClock) -> [(channel: Int, outcome: PowerOutcome)] {
    let start = clock.monotonic()
    do throws(ChildProcessError) {
      let text = try ChildProcess.run(command, seconds: Self.secondsAllowed)
      guard let watts = Self.watts(text) else { return [(0, .failed("\(command[0]) gave no power"))] }
      // Taken some time between the question and the answer.
      return [(0, .reading(seconds: (start + clock.monotonic()) / 2, watts: watts, joules: nil))]
    } catch {
      return [(0, .failed(error.description))]
    }
  }

  /// The instantaneous power in the tool's answer; nil if there is none, or the controller says it is not active.
  package static func watts(_ text: String) -> Double? {
    var found: Double?
    for line in text.split(whereSeparator: \.isNewline) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let key = line[..<colon].trimmingCharacters(in: .whitespaces).lowercased()
      let words = line[line.index(after: colon)...].split(separator: " ")
      if key == "instantaneous power reading", words.count == 2, words[1].lowercased() == "watts" {
        found = Double(words[0])
      }
      if key.hasPrefix("power reading state"), words.first?.lowercased() != "activated" { return nil }
    }
    return found.flatMap { $0.isFinite && $0 > 0 && $0 < 1e6 ? $0 : nil }
  }
}
