// Starts the process of a launch, hands on what it says, and ends it: in time, on cancelling, whatever it does.
import Foundation

public protocol Launcher: Sendable {
  /// Carries `plan` out. Returns once the launch said that it is done; throws if it died, gave nothing for too long, or
  /// `isCancelled` (asked a few times a second) said so. What was received until then counts.
  func launch(_ plan: LaunchPlan, isCancelled: () -> Bool, receive: (LaunchMessage) -> Void) throws(CapacityError)
}

/// A process for each launch: `command`, with the plan as its last argument.
public struct ProcessLauncher: Launcher {
  private let command: [String]
  /// What a launch may take beyond its plan's seconds.
  private let grace: Double

  public init(_ command: [String], grace: Double = 10) {
    self.command = command
    self.grace = grace
  }

  // A line longer than this is no message.
  private static let longestLine = 64 << 20

  public func launch(_ plan: LaunchPlan, isCancelled: () -> Bool, receive: (LaunchMessage) -> Void)
    throws(CapacityError)
  {
    let child: ChildProcess
    do { child = try ChildProcess(command + [plan.json()]) } catch {
      throw .launch(number: plan.number, what: "\(error)")
    }
    defer { child.stop() }
    let end = FigureSampler.now() + plan.seconds + grace
    var rest: [UInt8] = []
    var isDone = false
    while !isDone {
      if isCancelled() { throw .cancelled }
      guard FigureSampler.now() < end else {
        throw .launch(number: plan.number, what: "it took more than \(Int(plan.seconds + grace)) s and was ended")
      }
      guard let piece = child.output(within: 0.1) else { break }
      rest += piece
      guard rest.count < Self.longestLine else { throw .launch(number: plan.number, what: "a line without an end") }
      while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
        let message = try LaunchMessage(line: String(decoding: rest[..<newline], as: UTF8.self))
        rest.removeSubrange(...newline)
        receive(message)
        isDone = isDone || message.isDone == true
      }
    }
    guard !isDone else { return }
    // Its output is closed: it ended, or goes on without.
    for _ in 0..<100 {
      if let status = child.statusIfEnded() {
        throw .launch(number: plan.number, what: "its process ended with status \(status)")
      }
      usleep(10_000)
    }
    throw .launch(number: plan.number, what: "it closed its output and was ended")
  }
}
