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
  /// Of the prompt's beginning, ``hashTokens`` tokens each: equal hashes stand for equal tokens after equal ones.
  public var hashes: [Int64] = []
  /// Tokens of the prompt that an endless cache would have from the requests before it; known by the hashes alone.
  public var reusableTokens = 0
  /// Decides, with the hashes or else the id, what the prompt is.
  public var seed: UInt64 = 0

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
  /// A trace's rows one after the other, from one that the seed chooses, so that prompts share what they shared when
  /// they were recorded. After the last comes the first, with other content.
  case inOrder(ServingTrace)

  func draw(_ random: inout RandomSource) -> (prompt: Int, output: Int) {
    switch self {
    case .fixed(let prompt, let output): (prompt, output)
    case .drawn(let trace), .inOrder(let trace):
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
  private let seed: UInt64
  /// The first row of a trace that goes in order.
  private var firstRow = 0
  /// Hashes of this round through the trace.
  private var seen: Set<Int64> = []

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
    self.seed = seed
    random = RandomSource(seed: seed)
    if case .inOrder(let trace) = lengths {
      var random = RandomSource(seed: ~seed)
      firstRow = random.index(below: trace.rows.count)
    }
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
      return request(trace.rows[count], at: trace.rows[count].arrival / speed, seed: seed)
    }
    if case .inOrder(let trace) = lengths {
      let (round, place) = (firstRow + count).quotientAndRemainder(dividingBy: trace.rows.count)
      if place == 0 { seen = [] }
      return request(trace.rows[place], at: time, seed: seed ^ (UInt64(round) << 32))
    }
    let (prompt, output) = lengths.draw(&random)
    var drawn = ServingRequest(id: count, arrival: time, promptTokens: prompt, outputTokens: output)
    drawn.seed = seed
    return drawn
  }

  private mutating func request(_ row: ServingTrace.Row, at time: Double, seed: UInt64) -> ServingRequest {
    var request = ServingRequest(
      id: count, arrival: time, promptTokens: row.promptTokens, outputTokens: row.outputTokens)
    request.hashes = row.hashes
    request.seed = seed
    let known = row.hashes.prefix { seen.contains($0) }.count
    // The last token is always computed: its logits are what is asked for.
    request.reusableTokens = Swift.min(known * ServingRequest.hashTokens, row.promptTokens - 1)
    seen.formUnion(row.hashes)
    return request
  }
}
