// Limits on power or clock that the kernel lets an administrator set, through powercap and cpufreq. What was set before
// is always put back: after the work, after an error, after a cancelled run.

public struct PowerCap: Sendable {
  public enum Kind: String, Codable, Sendable {
    /// Watts of each processor package: constraint_0_power_limit_uw.
    case power
    /// Hertz of each core: scaling_max_freq.
    case frequency

    public var unit: String { self == .power ? "W" : "Hz" }
  }

  /// One file that holds a limit, in the kernel's unit, and what it held.
  private struct Setting {
    var path: String
    var before: String
    var least: Double
    var most: Double
  }

  public let kind: Kind
  private let files: NodeFiles
  private let settings: [Setting]

  /// Throws .option with the reason where the node has no such limit, or its files may not be written.
  public init(_ kind: Kind, _ files: NodeFiles) throws(CapacityError) {
    self.kind = kind
    self.files = files
    settings = try kind == .power ? Self.packages(files) : Self.policies(files)
    // A limit that cannot be written is found out now, by writing what is there.
    for setting in settings {
      do { try files.write(setting.before, to: setting.path) } catch {
        throw .option(name: "flex", what: "the limit cannot be set: \(error.description)")
      }
    }
  }

  private static func packages(_ files: NodeFiles) throws(CapacityError) -> [Setting] {
    var settings: [Setting] = []
    for zone in files.names(in: RAPLSource.folder) where zone.hasPrefix("intel-rapl:") {
      let folder = "\(RAPLSource.folder)/\(zone)"
      guard files.text("\(folder)/name")?.hasPrefix("package") == true,
        let before = files.text("\(folder)/constraint_0_power_limit_uw"), let now = Double(before), now > 0
      else { continue }
      let most = files.text("\(folder)/constraint_0_max_power_uw").flatMap(Double.init) ?? 0
      let full = most > 0 ? min(most, now) : now
      // Below a quarter of its limit a package may not be able to stay.
      settings.append(
        Setting(
          path: "\(folder)/constraint_0_power_limit_uw", before: before, least: 0.25 * full * 1e-6, most: full * 1e-6))
    }
    guard !settings.isEmpty else {
      throw .option(name: "flex", what: "no package under /\(RAPLSource.folder) has a power limit")
    }
    return settings
  }

  private static func policies(_ files: NodeFiles) throws(CapacityError) -> [Setting] {
    let folder = "sys/devices/system/cpu/cpufreq"
    var settings: [Setting] = []
    for policy in files.names(in: folder) where policy.hasPrefix("policy") {
      let path = "\(folder)/\(policy)"
      guard let before = files.text("\(path)/scaling_max_freq"), let now = Double(before),
        let least = files.text("\(path)/cpuinfo_min_freq").flatMap(Double.init), least > 0, least < now
      else { continue }
      settings.append(
        Setting(path: "\(path)/scaling_max_freq", before: before, least: least * 1000, most: now * 1000))
    }
    guard !settings.isEmpty else {
      throw .option(name: "flex", what: "no policy under /\(folder) has a clock limit")
    }
    return settings
  }

  /// What can be set on every package or core, from the least to what is set now; in watts or hertz.
  public var range: ClosedRange<Double> {
    let least = settings.map(\.least).max() ?? 0
    let most = settings.map(\.most).min() ?? 0
    return min(least, most)...most
  }

  /// `count` limits at equal distances over `range`, the present one first. At least two.
  public func levels(_ count: Int) -> [Double] {
    (0..<max(count, 2)).map { i in
      range.upperBound - (range.upperBound - range.lowerBound) * Double(i) / Double(max(count, 2) - 1)
    }
  }

  /// Sets `limit` on every package or core, and reads back that it holds.
  private func set(_ limit: Double) throws(CapacityError) {
    for setting in settings {
      let value = kind == .power ? limit * 1e6 : limit / 1000
      let text = "\(Int(value.rounded()))"
      do throws(NodeFileError) {
        try files.write(text, to: setting.path)
        let now = Double(try files.contents(setting.path)) ?? 0
        // The hardware rounds to its own steps.
        guard abs(now - value) <= 0.05 * value else {
          throw NodeFileError(path: setting.path, code: 34)
        }
      } catch { throw .option(name: "flex", what: "the limit cannot be set: \(error.description)") }
    }
  }

  /// Runs `body`, which sets limits by its argument, and puts back what was set before, whatever `body` does. A limit
  /// that cannot be put back is an error that says what to write where, also if `body` failed.
  public func whileSetting<R>(
    _ body: (_ set: (Double) throws(CapacityError) -> Void) throws(CapacityError) -> R
  ) throws(CapacityError) -> R {
    let outcome: Result<R, CapacityError>
    do { outcome = .success(try body { limit throws(CapacityError) in try self.set(limit) }) } catch {
      outcome = .failure(error)
    }
    let left = settings.filter { setting in (try? files.write(setting.before, to: setting.path)) == nil }
    if !left.isEmpty {
      let words = left.map { "write \($0.before) to /\($0.path)" }.joined(separator: ", ")
      throw .option(name: "flex", what: "a limit could not be put back: \(words)")
    }
    return try outcome.get()
  }
}
