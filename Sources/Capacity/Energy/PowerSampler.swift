// Reads sources of power beside a measurement: the quick ones from one thread and whenever it is asked to, each slow one
// from a thread of its own. Keeps readings as they come; PowerTrace and EnergyAccount make joules of them.
import Foundation
import Inference

public final class PowerSampler: Sendable {
  /// Between two readings of the quick sources. Work is bracketed by `poll`, so this only has to be well below the
  /// largest gap; a wake-up takes 0.1 to 0.3 ms from whom it disturbs.
  public static let interval = 0.5

  /// How long work has to last for three samples of the energy of what all sources can tell apart; 0 for counters alone.
  public var secondsWanted: Double { sources.allSatisfy(\.isFine) ? 0 : Self.secondsOfSensors }
  /// Three samples of twice a second each, and what is cut as warm-up.
  static let secondsOfSensors = 7.0

  private let sources: [any PowerSource]
  private let clock: PowerClock
  private struct State {
    var series: [[PowerSeries]]
    /// Wall-clock times at which stamped readings came in, beside them.
    var arrivals: [[[Double]]]
    var isStopped = false
  }
  private let state: Lock<State>
  private let threads = DispatchGroup()
  private let wake = DispatchSemaphore(value: 0)

  public init(_ sources: [any PowerSource], clock: PowerClock = .live) {
    self.sources = sources
    self.clock = clock
    let counting = PowerChannel.counting(sources.flatMap(\.channels))
    var next = 0
    let series = sources.map { source in
      source.channels.map { _ in
        next += 1
        return PowerSeries(counting[next - 1])
      }
    }
    state = Lock(State(series: series, arrivals: series.map { $0.map { _ in [] } }))
  }

  /// Begins to read. To be called once.
  public func start() {
    poll()
    run { [wake] in
      self.poll()
      _ = wake.wait(timeout: .now() + Self.interval)
    }
    for (place, source) in sources.enumerated() where source.isSlow {
      run {
        let outcomes = source.read(self.clock)
        self.state.withLock { self.record(outcomes, from: place, in: &$0) }
        // What floods us gets at most a hundredth of a processor's time.
        if !self.isStopped { usleep(UInt32(max(source.pause, 0.005) * 1e6)) }
      }
    }
  }

  private var isStopped: Bool { state.withLock { $0.isStopped } }

  private func run(_ body: @escaping @Sendable () -> Void) {
    threads.enter()
    let thread = Thread { [threads] in
      while !self.isStopped { body() }
      threads.leave()
    }
    thread.name = "gobi-power"
    thread.start()
  }

  /// Reads the quick sources now. Called right before and after timed work, so that counters are cut where it is.
  public func poll() {
    state.withLock { state in
      guard !state.isStopped else { return }
      for (place, source) in sources.enumerated() where !source.isSlow {
        record(source.read(clock), from: place, in: &state)
      }
    }
  }

  private func record(_ outcomes: [(channel: Int, outcome: PowerOutcome)], from place: Int, in state: inout State) {
    for (channel, outcome) in outcomes where state.series[place].indices.contains(channel) {
      switch outcome {
      case .reading(let seconds, let watts, let joules, let stamp):
        // Stamped readings are ordered by their stamps until the run is over: they may come several at once.
        if state.series[place][channel].append(seconds: stamp ?? seconds, watts: watts, joules: joules, stamp: stamp),
          stamp != nil
        {
          state.arrivals[place][channel].append(clock.wall())
        }
      case .failed(let why): state.series[place][channel].fail(why)
      }
    }
  }

  /// Reads once more, ends the sources and gives all readings. Takes at most 4 s; later calls give the same.
  public func stop() -> [PowerSeries] {
    poll()
    state.withLock { $0.isStopped = true }
    for source in sources { source.stop() }
    for _ in sources { wake.signal() }
    wake.signal()
    _ = threads.wait(timeout: .now() + 4)
    let ahead = clock.wall() - clock.monotonic()
    return state.withLock { state in
      zip(sources, zip(state.series, state.arrivals)).flatMap { source, parts in
        zip(parts.0, parts.1).map { series, arrivals in
          guard let stamps = series.stamps else { return series }
          let offset =
            source.clockOffset.map { ClockOffset(kind: .given, seconds: $0, uncertainty: 0) }
            ?? ClockOffset(stamps: stamps, arrivals: arrivals)
          return series.aligned(offset, wallAhead: ahead)
        }
      }
    }
  }
}

extension PowerSeries {
  /// The series with its stamps brought to the monotonic clock. `wallAhead` is the wall clock less the monotonic one.
  public func aligned(_ offset: ClockOffset, wallAhead: Double) -> PowerSeries {
    guard let stamps else { return self }
    var series = self
    series.offset = offset
    series.seconds = stamps.map { $0 - offset.seconds - wallAhead }
    return series
  }
}
