// A source of power whose readings are missing for longer than 3 s within the work, in four ways, on a clock that the
// test moves. Readings go through the sampler and the account that real ones go through.
import Inference

final class PowerGaps: FaultTrials {
  private enum Fault: Int, CaseIterable {
    /// Nobody asks; reads fail; reads say nothing; the counter and the power disagree by more than 5 %.
    case unasked, failing, silent, wrongCounter
  }
  private var trial = 0

  func faulty(_ random: inout RandomSource) throws(CapacityError) -> Bool {
    trial += 1
    return Self.isGap(Fault.allCases[trial % Fault.allCases.count], &random)
  }

  func clean(_ random: inout RandomSource) throws(CapacityError) -> Bool? { Self.isGap(nil, &random) }

  /// Twelve spans of work of about a second, with readings twice a second; the longest time without one is more than
  /// 3.1 s with a fault and less than 2.9 s without.
  private static func isGap(_ fault: Fault?, _ random: inout RandomSource) -> Bool {
    let source = RecordedPower(
      watts: 50 + 400 * random.unit(), kind: fault == .wrongCounter ? 2 : random.index(below: 3))
    let clock = PowerClock(monotonic: { source.time }, wall: { source.time + 1.7e9 })
    let sampler = PowerSampler([source], clock: clock)
    if fault == .wrongCounter {
      source.counterScale = random.next() & 1 == 0 ? 0.9 - random.unit() / 3 : 1.1 + random.unit()
    }
    var spans: [WorkSpan] = []
    let isShort = fault == nil || fault == .wrongCounter
    let length = isShort ? 0.5 + 1.4 * random.unit() : 3.1 + 9 * random.unit()
    let hole = 2 + 8 * random.unit()
    // The clock goes on to `time`, and the source is asked twice a second on the way.
    func move(to time: Double) {
      while source.time < time {
        let next = min(source.time + 0.5, time)
        source.move(to: next)
        let isHole = (hole..<hole + length).contains(next)
        source.state = !isHole ? .well : fault == .failing ? .failing : .silent
        if !isHole || fault == .failing || fault == .silent { sampler.poll() }
      }
    }
    move(to: 1)
    while spans.count < 12 || source.time < hole + length + 1 {
      let begin = source.time
      move(to: begin + 0.8 + 0.4 * random.unit())
      spans.append(WorkSpan(begin: begin, end: source.time, tokens: 100))
    }
    move(to: source.time + 1)
    let rate = Figure(samples: spans.map { 100 / ($0.end - $0.begin) }, unit: "token/s", protocol: "decode")
    let account = EnergyAccount(sampler.stop())
    let energy = account.classes.first.flatMap { account.tokens($0, spans, rate: rate, protocol: "energy-decode") }
    return energy?.perToken.reasons.contains(.powerGap) ?? true
  }

  var notes: [String] { [] }
}

/// A channel that reads what the test tells it: power, a counter, or both.
private final class RecordedPower: PowerSource {
  enum State { case well, failing, silent }
  private struct Inside {
    var time = 0.0
    var joules = 0.0
    var state = State.well
    var counterScale = 1.0
  }

  let channels = [PowerChannel(name: "self-test", group: "rapl", component: .node, energyClass: .c)]
  private let watts: Double
  /// 0 power, 1 a counter, 2 both.
  private let kind: Int
  private let inside = Lock(Inside())

  init(watts: Double, kind: Int) {
    self.watts = watts
    self.kind = kind
  }

  var time: Double { inside.withLock { $0.time } }
  var state: State {
    get { inside.withLock { $0.state } }
    set { inside.withLock { $0.state = newValue } }
  }
  var counterScale: Double {
    get { inside.withLock { $0.counterScale } }
    set { inside.withLock { $0.counterScale = newValue } }
  }

  func move(to time: Double) {
    inside.withLock {
      $0.joules += watts * (time - $0.time) * $0.counterScale
      $0.time = time
    }
  }

  func read(_ clock: PowerClock) -> [(channel: Int, outcome: PowerOutcome)] {
    inside.withLock { inside in
      switch inside.state {
      case .failing: return [(0, .failed("a planted fault"))]
      case .silent: return []
      case .well:
        return [
          (0, .reading(seconds: inside.time, watts: kind == 1 ? nil : watts, joules: kind == 0 ? nil : inside.joules))
        ]
      }
    }
  }
}
