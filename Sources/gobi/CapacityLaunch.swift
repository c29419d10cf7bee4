// One launch of `gobi capacity`: the process that measures and tells what it measured, a line of JSON at a time.
import Capacity
import Foundation

enum CapacityLaunch {
  /// Starts this very program again, whatever has become of its file meanwhile. nil where the system does not tell it.
  static var launcher: ProcessLauncher? {
    let path = "/proc/\(ProcessInfo.processInfo.processIdentifier)/exe"
    guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
    return ProcessLauncher([path, "capacity", "--launch"])
  }

  /// Carries the plan out; ends early when nobody reads any more.
  static func run(_ json: String) throws {
    let plan = try LaunchPlan(json: json)
    var isAlone = false
    try CapacityRun.carryOut(plan, isCancelled: { isAlone }) { message in
      do { try FileHandle.standardOutput.write(contentsOf: Data((message.line() + "\n").utf8)) } catch {
        isAlone = true
      }
    }
  }
}
