// One request of a load, and the streams of them: Poisson, constant, or a trace's. Knows no system under test.
import Foundation

/// What is asked of a system, and when.
public struct ServingRequest: Sendable, Equatable, Codable {
  public var id: Int
  /// Seconds after the load's start at which it is due. Latency counts from here, whenever it was really sent.
  public var arrival: Double
  public var promptTokens: Int
  /// Tokens that it is to give; it ends by count, never at a token of the model's choice.
  public var outputTokens: Int

  public init(id: Int, arrival: Double, promptTokens: Int, outputTokens: Int) {
    self.id = id
    self.arrival = arrival
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
  }
}

/// How many tokens requests have.
public enum RequestLengths: Sendable {
  case fixed(prompt: Int, output: Int)
  /// Drawn from a trace's rows, so that prompt and output keep belonging together.
  case drawn(ServingTrace)

  func draw(_ random: inout RandomSource) -> (prompt: Int, output: Int) {
    switch self {
    case .fixed(let prompt, let output): (prompt, output)
    case .drawn(let trace):
      {
        let row = trace.rows[random.index(below: trace.rows.count)]
        return (row.promptTokens, row.outputTokens)
      }()
    }
  }
}

/// A stream of requests without an end, but for a trace's: the same seed gives the same stream.
public struct ArrivalStream: Sequence, IteratorProtocol, Sendable {
  public enum Process: Sendable {
    /// Independent exponential gaps; requests a second.
    case poisson(rate: Double)
    /// Equal gaps; requests a second.
    case constant(rate: Double)
    /// The trace's own times, its gaps divided by `speed`, its lengths its own.
    case trace(ServingTrace, speed: Double)
  }

  private let process: Process
  private let lengths: RequestLengths
  private var random: RandomSource
  private var time = 0.0
  private var count = 0

  /// `lengths` are not used with a trace's own arrivals.
  public init(_ process: Process, lengths: RequestLengths, seed: UInt64) throws(CapacityError) {
    switch process {
    case .poisson(let rate), .constant(let rate):
      guard rate > 0, rate.isFinite else {
        throw .option(name: "rate", what: "\(rate) requests a second is no rate")
      }
    case .trace(_, let speed):
      guard speed > 0, speed.isFinite else { throw .option(name: "speed", what: "\(speed) is no speed") }
    }
    self.process = process
    self.lengths = lengths
    random = RandomSource(seed: seed)
  }

  public mutating func next() -> ServingRequest? {
    defer { count += 1 }
    switch process {
    case .poisson(let rate):
      // Inverse of the exponential distribution; 1 - u is in (0, 1].
      let u = Double(random.next() >> 11) * 0x1p-53
      time -= log(1 - u) / rate
    case .constant(let rate):
      time = Double(count) / rate
    case .trace(let trace, let speed):
      guard count < trace.rows.count else { return nil }
      let row = trace.rows[count]
      return ServingRequest(
        id: count, arrival: row.arrival / speed, promptTokens: row.promptTokens, outputTokens: row.outputTokens)
    }
    let (prompt, output) = lengths.draw(&random)
    return ServingRequest(id: count, arrival: time, promptTokens: prompt, outputTokens: output)
  }
}
