// The filters that work on sequences and mappings. Those that are lazy in the reference give generators, which are
// true even when empty and can be walked once.

extension JinjaMachine {
  static let sequenceFilters: Set = [
    "length", "count", "first", "last", "list", "join", "items", "reverse", "sort", "unique", "dictsort", "map",
    "select", "reject", "selectattr", "rejectattr", "batch", "slice", "sum", "min", "max", "groupby",
  ]

  func applySequenceFilter(
    _ name: String, to value: JinjaValue, _ call: JinjaCall
  ) throws(TextError) -> JinjaValue {
    switch name {
    case "map": return try generator(map(value, call))
    case "select", "reject", "selectattr", "rejectattr": return try generator(select(name, value, call))
    case "join": return try join(value, call)
    case "sort": return try sort(value, call)
    case "unique": return try unique(value, call)
    case "dictsort": return try dictSort(value, call)
    case "batch", "slice": return try group(name, value, call)
    case "sum": return try sum(value, call)
    case "min", "max": return try extreme(name, value, call)
    case "groupby": return try groupBy(value, call)
    default: break
    }
    _ = try arguments(call, name, [])
    switch name {
    case "first": return try first(of: value)
    case "last":
      if case .generator = value { throw failure("'generator' object is not reversible") }
      return try items(of: value).last ?? .undefined(JinjaMissing("No last item, sequence was empty.", isName: false))
    case "list": return try list(items(of: value))
    case "items":
      if value.isUndefined { return try generator([]) }
      guard case .dict(let dict) = value else { throw failure("Can only get item pairs from a mapping.") }
      try allocate(dict.keys.count * 96)
      return try generator(dict.items)
    case "reverse":
      if case .string(let text) = value { return try string(JinjaStrings.reversed(text)) }
      return try generator(items(of: value).reversed(), name: "list_reverseiterator")
    default:
      guard let length = try length(of: value) else {
        throw failure("object of type '\(value.typeName)' has no len()")
      }
      return .int(length)
    }
  }

  private func first(of value: JinjaValue) throws(TextError) -> JinjaValue {
    let none = JinjaValue.undefined(JinjaMissing("No first item, sequence was empty.", isName: false))
    switch value {
    case .generator(let generator): return generator.next() ?? none
    case .string(let text): return text.unicodeScalars.first.map { .string(String($0)) } ?? none
    default: return try items(of: value).first ?? none
    }
  }

  // MARK: Attributes of items

  /// The steps of an attribute such as `function.name` or `0`; none for no attribute.
  private func path(_ attribute: JinjaValue?) throws(TextError) -> [JinjaValue] {
    guard let attribute, !attribute.isNone else { return [] }
    guard case .string(let text) = attribute else { return [attribute] }
    return text.split(separator: ".", omittingEmptySubsequences: false).map { part in
      part.utf8.allSatisfy { (0x30...0x39).contains($0) }
        ? Int(part).map { .int($0) } ?? .string(String(part))
        : .string(String(part))
    }
  }

  private func follow(
    _ path: [JinjaValue], from value: JinjaValue, default standard: JinjaValue? = nil
  ) throws(TextError) -> JinjaValue {
    var value = value
    for key in path {
      value = try element(key, of: value)
      if let standard, !standard.isNone, value.isUndefined { value = standard }
    }
    return value
  }

  private func ignoringCase(_ value: JinjaValue, _ caseSensitive: JinjaValue?) throws(TextError) -> JinjaValue {
    guard caseSensitive?.isTrue != true, case .string(let text) = value else { return value }
    return try string(JinjaStrings.lowered(text))
  }

  // MARK: Mapping and choosing

  private func map(_ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> [JinjaValue] {
    guard value.isTrue else { return [] }
    var results: [JinjaValue] = []
    if call.positional.isEmpty, call.named.contains(where: { $0.name == "attribute" }) {
      let values = try arguments(call, "map", ["attribute", "default"])
      let path = try path(values[0])
      for item in try items(of: value) {
        try step()
        results.append(try follow(path, from: item, default: values[1]))
      }
      return results
    }
    guard let name = call.positional.first else { throw failure("map requires a filter argument") }
    let filter = try text(name, for: "a filter's name")
    let rest = JinjaCall(positional: Array(call.positional.dropFirst()), named: call.named)
    for item in try items(of: value) { results.append(try applyFilter(filter, to: item, rest)) }
    return results
  }

  private func select(_ name: String, _ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> [JinjaValue] {
    guard value.isTrue else { return [] }
    let (byAttribute, keeps) = (name.hasSuffix("attr"), name.hasPrefix("select"))
    var rest = call.positional[...]
    var path: [JinjaValue] = []
    if byAttribute {
      guard let attribute = rest.popFirst() else { throw failure("Missing parameter for attribute name") }
      path = try self.path(attribute)
    }
    var test: String?
    if let name = rest.popFirst() { test = try text(name, for: "a test's name") }
    let testCall = JinjaCall(positional: Array(rest), named: call.named)
    var kept: [JinjaValue] = []
    for item in try items(of: value) {
      try step()
      let subject = try follow(path, from: item)
      let passes = try test.map { name throws(TextError) in try applyTest(name, to: subject, testCall) }
      if (passes ?? subject.isTrue) == keeps { kept.append(item) }
    }
    return kept
  }

  private func join(_ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, "join", ["d", "attribute"])
    let path = try path(values[1])
    let separator = try str(values[0] ?? .string(""))
    var parts: [JinjaValue] = []
    for item in try items(of: value) { parts.append(.string(try str(follow(path, from: item)))) }
    return try join(parts, with: separator)
  }

  // MARK: Ordering

  private func sort(_ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, "sort", ["reverse", "case_sensitive", "attribute"])
    var paths = [try path(values[2])]
    if case .string(let text)? = values[2] {
      paths = []
      for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        paths.append(try path(.string(String(part))))
      }
    }
    let items = try items(of: value)
    var keys: [JinjaValue] = []
    for item in items {
      var key: [JinjaValue] = []
      for path in paths { key.append(try ignoringCase(follow(path, from: item), values[1])) }
      keys.append(try list(key))
    }
    return try list(sorted(keys, reverse: values[0]?.isTrue ?? false).map { items[$0.offset] })
  }

  private func dictSort(_ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, "dictsort", ["case_sensitive", "by", "reverse"])
    guard case .dict(let dict) = value else { throw failure("'\(value.typeName)' object has no attribute 'items'") }
    let by = try text(values[1] ?? .string("key"), for: "what to sort by")
    guard by == "key" || by == "value" else { throw failure("You can only sort by either \"key\" or \"value\"") }
    var keys: [JinjaValue] = []
    for (key, value) in zip(dict.keys, dict.values) {
      keys.append(try ignoringCase(by == "key" ? key.value : value, values[0]))
    }
    try allocate(dict.keys.count * 96)
    let items = dict.items
    return try list(sorted(keys, reverse: values[2]?.isTrue ?? false).map { items[$0.offset] })
  }

  private func unique(_ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, "unique", ["case_sensitive", "attribute"])
    let path = try path(values[1])
    var seen: Set<JinjaKey> = []
    var kept: [JinjaValue] = []
    for item in try items(of: value) {
      try step()
      let key = try key(of: ignoringCase(follow(path, from: item), values[0]))
      if seen.insert(key).inserted { kept.append(item) }
    }
    return try generator(kept)
  }

  private func extreme(_ name: String, _ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, name, ["case_sensitive", "attribute"])
    let path = try path(values[1])
    var best: (item: JinjaValue, key: JinjaValue)?
    for item in try items(of: value) {
      let key = try ignoringCase(follow(path, from: item), values[0])
      if let current = best {
        let isBetter = try name == "max" ? order(key, current.key) == 1 : order(key, current.key) == -1
        if !isBetter { continue }
      }
      best = (item, key)
    }
    return best?.item ?? .undefined(JinjaMissing("No aggregated item, sequence was empty.", isName: false))
  }

  // MARK: Gathering

  private func sum(_ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, "sum", ["attribute", "start"])
    let path = try path(values[0])
    var total = values[1] ?? .int(0)
    if case .string = total { throw failure("sum() can't sum strings") }
    for item in try items(of: value) { total = try binary(.add, total, follow(path, from: item)) }
    return total
  }

  private func group(_ name: String, _ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, name, [name == "batch" ? "linecount" : "slices", "fill_with"], required: 1)
    let count = try whole(values[0] ?? .none, for: "a count")
    guard count > 0 else { throw failure("a count must be positive") }
    let items = try items(of: value)
    let fill = values[1].flatMap { $0.isNone ? nil : $0 }
    var groups: [JinjaValue] = []
    if name == "batch" {
      for start in stride(from: 0, to: items.count, by: count) {
        var part = Array(items[start..<min(items.count, start + min(count, items.count))])
        if let fill, part.count < count {
          try allocate(min(count, Int.max / 16) * 16)
          part += Array(repeating: fill, count: count - part.count)
        }
        groups.append(try list(part))
      }
      return try generator(groups)
    }
    try allocate(min(count, Int.max / 64) * 64)
    let (size, extra) = items.count.quotientAndRemainder(dividingBy: count)
    var start = 0
    for index in 0..<count {
      let end = start + size + (index < extra ? 1 : 0)
      var part = Array(items[start..<end])
      if let fill, index >= extra { part.append(fill) }
      groups.append(try list(part))
      start = end
    }
    return try generator(groups)
  }

  private func groupBy(_ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, "groupby", ["attribute", "default", "case_sensitive"], required: 1)
    let path = try path(values[0])
    let items = try items(of: value)
    var keys: [JinjaValue] = []
    for item in items { keys.append(try ignoringCase(follow(path, from: item, default: values[1]), values[2])) }
    var groups: [(key: JinjaValue, items: [JinjaValue])] = []
    for (offset, key) in try sorted(keys, reverse: false) {
      if let last = groups.last, try areEqual(last.key, key) {
        groups[groups.count - 1].items.append(items[offset])
      } else {
        groups.append((key, [items[offset]]))
      }
    }
    var results: [JinjaValue] = []
    for group in groups {
      let key = try follow(path, from: group.items[0], default: values[1])
      results.append(try tuple([key, list(group.items)]))
    }
    return try list(results)
  }
}
