// An external meter that a command reads: it runs beside the measurement and writes a line a reading. It may write
// rubbish, hang or end; what it gave until then counts. MeterFile reads a meter's file.
import Foundation
import Inference

public final class MeterSource: PowerSource {
  /// How a meter is connected, and what it is.
  public struct Options: Sendable, Equatable {
    /// A for an analyser on the mains, B for a distribution unit.
    public var energyClass: EnergyClass
    /// Meter's clock less ours in seconds, if the operator knows it.
    public var offset: Double?

    public init(energyClass: EnergyClass = .b, offset: Double? = nil) {
      self.energyClass = energyClass
      self.offset = offset
    }
  }

  public let channels: [PowerChannel]
  public var isSlow: Bool { true }
  public let clockOffset: Double?
  private let child: ChildProcess
  private struct State {
    var pending: [UInt8] = []
    var isOver = false
    var isStopped = false
  }
  private let state = Lock(State())

  /// Starts `command` through the shell.
  public init(command: String, options: Options = Options()) throws(CapacityError) {
    guard options.energyClass <= .b else {
      throw .option(name: "meter-class", what: "an external meter is of class A or B")
    }
    do { child = try ChildProcess(["/bin/sh", "-c", command]) } catch {
      throw .option(name: "meter", what: error.description)
    }
    clockOffset = options.offset
    channels = [
      PowerChannel(name: "meter: \(command)", group: "meter", component: .node, energyClass: options.energyClass)
    ]
  }

  public func stop() {
    state.withLock { $0.isStopped = true }
    child.stop()
  }

  /// Waits for lines for at most a quarter of a second.
  public func read(_ clock: PowerClock) -> [(channel: Int, outcome: PowerOutcome)] {
    guard state.withLock({ !$0.isOver && !$0.isStopped }) else {
      usleep(250_000)
      return []
    }
    let data = child.output(within: 0.25)
    let now = clock.monotonic()
    return state.withLock { state in
      guard let data else {
        state.isOver = true
        return state.isStopped ? [] : [(0, .failed("the meter's command ended"))]
      }
      state.pending += data
      var outcomes: [(channel: Int, outcome: PowerOutcome)] = []
      while let end = state.pending.firstIndex(of: UInt8(ascii: "\n")) {
        let text = String(decoding: state.pending[..<end], as: UTF8.self)
        state.pending.removeSubrange(...end)
        if let line = MeterLine(text) {
          outcomes.append((0, .reading(seconds: now, watts: line.watts, joules: nil, stamp: line.stamp)))
        } else {
          outcomes.append((0, .failed("not a reading: '\(text.prefix(40))'")))
        }
      }
      // A line without an end is not kept for ever.
      if state.pending.count > MeterLine.longest { state.pending.removeAll() }
      return outcomes
    }
  }
}
