// Figures with the fields of computing-aware traffic steering metrics (IETF, draft-ietf-cats-metric-definition): level 0,
// raw, each with where its value comes from. Ours are measured; what is stated of the node is told to be nominal.
import Foundation

enum CATSExport {
  private struct Metric: Encodable {
    var metricType: String
    var name: String
    var level = 0
    var format = "floating point"
    var unit: String
    var source: String
    var statistics: String?
    var value: Double
    var precision: String?
    var interval: [Double]?
    var validity: String?
    var reasons: [String]?
  }

  private struct Document: Encodable {
    var schema = "gobi.cats/1"
    var processor: String
    var measured: String
    var metrics: [Metric]
  }

  static func text(_ report: CapacityReport) throws(CapacityError) -> String {
    let measured = (report.namedFigures + report.namedShares).map { named in
      Metric(
        metricType: type(named), name: named.name, unit: named.figure.unit, source: "directly measured",
        statistics: named.figure.statistic, value: named.figure.value, precision: named.figure.precision,
        interval: named.figure.ci95, validity: named.figure.validity.rawValue,
        reasons: named.figure.reasons.map(\.rawValue))
    }
    let stated = report.nominal.map {
      Metric(
        metricType: "compute", name: "R_nom \($0.precision?.rawValue ?? "memory")", unit: $0.unit, source: "nominal",
        value: $0.nominal, precision: $0.precision?.tag)
    }
    let document = Document(
      processor: report.node.processor.model, measured: report.started, metrics: measured + stated)
    return String(decoding: try ReportJSON.data(document), as: UTF8.self) + "\n"
  }

  private static func type(_ named: NamedFigure) -> String {
    switch named.layer {
    case .roof, .gemm: "compute"
    case .tokens: "service"
    case .energy: "energy"
    }
  }
}
