// Chat templates: published templates and Jinja snippets against the reference's output, and bounds on hostile ones.
import Foundation
import Inference
import TestSupport
import Testing

private func json(_ path: String) throws -> JSONValue {
  try Fixtures.data(path).withUnsafeBytes { bytes throws(JSONError) in try JSONValue(parsing: bytes) }
}

private func variables(_ object: JSONObject, without names: Set<String> = []) -> [String: JSONValue] {
  var variables: [String: JSONValue] = [:]
  for (name, value) in object where !names.contains(name) { variables[name] = value }
  return variables
}

@Suite struct ChatTemplateTests {
  // MARK: Published templates

  static let models = ["gemma-2", "llama-3.1", "qwen-2.5"]

  static func cases(of model: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: Fixtures.path("chat-templates/\(model)"))
      .filter { $0 != "template.jinja" }.sorted()
  }

  @Test(arguments: models) func rendersPublishedTemplates(model: String) throws {
    let template = try ChatTemplate(source: Fixtures.text("chat-templates/\(model)/template.jinja"))
    let cases = try Self.cases(of: model)
    #expect(cases.count >= 4)
    for name in cases {
      let folder = "chat-templates/\(model)/\(name)"
      let input = try #require(try json("\(folder)/messages.json").object)
      let messages = try #require(input["messages"]?.array)
      let prompts = try #require(input["add_generation_prompt"]?.bool as Bool?)
      let rest = variables(input, without: ["messages", "tools", "add_generation_prompt"])
      let render = { () throws(TextError) in
        try template.render(
          messages: messages, tools: input["tools"], addGenerationPrompt: prompts, variables: rest)
      }
      if FileManager.default.fileExists(atPath: Fixtures.path("\(folder)/expected-error.txt")) {
        let message = try Fixtures.text("\(folder)/expected-error.txt").trimmingCharacters(in: .newlines)
        #expect(throws: TextError.templateRefused(message: message), "\(name)") { try render() }
      } else {
        #expect(try render() == Fixtures.text("\(folder)/expected.txt"), "\(name)")
      }
    }
  }

  @Test(.enabled(if: RealModels.exists(RealModels.smolLM2), "\(RealModels.reason)"))
  func rendersTheTemplateOfAModelFile() throws {
    let file = try GGUFFile(path: RealModels.smolLM2)
    let template = try ChatTemplate(source: #require(file["tokenizer.chat_template"]?.string))
    let text = try template.render(
      messages: [["role": "user", "content": "Hi"]], addGenerationPrompt: true)
    #expect(
      text == """
        <|im_start|>system
        You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>
        <|im_start|>user
        Hi<|im_end|>
        <|im_start|>assistant

        """)
  }

  // MARK: Snippets

  @Test func snippetsMatchTheReference() throws {
    let fixture = try json("chat-templates/snippets.json")
    let context = variables(try #require(fixture["context"]?.object))
    let clock = try #require(fixture["clock"]?.int)
    let snippets = try #require(fixture["snippets"]?.array)
    #expect(snippets.count > 400)
    for snippet in snippets {
      let source = try #require(snippet["template"]?.string)
      let rendered = Result { () throws(TextError) in
        try ChatTemplate(source: source).render(context: context, now: clock)
      }
      if let expected = snippet["expected"]?.string {
        let text = try? rendered.get()
        // Compared by code points: Swift's == would let composed and decomposed letters pass for each other.
        #expect(text.map { $0.utf8.elementsEqual(expected.utf8) } == true, "\(source): \(rendered)")
      } else if let message = snippet["refused"]?.string {
        #expect(throws: TextError.templateRefused(message: message), "\(source)") { try rendered.get() }
      } else {
        #expect(throws: TextError.self, "\(source)") { try rendered.get() }
      }
    }
  }

  @Test func variablesReplaceStandardNames() throws {
    let template = try ChatTemplate(source: "{{ tools }}|{{ documents }}|{{ add_generation_prompt }}|{{ messages }}")
    #expect(try template.render(messages: [], addGenerationPrompt: false) == "None|None|False|[]")
    #expect(
      try template.render(
        messages: [], tools: ["x"], addGenerationPrompt: true, variables: ["documents": [1], "tools": "own"])
        == "own|[1]|True|[]")
  }

  @Test func clockShowsTheGivenTimeOrNow() throws {
    let template = try ChatTemplate(source: "{{ strftime_now('%Y-%m-%d %H:%M:%S') }}")
    #expect(try template.render(messages: [], addGenerationPrompt: false, now: 0) == "1970-01-01 00:00:00")
    #expect(try template.render(messages: [], addGenerationPrompt: false, now: .max).utf8.count > 0)
    let year = try ChatTemplate(source: "{{ strftime_now('%Y')|int }}").render(messages: [], addGenerationPrompt: false)
    #expect(try #require(Int(year)) >= 2024)
  }

  // MARK: Errors

  @Test(arguments: [
    ("a\n{{ 1 + }}", 2), ("{% if x %}", 1), ("x\n\n{% nope %}", 3), ("{{ 'a }}", 1), ("{# a", 1), ("{% raw %}", 1),
    ("\n{{ (1] }}", 2), ("{{ a b }}", 1), ("{% for x in y %}{% endif %}", 1), ("{% break %}", 1),
    ("{% set none = 1 %}", 1), ("{{ f(a=1, 2) }}", 1), ("{{ 99999999999999999999 }}", 1), ("{{ '\\ud800' }}", 1),
    ("{% extends 'x' %}", 1), ("{% include 'x' %}", 1), ("{% set x, 1 = y %}", 1), ("{{ x is }}", 1),
  ])
  func syntaxErrorsNameTheLine(source: String, line: Int) {
    let error = #expect(throws: TextError.self, "\(source)") { try ChatTemplate(source: source) }
    guard case .templateSyntax(let found, let reason)? = error else {
      Issue.record("\(source): \(String(describing: error))")
      return
    }
    #expect(found == line, "\(source): \(reason)")
    #expect(!reason.isEmpty)
  }

  @Test(arguments: [
    ("a\n{{ x.y }}", 2, "'x' is undefined"), ("{{ messages[0].a.b }}", 1, "list object has no element 0"),
    ("{{ 1 + 'a' }}", 1, "unsupported operand type(s) for +: 'int' and 'str'"), ("{{ 1 // 0 }}", 1, "division by zero"),
    ("{{ 1 | nope }}", 1, "no filter named 'nope'"), ("{{ 1 is nope }}", 1, "no test named 'nope'"),
    ("\n{% for i in 5 %}{% endfor %}", 2, "'int' object is not iterable"), ("{{ [1].append(2) }}", 1, "is unsafe"),
    ("{{ 9223372036854775807 + 1 }}", 1, "does not fit"), ("{{ {[1]: 2} }}", 1, "unhashable type: 'list'"),
    ("{{ namespace()|tojson }}", 1, "not JSON serializable"), ("{% set x.y = 1 %}", 1, "no namespace"),
    ("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", 1, "takes not more than 1 argument"),
  ])
  func failuresNameTheLineAndTheCause(source: String, line: Int, cause: String) throws {
    let template = try ChatTemplate(source: source)
    let error = #expect(throws: TextError.self, "\(source)") {
      try template.render(messages: [], addGenerationPrompt: false)
    }
    guard case .templateFailed(let found, let reason)? = error else {
      Issue.record("\(source): \(String(describing: error))")
      return
    }
    #expect(found == line, "\(source)")
    #expect(reason.contains(cause), "\(source): \(reason)")
  }

  // MARK: Hostile templates

  private static let append = "{% set ns = namespace(x=[1]) %}{% for i in range(100000) %}"

  static let hostile: [(String, String)] = [
    ("steps", "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}"),
    ("steps", append + "{% set ns.x = [ns.x, ns.x] if loop.index < 60 else ns.x %}{% endfor %}{{ ns.x == ns.x[:] }}"),
    ("steps", "{% set t = 'a' * 1000000 %}{% for i in range(100000) %}{{ 'b' in t }}{% endfor %}"),
    ("steps", "{% set t = 'A' * 1000000 %}{% for i in range(100000) %}{{ t is upper }}{% endfor %}"),
    ("bytes of values", "{{ 'a' * 10 ** 9 }}"), ("bytes of values", "{{ 'ab' * 10 ** 18 }}"),
    ("bytes of values", "{{ [1] * 10 ** 18 }}"), ("bytes of values", "{{ 'a'.center(10 ** 18) }}"),
    ("bytes of values", "{{ '%1000000000000d' % 1 }}"), ("bytes of values", "{{ '{:>99999999999}'.format(1) }}"),
    ("bytes of values", "{{ [[1]]|tojson(indent=10 ** 12) }}"), ("bytes of values", "{{ 'a\nb'|indent(10 ** 12) }}"),
    ("bytes of values", "{{ ('a' * 100000).replace('a', 'b' * 100000) }}"),
    ("bytes of values", "{{ [1]|batch(10 ** 18, 0)|list }}"), ("bytes of values", "{{ [1]|slice(10 ** 18)|list }}"),
    ("bytes of values", append + "{% set ns.x = ns.x + ns.x %}{% endfor %}"),
    ("bytes of output", "{% for a in range(100000) %}{{ 'x' * 100 }}{% set b = 'y' %}{{ 'x' * 900 }}{% endfor %}"),
    ("items of a range", "{{ range(10 ** 9) }}"), ("items of a range", "{{ range(0 - 10 ** 18, 10 ** 18) }}"),
    ("nesting of values", append + "{% set ns.x = [ns.x] %}{% endfor %}"),
    ("nesting of values", append + "{% set ns.x = cycler(ns.x) %}{% endfor %}"),
    ("nesting of values", append + "{% for j in [ns.x] %}{% set ns.x = loop %}{% endfor %}{% endfor %}"),
    ("depth", "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}"),
    ("depth", "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{% call m() %}{% endcall %}"),
    ("depth", "{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}"),
    ("depth", "{% set ns = namespace() %}{% set ns.own = ns %}{{ ns }}"),
  ]

  @Test(arguments: hostile.indices) func hostileTemplatesMeetALimit(index: Int) throws {
    let (limit, source) = Self.hostile[index]
    var limits = ChatTemplate.Limits()
    limits.steps = 1_000_000
    limits.allocatedBytes = 32 << 20
    limits.outputBytes = 8 << 20
    let template = try ChatTemplate(source: source, limits: limits)
    let error = #expect(throws: TextError.self, "\(source)") {
      try template.render(messages: [], addGenerationPrompt: false)
    }
    guard case .templateLimit(let name, let maximum, _)? = error else {
      Issue.record("\(source): \(String(describing: error))")
      return
    }
    #expect(name == limit, "\(source)")
    #expect(maximum > 0)
  }

  /// Long chains of references between namespaces, loops and macros, and cycles, are taken apart without recursion.
  @Test(arguments: [
    "{% set ns.x = namespace(p=ns.x) %}",
    "{% with p = ns.x %}{% macro m() %}{{ p }}{% endmacro %}{% set ns.x = m %}{% endwith %}",
    "{% with p = ns.x %}{% for j in [1] recursive %}{% set ns.x = loop %}{% endfor %}{% endwith %}",
    "{% for j in [1] %}{% if loop.changed(ns.x) %}{% endif %}{% set ns.x = loop %}{% endfor %}",
    "{% set ns.x = ns %}",
  ])
  func longChainsAreReleased(link: String) throws {
    let source = "{% set ns = namespace(x=0) %}{% for i in range(50000) %}\(link){% endfor %}done"
    #expect(try ChatTemplate(source: source).render(messages: [], addGenerationPrompt: false) == "done")
  }

  @Test(arguments: [
    "(", "[", "{1:", "not ", "-", "a(", "a[", "{% if 1 %}", "{% for x in y %}", "{% macro a() %}", "{% set (", "a|b(",
    "{% generation %}", "{% filter a %}", "1 if ", "x is a(",
  ])
  func nestingInTheTextIsBounded(opening: String) {
    let start = opening.hasPrefix("{%") ? "" : "{{ "
    let source = start + String(repeating: opening, count: 60_000 / opening.utf8.count)
    #expect(throws: TextError.self) { try ChatTemplate(source: source) }
  }

  @Test(arguments: [" + 1", "|string", ".b", "[0]", "()", " and 1", " or 1", " ** 1", " * 1"])
  func chainsAreBounded(link: String) throws {
    _ = try ChatTemplate(source: "{{ a" + String(repeating: link, count: 150) + " }}")
    let source = "{{ a" + String(repeating: link, count: 10_000) + " }}"
    let error = #expect(throws: TextError.self) { try ChatTemplate(source: source) }
    #expect(error == .templateLimit(name: "depth of an expression", maximum: 200, line: 1))
  }

  @Test func sourceSizeIsBounded() {
    var limits = ChatTemplate.Limits()
    limits.sourceBytes = 10
    #expect(throws: TextError.templateLimit(name: "bytes of its text", maximum: 10, line: 1)) {
      try ChatTemplate(source: "01234567890", limits: limits)
    }
  }

  @Test func deepVariablesAreRefused() throws {
    var value: JSONValue = 1
    for _ in 0..<1000 { value = [value] }
    let template = try ChatTemplate(source: "{{ x }}")
    #expect(throws: TextError.self) {
      try template.render(messages: [], addGenerationPrompt: false, variables: ["x": value])
    }
  }

  /// Every prefix of the published templates, and each with a byte changed, parses and renders or throws.
  @Test(arguments: models) func damagedTemplatesNeverCrash(model: String) throws {
    let source = Array(try Fixtures.text("chat-templates/\(model)/template.jinja").utf8)
    let messages: [JSONValue] = [["role": "user", "content": "x"], ["role": "assistant", "content": "y"]]
    func run(_ bytes: [UInt8]) {
      let template = try? ChatTemplate(source: String(decoding: bytes, as: UTF8.self))
      _ = try? template?.render(messages: messages, tools: [["a": 1]], addGenerationPrompt: true)
    }
    var state: UInt64 = 42
    for end in stride(from: 0, to: source.count, by: max(1, source.count / 150)) { run(Array(source[..<end])) }
    for _ in 0..<300 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      var damaged = source
      damaged[Int(state >> 33) % damaged.count] = UInt8(truncatingIfNeeded: state >> 20)
      run(damaged)
    }
  }
}
