// What is not the same in two reports' descriptions of their nodes, builds and models.
import Foundation
import Inference

public struct EnvironmentDifference: Codable, Sendable, Equatable {
  /// The place in the report: "build.version".
  public var what: String
  /// nil where there was nothing.
  public var before: String?
  public var after: String?

  /// Changes from minute to minute and says nothing.
  private static let passing: Set<String> = ["memory.available_bytes"]

  public static func all(_ before: CapacityReport, _ after: CapacityReport) -> [EnvironmentDifference] {
    let (a, b) = (facts(before), facts(after))
    return Set(a.keys).union(b.keys).subtracting(passing).sorted().compactMap { key in
      a[key] == b[key] ? nil : EnvironmentDifference(what: key, before: a[key], after: b[key])
    }
  }

  /// The node's manifest, the run's level and seed, and the models' files, as one text a key.
  static func facts(_ report: CapacityReport) -> [String: String] {
    var all: [String: String] = ["level": report.level.rawValue, "seed": String(report.seed)]
    for model in report.models {
      all["model \(model.facts.label)"] =
        model.facts.hash ?? model.facts.fileBytes.map { "\($0) bytes" } ?? "unknown"
    }
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    guard let data = try? encoder.encode(report.node) else { return all }
    let parsed = [UInt8](data).withUnsafeBytes { raw in
      Result { () throws(JSONError) in try JSONValue(parsing: raw, maximumDepth: 16) }
    }
    if case .success(let value) = parsed { flatten(value, "", into: &all) }
    return all
  }

  private static func flatten(_ value: JSONValue, _ path: String, into all: inout [String: String]) {
    guard let object = value.object else {
      if value.isNull { return }
      all[path] = value.string ?? (try? CanonicalJSON.bytes(value)).map { String(decoding: $0, as: UTF8.self) } ?? "?"
      return
    }
    for (key, item) in zip(object.keys, object.values) {
      flatten(item, path.isEmpty ? key : path + "." + key, into: &all)
    }
  }
}
