// Values as text: `str`, `repr` and `tojson`, each as Python writes it.

extension JinjaMachine {
  /// `str(value)`: strings as they are, all else as `repr` has it.
  func str(_ value: JinjaValue) throws(TextError) -> String {
    switch value {
    case .string(let text): return text
    case .undefined: return ""
    case .int(let value): return String(value)
    default:
      var out = ""
      try writeRepr(value, to: &out)
      return out
    }
  }

  func repr(_ value: JinjaValue) throws(TextError) -> String {
    var out = ""
    try writeRepr(value, to: &out)
    return out
  }

  private func append(_ text: String, to out: inout String) throws(TextError) {
    try allocate(text.utf8.count)
    out += text
  }

  private func writeRepr(_ value: JinjaValue, to out: inout String) throws(TextError) {
    try enter()
    defer { leave() }
    switch value {
    case .undefined: try append("Undefined", to: &out)
    case .none: try append("None", to: &out)
    case .bool(let value): try append(value ? "True" : "False", to: &out)
    case .int(let value): try append(String(value), to: &out)
    case .double(let value): try append(JinjaNumbers.repr(value), to: &out)
    case .string(let text):
      try scan(text, isSlow: true)
      try append(Self.quoted(text), to: &out)
    case .list(let list): try writeRepr(list, to: &out)
    case .dict(let dict):
      try append("{", to: &out)
      try writePairs(zip(dict.keys.lazy.map(\.value), dict.values), to: &out)
      try append("}", to: &out)
    case .namespace(let namespace):
      try append("<Namespace {", to: &out)
      let pairs = namespace.keys.lazy.map { (JinjaValue.string($0), namespace.values[ExactText($0)] ?? .none) }
      try writePairs(pairs, to: &out)
      try append("}>", to: &out)
    case .generator(let generator): try append("<\(generator.name) object>", to: &out)
    case .loop(let loop): try append("<LoopContext \(loop.index + 1)/\(loop.items.count)>", to: &out)
    case .function(let function): try append(Self.name(of: function), to: &out)
    }
  }

  private static func name(of function: JinjaFunction) -> String {
    switch function.kind {
    case .macro(let macro, _): "<Macro \(quoted(macro.name))>"
    case .method(let receiver, let name): "<built-in method \(name) of \(receiver.typeName) object>"
    case .global(let name): "<function \(name)>"
    case .joiner: "<Joiner object>"
    case .cycler: "<Cycler object>"
    }
  }

  private func writeRepr(_ list: JinjaList, to out: inout String) throws(TextError) {
    var (open, close) = ("[", "]")
    switch list.kind {
    case .list: break
    case .tuple: (open, close) = ("(", list.items.count == 1 ? ",)" : ")")
    case .view(let name): (open, close) = (name + "([", "])")
    case .range(let start, let stop, let step):
      return try append("range(\(start), \(stop)\(step == 1 ? "" : ", \(step)"))", to: &out)
    }
    try append(open, to: &out)
    for (position, item) in list.items.enumerated() {
      if position > 0 { try append(", ", to: &out) }
      try writeRepr(item, to: &out)
    }
    try append(close, to: &out)
  }

  private func writePairs(
    _ pairs: some Sequence<(JinjaValue, JinjaValue)>, to out: inout String
  ) throws(TextError) {
    var isFirst = true
    for (key, value) in pairs {
      if !isFirst { try append(", ", to: &out) }
      isFirst = false
      try writeRepr(key, to: &out)
      try append(": ", to: &out)
      try writeRepr(value, to: &out)
    }
  }

  /// A string as `repr` writes it: in single quotes unless only those occur in it.
  static func quoted(_ text: String) -> String {
    let quote: Unicode.Scalar = text.utf8.contains(0x27) && !text.utf8.contains(0x22) ? "\"" : "'"
    var out = String(quote)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case quote: out += "\\\(quote)"
      case " "..."~": out.unicodeScalars.append(scalar)
      default:
        if scalar.isPythonPrintable {
          out.unicodeScalars.append(scalar)
        } else {
          out += escape(scalar)
        }
      }
    }
    out.unicodeScalars.append(quote)
    return out
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    let (letter, length) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
    let hex = String(scalar.value, radix: 16)
    return "\\" + letter + String(repeating: "0", count: length - hex.utf8.count) + hex
  }
}

extension Unicode.Scalar {
  fileprivate var isPythonPrintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
      .spaceSeparator:
      false
    default: true
    }
  }
}

// MARK: - JSON

/// How `tojson` lays its text out: as `json.dumps` does, with characters beyond ASCII kept.
struct JinjaJSONStyle {
  var indent: String?
  var itemSeparator = ", "
  var keySeparator = ": "
  var sortsKeys = false
  var escapesNonASCII = false
}

extension JinjaMachine {
  func json(_ value: JinjaValue, style: JinjaJSONStyle) throws(TextError) -> String {
    var out = ""
    try writeJSON(value, style: style, level: 0, to: &out)
    return out
  }

  private func writeJSON(
    _ value: JinjaValue, style: JinjaJSONStyle, level: Int, to out: inout String
  ) throws(TextError) {
    try enter()
    defer { leave() }
    switch value {
    case .none: try append("null", to: &out)
    case .bool(let value): try append(value ? "true" : "false", to: &out)
    case .int(let value): try append(String(value), to: &out)
    case .double(let value): try append(Self.jsonNumber(value), to: &out)
    case .string(let text): try writeJSON(text, style: style, to: &out)
    case .list(let list) where list.kind == .list || list.kind == .tuple:
      try append("[", to: &out)
      for (position, item) in list.items.enumerated() {
        try separate(position, style: style, level: level + 1, to: &out)
        try writeJSON(item, style: style, level: level + 1, to: &out)
      }
      if !list.items.isEmpty { try breakLine(style, level: level, to: &out) }
      try append("]", to: &out)
    case .dict(let dict): try writeJSON(dict, style: style, level: level, to: &out)
    default: throw failure("Object of type \(value.typeName) is not JSON serializable")
    }
  }

  private func writeJSON(
    _ dict: JinjaDict, style: JinjaJSONStyle, level: Int, to out: inout String
  ) throws(TextError) {
    var order = Array(dict.keys.indices)
    if style.sortsKeys {
      order = try sorted(dict.keys.map(\.value), reverse: false).map(\.offset)
    }
    try append("{", to: &out)
    for (position, index) in order.enumerated() {
      try separate(position, style: style, level: level + 1, to: &out)
      switch dict.keys[index] {
      case .string(let text): try writeJSON(text.text, style: style, to: &out)
      case .int(let value): try append("\"\(value)\"", to: &out)
      case .number(let value): try append("\"" + Self.jsonNumber(value) + "\"", to: &out)
      case .bool(let value): try append(value ? "\"true\"" : "\"false\"", to: &out)
      case .none: try append("\"null\"", to: &out)
      case .tuple: throw failure("keys must be str, int, float, bool or None, not tuple")
      }
      try append(style.keySeparator, to: &out)
      try writeJSON(dict.values[index], style: style, level: level + 1, to: &out)
    }
    if !dict.keys.isEmpty { try breakLine(style, level: level, to: &out) }
    try append("}", to: &out)
  }

  private func separate(
    _ position: Int, style: JinjaJSONStyle, level: Int, to out: inout String
  ) throws(TextError) {
    if position > 0 { try append(style.itemSeparator, to: &out) }
    try breakLine(style, level: level, to: &out)
  }

  private func breakLine(_ style: JinjaJSONStyle, level: Int, to out: inout String) throws(TextError) {
    guard let indent = style.indent else { return }
    try append("\n", to: &out)
    for _ in 0..<level { try append(indent, to: &out) }
  }

  private func writeJSON(_ text: String, style: JinjaJSONStyle, to out: inout String) throws(TextError) {
    try scan(text, isSlow: true)
    var quoted = ""
    JSONValue.write(text, to: &quoted)
    guard style.escapesNonASCII else { return try append(quoted, to: &out) }
    for unit in quoted.utf16 {
      if unit < 0x7f, let scalar = Unicode.Scalar(unit) {
        out.unicodeScalars.append(scalar)
      } else {
        let hex = String(unit, radix: 16)
        try append("\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex, to: &out)
      }
    }
  }

  private static func jsonNumber(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity" }
    return JinjaNumbers.repr(value)
  }
}
