// Metrics of several engines as one text: a family's lines must stand together, below one HELP and one TYPE.

enum PrometheusText {
  /// Joins texts that have the same families, in the order of their first lines.
  static func merged(_ texts: [String]) -> String {
    guard texts.count > 1 else { return texts.first ?? "" }
    var order: [Substring] = []
    var heads: [Substring: String] = [:]
    var samples: [Substring: String] = [:]
    for text in texts {
      var family: Substring = ""
      for line in text.split(separator: "\n") {
        guard line.hasPrefix("# ") else {
          samples[family, default: ""] += line + "\n"
          continue
        }
        family = line.split(separator: " ", maxSplits: 3).dropFirst(2).first ?? ""
        if line.hasPrefix("# HELP") {
          if heads[family] == nil { order.append(family) } else { continue }
          heads[family] = line + "\n"
        } else if heads[family]?.contains("# TYPE") == false {
          heads[family]? += line + "\n"
        }
      }
    }
    return order.reduce(into: "") { $0 += (heads[$1] ?? "") + (samples[$1] ?? "") }
  }

  /// A label's value.
  static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.append(character)
      }
    }
  }
}
