// Counters as Prometheus reads them.

/// What takes an engine's metrics. Names are without the prefix, and those of counters without `_total`.
package protocol MetricsSink {
  mutating func counter(_ name: String, _ help: String, _ value: Int)
  mutating func gauge(_ name: String, _ help: String, _ value: Int)
  /// How requests ended: `requests_ended`, by `outcome`.
  mutating func outcomes(finished: Int, cancelled: Int, failed: Int)
  mutating func histogram(_ name: String, _ help: String, _ value: EngineHistogram)
}

/// Writes metric families in the text format of Prometheus, version 0.0.4.
struct MetricsText: MetricsSink {
  /// Before every name.
  let prefix: String
  /// What stands in the braces of every line, already escaped; may be empty.
  let labels: String
  private(set) var text = ""

  init(prefix: String, labels: String) {
    self.prefix = prefix
    self.labels = labels
  }

  mutating func family(_ name: String, _ type: String, _ help: String) {
    text += "# HELP \(prefix)\(name) \(help)\n# TYPE \(prefix)\(name) \(type)\n"
  }

  mutating func line(_ name: String, _ value: String, label extra: String = "") {
    let all = [labels, extra].filter { !$0.isEmpty }.joined(separator: ",")
    text += "\(prefix)\(name)\(all.isEmpty ? "" : "{\(all)}") \(value)\n"
  }

  mutating func counter(_ name: String, _ help: String, _ value: Int) {
    family(name + "_total", "counter", help)
    line(name + "_total", "\(value)")
  }

  mutating func gauge(_ name: String, _ help: String, _ value: Int) {
    family(name, "gauge", help)
    line(name, "\(value)")
  }

  mutating func outcomes(finished: Int, cancelled: Int, failed: Int) {
    family("requests_ended_total", "counter", "Requests by how they ended.")
    line("requests_ended_total", "\(finished)", label: "outcome=\"finished\"")
    line("requests_ended_total", "\(cancelled)", label: "outcome=\"cancelled\"")
    line("requests_ended_total", "\(failed)", label: "outcome=\"failed\"")
  }

  mutating func histogram(_ name: String, _ help: String, _ value: EngineHistogram) {
    family(name, "histogram", help)
    var sum = 0
    for (bound, count) in value.cumulative {
      line(name + "_bucket", "\(count)", label: "le=\"\(bound)\"")
      sum = count
    }
    line(name + "_sum", "\(value.sum)")
    line(name + "_count", "\(sum)")
  }
}
