// What one process is told to measure, and what it tells back. Both are JSON, a line each.
import Foundation

/// One launch of a run, as its process is told of it.
public struct LaunchPlan: Codable, Sendable, Equatable {
  /// From 1.
  public var number: Int
  public var level: CapacityLevel
  public var version: String
  public var threads: Int
  public var isa: String?
  /// Of this launch: none draws what another drew.
  public var seed: UInt64
  public var kernelShapes: [String]?
  public var formats: [String]?
  public var models: [Model]
  /// For the whole launch.
  public var seconds: Double
  /// Of each figure's time at this level.
  public var scale: Double
  /// Power is read where the launch says so, by whoever reads it.
  public var asksForPower: Bool
  public var secondsForPower: Double
  /// Whether the models' numerics are looked at: once a run is enough, for weights do not change.
  public var looksAtNumerics: Bool
  public var panelCache: String?
  public var linpackSize: Int?

  public struct Model: Codable, Sendable, Equatable {
    public var label: String
    public var file: MeasuredModel.File
    public var isLarge: Bool
  }

  public init(json: String) throws(CapacityError) {
    do { self = try JSONDecoder().decode(LaunchPlan.self, from: Data(json.utf8)) } catch {
      throw .option(name: "launch", what: "not a plan of this version: \(error)")
    }
  }

  package init(
    number: Int, options: CapacityOptions, runtime: (threads: Int, isa: String), models: [MeasuredModel],
    seconds: Double, scale: Double, power: (isAsked: Bool, seconds: Double), looksAtNumerics: Bool = true
  ) {
    self.number = number
    level = options.level
    version = options.version
    threads = runtime.threads
    isa = runtime.isa
    seed = options.seed &+ UInt64(number) &* 1_000_003
    kernelShapes = options.kernelShapes
    formats = options.formats
    self.models = models.compactMap { model in
      model.file.map { Model(label: model.label, file: $0, isLarge: model.isLarge) }
    }
    self.seconds = seconds
    self.scale = scale
    asksForPower = power.isAsked
    secondsForPower = power.seconds
    self.looksAtNumerics = looksAtNumerics
    panelCache = options.panelCache
    linpackSize = options.linpackSize
  }

  public func json() throws(CapacityError) -> String { try LaunchMessage.line(self) }
}

/// A line of a launch's output.
public struct LaunchMessage: Codable, Sendable, Equatable {
  /// What is being measured, and how much of the launch is done.
  public var phase: String?
  public var fraction: Double?
  /// Power is to be read now.
  public var poll: Bool?
  /// What has been measured since the last one.
  public var result: LaunchResult?
  /// Every part has had its turn.
  public var isDone: Bool?

  public init(
    phase: String? = nil, fraction: Double? = nil, poll: Bool? = nil, result: LaunchResult? = nil, isDone: Bool? = nil
  ) {
    self.phase = phase
    self.fraction = fraction
    self.poll = poll
    self.result = result
    self.isDone = isDone
  }

  public init(line: String) throws(CapacityError) {
    do { self = try JSONDecoder().decode(LaunchMessage.self, from: Data(line.utf8)) } catch {
      throw .option(name: "launch", what: "a line that is no message: \(line.prefix(80))")
    }
  }

  public func line() throws(CapacityError) -> String { try Self.line(self) }

  static func line(_ value: some Encodable) throws(CapacityError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    do { return String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
      throw .report(path: "JSON", what: "\(error)")
    }
  }
}
