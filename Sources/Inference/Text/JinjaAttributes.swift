// What values offer behind a dot, the methods that are no string's, and the functions that every template has.

extension JinjaMachine {
  /// Names that exist in every template.
  static let globals = ["range", "dict", "namespace", "joiner", "cycler", "raise_exception", "strftime_now"]

  private static let listMethods: Set = ["index", "count"]
  private static let dictMethods: Set = ["keys", "values", "items", "get", "copy"]
  /// The sandbox keeps lists and dicts as they are: what would change one is undefined, whatever keys there are.
  private static let changingListMethods: Set = [
    "append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove",
  ]
  private static let changingDictMethods: Set = ["clear", "pop", "popitem", "setdefault", "update"]

  /// An attribute or method that the value's type gives it, nil where it has none of that name.
  func ownAttribute(_ name: String, of owner: JinjaValue) throws(TextError) -> JinjaValue? {
    if name.utf8.starts(with: "__".utf8) { return unsafe(name, of: owner) }
    switch owner {
    case .string: return Self.stringMethods.contains(name) ? try function(.method(owner, name)) : nil
    case .list(let list):
      if case .range(let start, let stop, let step) = list.kind,
        let bound = ["start": start, "stop": stop, "step": step][name]
      {
        return .int(bound)
      }
      if list.kind == .list, Self.changingListMethods.contains(name) { return unsafe(name, of: owner) }
      return Self.listMethods.contains(name) ? try function(.method(owner, name)) : nil
    case .dict:
      if Self.changingDictMethods.contains(name) { return unsafe(name, of: owner) }
      return Self.dictMethods.contains(name) ? try function(.method(owner, name)) : nil
    case .namespace(let namespace): return namespace.values[ExactText(name)]
    case .loop(let loop): return try attribute(name, of: loop)
    case .function(let function): return try attribute(name, of: function)
    default: return nil
    }
  }

  private func unsafe(_ name: String, of owner: JinjaValue) -> JinjaValue {
    .undefined(
      JinjaMissing("access to attribute '\(name)' of '\(owner.typeName)' object is unsafe.", isName: false))
  }

  private func attribute(_ name: String, of loop: JinjaLoop) throws(TextError) -> JinjaValue? {
    let (index, count) = (loop.index, loop.items.count)
    switch name {
    case "index": return .int(index + 1)
    case "index0": return .int(index)
    case "revindex": return .int(count - index)
    case "revindex0": return .int(count - index - 1)
    case "first": return .bool(index == 0)
    case "last": return .bool(index == count - 1)
    case "length": return .int(count)
    case "depth": return .int(loop.level + 1)
    case "depth0": return .int(loop.level)
    case "previtem":
      return index > 0 ? loop.items[index - 1] : .undefined(JinjaMissing("there is no previous item", isName: false))
    case "nextitem":
      return index + 1 < count
        ? loop.items[index + 1] : .undefined(JinjaMissing("there is no next item", isName: false))
    case "cycle", "changed": return try function(.method(.loop(loop), name))
    default: return nil
    }
  }

  private func attribute(_ name: String, of function: JinjaFunction) throws(TextError) -> JinjaValue? {
    switch (function.kind, name) {
    case (.macro(let macro, _), "name"): return .string(macro.name)
    case (.macro(let macro, _), "arguments"): return try tuple(macro.parameters.map { .string($0) })
    case (.macro(let macro, _), "caller"): return .bool(macro.usesCaller)
    case (.macro(let macro, _), "catch_kwargs"): return .bool(macro.usesNamedRest)
    case (.macro(let macro, _), "catch_varargs"): return .bool(macro.usesPositionalRest)
    case (.cycler(let items), "current"): return items[function.uses % items.count]
    case (.cycler, "next"), (.cycler, "reset"): return try self.function(.method(.function(function), name))
    default: return nil
    }
  }

  // MARK: Methods

  func callMethod(_ name: String, of receiver: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    switch receiver {
    case .string(let text): return try callStringMethod(name, of: text, call)
    case .list(let list): return try callMethod(name, of: list, call)
    case .dict(let dict): return try callMethod(name, of: dict, call)
    case .loop(let loop) where name == "cycle":
      guard !call.positional.isEmpty else { throw failure("no items for cycling given") }
      return call.positional[loop.index % call.positional.count]
    case .loop(let loop):
      let before = loop.lastChanged
      if before == nil { try own(loop) }
      loop.lastChanged = call.positional
      guard let before, before.count == call.positional.count else { return .bool(true) }
      for (a, b) in zip(before, call.positional) where try !areEqual(a, b) { return .bool(true) }
      return .bool(false)
    case .function(let function):
      guard case .cycler(let items) = function.kind, name == "next" else {
        function.uses = 0
        return .none
      }
      function.uses += 1
      return items[(function.uses - 1) % items.count]
    default: throw failure("'\(receiver.typeName)' object has no method '\(name)'")
    }
  }

  private func callMethod(_ name: String, of list: JinjaList, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let wanted = try arguments(call, name, ["value"], required: 1)[0] ?? .none
    var count = 0
    for (position, item) in list.items.enumerated() where try areEqual(item, wanted) {
      if name == "index" { return .int(position) }
      count += 1
    }
    guard name == "count" else { throw failure("\(try repr(wanted)) is not in list") }
    return .int(count)
  }

  private func callMethod(_ name: String, of dict: JinjaDict, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    if name == "get" {
      let values = try arguments(call, name, ["key", "default"], required: 1)
      return dict[try key(of: values[0] ?? .none)] ?? values[1] ?? .none
    }
    _ = try arguments(call, name, [])
    switch name {
    case "keys": return try list(dict.keys.map(\.value), kind: .view("dict_keys"))
    case "values": return try list(dict.values, kind: .view("dict_values"))
    case "items":
      try allocate(dict.keys.count * 96)
      return try list(dict.items, kind: .view("dict_items"))
    default: return .dict(dict)
    }
  }

  // MARK: Functions

  func callGlobal(_ name: String, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    switch name {
    case "range": return try makeRange(call)
    case "dict":
      let pairs = try pairs(call, name)
      return try dict(pairs)
    case "namespace":
      var named: [(String, JinjaValue)] = []
      for (key, value) in try pairs(call, name) {
        guard case .string(let text) = key else { throw failure("attributes of a namespace need names") }
        named.append((text.text, value))
      }
      return try namespace(named)
    case "joiner":
      let separator = try arguments(call, name, ["sep"])[0]
      return try function(.joiner(separator: try separator.map { value throws(TextError) in try str(value) } ?? ", "))
    case "cycler":
      guard !call.positional.isEmpty, call.named.isEmpty else { throw failure("at least one item has to be provided") }
      return try function(.cycler(call.positional))
    case "raise_exception":
      let message = try arguments(call, name, ["message"], required: 1)[0] ?? .none
      throw .templateRefused(message: try str(message))
    case "strftime_now":
      let format = try arguments(call, name, ["format"], required: 1)[0] ?? .none
      return try string(clock.formatted(try text(format, for: "a time's format")))
    default: throw failure("no function '\(name)'")
    }
  }

  private func makeRange(_ call: JinjaCall) throws(TextError) -> JinjaValue {
    guard call.named.isEmpty, (1...3).contains(call.positional.count) else {
      throw failure("range expected 1 to 3 arguments, got \(call.positional.count)")
    }
    var bounds: [Int] = []
    for value in call.positional { bounds.append(try whole(value, for: "an argument of range")) }
    let start = bounds.count > 1 ? bounds[0] : 0
    let stop = bounds.count > 1 ? bounds[1] : bounds[0]
    let step = bounds.count > 2 ? bounds[2] : 1
    guard step != 0 else { throw failure("range() arg 3 must not be zero") }
    var items: [JinjaValue] = []
    var next = start
    while step > 0 ? next < stop : next > stop {
      guard items.count < Self.rangeLimit else { throw limit("items of a range", Self.rangeLimit) }
      items.append(.int(next))
      let (sum, overflowed) = next.addingReportingOverflow(step)
      if overflowed { break }
      next = sum
    }
    return try list(items, kind: .range(start: start, stop: stop, step: step))
  }

  /// The arguments of `dict` and `namespace`: a mapping or pairs, then names with values.
  private func pairs(_ call: JinjaCall, _ name: String) throws(TextError) -> [(JinjaKey, JinjaValue)] {
    guard call.positional.count <= 1 else { throw failure("\(name) expected at most 1 argument") }
    var pairs: [(JinjaKey, JinjaValue)] = []
    if case .dict(let dict)? = call.positional.first {
      pairs = Array(zip(dict.keys, dict.values))
    } else if let value = call.positional.first {
      for item in try items(of: value) {
        let pair = try items(of: item)
        guard pair.count == 2 else { throw failure("\(name) needs pairs") }
        pairs.append((try key(of: pair[0]), pair[1]))
      }
    }
    for (name, value) in call.named { pairs.append((.string(ExactText(name)), value)) }
    return pairs
  }
}
