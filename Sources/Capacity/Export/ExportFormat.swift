// In whose words a report's figures are told to other systems. Each format's rules are in its own file.
import Foundation

public enum ExportFormat: String, Sendable, CaseIterable {
  /// Prometheus' text exposition format, 0.0.4: for the node exporter's textfile collector.
  case prometheus
  /// A local feature file of Kubernetes' node feature discovery.
  case nfd
  /// Features of a node for Slurm: a list with commas.
  case slurm
  /// JSON with the fields of IETF's computing-aware traffic steering metrics (draft-ietf-cats-metric-definition).
  case cats
  /// RFC 4180, a figure a row.
  case csv

  public func text(_ report: CapacityReport) throws(CapacityError) -> String {
    switch self {
    case .prometheus: PrometheusExport.text(report)
    case .nfd: SchedulerExport.featureFile(report)
    case .slurm: SchedulerExport.features(report)
    case .cats: try CATSExport.text(report)
    case .csv: CSVExport.text(report)
    }
  }

  /// Writes the export aside and renames it: a reader sees the earlier file or the whole of this one.
  public func write(_ report: CapacityReport, to path: String) throws(CapacityError) {
    let bytes = Array(try text(report).utf8)
    do throws(CertificateError) { try ReportFile.write(bytes, to: path) } catch {
      guard case .cannotWrite(_, let reason) = error else { throw .report(path: path, what: "\(error)") }
      throw .report(path: path, what: "cannot write: \(reason)")
    }
  }
}
