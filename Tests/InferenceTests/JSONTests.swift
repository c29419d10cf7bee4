// Tests of the JSON parser and writer: what RFC 8259 allows, what it does not, and where errors point.
import Inference
import Testing

@Suite struct JSONTests {
  @Test(
    arguments: [
      ("null", JSONValue.null), (" true ", true), ("false", false), ("0", 0), ("-0", 0), ("-12", -12),
      ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
      ("9223372036854775808", .double(0x1p63)), ("-9223372036854775809", .double(-0x1p63)),
      ("1.0", 1.0), ("1e3", 1000.0), ("-2.5E-1", -0.25), ("1e+2", 100.0),
      ("5e-324", .double(.leastNonzeroMagnitude)), ("1e-400", 0.0),
      ("[]", []), ("{}", [:]), ("[1,[2],{}]", [1, [2], [:]]), ("\t\n\r [ 1 , 2 ] ", [1, 2]),
      (#""a\"\\\/\b\f\n\r\tz""#, "a\"\\/\u{8}\u{c}\n\r\tz"), (#""\u00e9\uD83D\ude42""#, "é🙂"),
      (#""plain é then \u0041""#, "plain é then A"), (#""\u0000""#, "\0"), ("\"\u{7f}🙂\"", "\u{7f}🙂"),
      (#"{"b":1,"a":{"c":[null]}}"#, ["b": 1, "a": ["c": [nil]]]),
    ] as [(String, JSONValue)])
  func parses(text: String, value: JSONValue) throws {
    #expect(try JSONValue(parsing: text) == value)
    #expect(try JSONValue(parsing: value.serialized()) == value)
    #expect(try JSONValue(parsing: value.serialized(pretty: true)) == value)
  }

  @Test(
    arguments: [
      ("", 0), (" ", 1), ("nul", 0), ("nulL", 0), ("True", 0), ("NaN", 0), ("Infinity", 0), ("-Infinity", 1),
      ("01", 0), ("-01", 1), ("-", 1), ("+1", 0), (".5", 0), ("1.", 2), ("1.e1", 2), ("1e", 2), ("1e+", 3),
      ("0x1", 1), ("1e400", 0), ("1 2", 2), ("[1,]", 3), ("[1 2]", 3), ("[,1]", 1), ("[1", 2), ("[", 1),
      ("{", 1), (#"{"a"}"#, 4), (#"{"a":}"#, 5), (#"{"a":1,}"#, 7), ("{a:1}", 1), ("{1:1}", 1), (#"{"a":1 "b":2}"#, 7),
      ("\"", 1), ("\"abc", 4), ("\"\\", 2), ("\"\\x\"", 2), (#""\u12""#, 5), (#""\u12G4""#, 5), ("'a'", 0),
      (#""\ud800""#, 1), (#""\udc00""#, 1), (#""\ud800\u0041""#, 1), (#""\ud800\n""#, 1), (#""x\ud800\ud800""#, 2),
      ("\"a\nb\"", 2), ("\"a\\n\tb\"", 4), ("// c\n1", 0), ("\u{feff}1", 0), ("]", 0), ("[1}", 2), ("{\"a\":1]", 6),
      ("tru", 0), ("1\0", 1),
    ] as [(String, Int)])
  func refuses(text: String, offset: Int) {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error?.offset == offset, "\(text): \(String(describing: error))")
  }

  @Test(
    arguments: [
      ([0x22, 0x61, 0xff, 0x22], 2), ([0x22, 0xc0, 0x80, 0x22], 1), ([0x22, 0xed, 0xa0, 0x80, 0x22], 1),
      ([0x22, 0xe2, 0x82, 0x22], 1), ([0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], 1),
      ([0x22, 0x5c, 0x6e, 0x61, 0xff, 0x22], 4), ([0xff], 0),
    ] as [([UInt8], Int)])
  func refusesInvalidUTF8(bytes: [UInt8], offset: Int) {
    let error = #expect(throws: JSONError.self) {
      try bytes.withUnsafeBytes { try JSONValue(parsing: $0) }
    }
    #expect(error?.offset == offset)
  }

  @Test func boundsNesting() throws {
    func nested(_ depth: Int, _ open: String, _ close: String) -> String {
      String(repeating: open, count: depth) + "0" + String(repeating: close, count: depth)
    }
    _ = try JSONValue(parsing: nested(128, "[", "]"))
    #expect(throws: JSONError.self) { try JSONValue(parsing: nested(129, "[", "]")) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: nested(129, "{\"a\":", "}")) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: nested(4, "[", "]"), maximumDepth: 3) }
    _ = try JSONValue(parsing: nested(512, "{\"a\":", "}"), maximumDepth: .max)
    #expect(throws: JSONError.self) {
      try JSONValue(parsing: String(repeating: "[", count: 1_000_000), maximumDepth: .max)
    }
  }

  @Test func keepsOrderAndLastDuplicate() throws {
    let value = try JSONValue(parsing: #"{"z":1,"a":2,"z":3}"#)
    #expect(value.object?.keys == ["z", "a"])
    #expect(value["z"] == 3)
    #expect(value.serialized() == #"{"z":3,"a":2}"#)
    #expect(value == ["a": 2, "z": 3])
    #expect(value != ["a": 2, "y": 3])
  }

  /// Swift's String calls these two equal; a vocabulary holds both.
  @Test(arguments: [0, 40]) func keysCompareByteByByte(others: Int) throws {
    var object = JSONObject((0..<others).map { ("k\($0)", JSONValue.null) })
    object["\u{e9}"] = 1
    object["e\u{301}"] = 2
    #expect(object.count == others + 2)
    #expect(object["\u{e9}"] == 1)
    #expect(object["e\u{301}"] == 2)
    #expect(JSONValue.string("\u{e9}") != .string("e\u{301}"))
    #expect(JSONValue.object(JSONObject([("\u{e9}", 1)])) != ["e\u{301}": 1])
  }

  @Test func largeObjects() throws {
    var object = JSONObject((0..<1000).map { ("k\($0)", JSONValue.int(Int64($0))) })
    #expect(object.count == 1000)
    for number in 0..<1000 { #expect(object["k\(number)"]?.int == number) }
    object["k500"] = nil
    object["new"] = true
    #expect(object["k500"] == nil)
    #expect(object["k501"] == 501)
    #expect(object["new"] == true)
    #expect(object.keys.last == "new")
    #expect(try JSONValue(parsing: JSONValue.object(object).serialized()).object == object)
  }

  @Test func writes() {
    let value: JSONValue = ["a": [1, 2.0, "x\n\u{1}\"\\é"], "b": [:], "c": [], "d": nil]
    #expect(value.serialized() == #"{"a":[1,2.0,"x\n\u0001\"\\é"],"b":{},"c":[],"d":null}"#)
    #expect(
      JSONValue(dictionaryLiteral: ("a", [1, 2]), ("b", [:])).serialized(pretty: true) == """
        {
          "a": [
            1,
            2
          ],
          "b": {}
        }
        """)
    #expect(JSONValue.double(.nan).serialized() == "null")
    #expect(JSONValue.double(0.1).serialized() == "0.1")
    #expect(JSONValue.double(1e22).serialized() == "1e+22")
  }

  @Test func doublesSurviveTheRoundTrip() throws {
    var state: UInt64 = 0x9e37_79b9_7f4a_7c15
    for _ in 0..<10_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Double(bitPattern: state)
      guard value.isFinite else { continue }
      #expect(try JSONValue(parsing: JSONValue.double(value).serialized()).double?.bitPattern == value.bitPattern)
    }
  }

  @Test func accessors() throws {
    let value = try JSONValue(parsing: #"{"i":7,"d":0.5,"s":"t","b":true,"n":null,"a":[1,2]}"#)
    #expect(value["i"]?.int == 7)
    #expect(value["i"]?.double == 7)
    #expect(value["d"]?.int == nil)
    #expect(value["d"]?.double == 0.5)
    #expect(value["s"]?.string == "t")
    #expect(value["b"]?.bool == true)
    #expect(value["n"]?.isNull == true)
    #expect(value["a"]?[1] == 2)
    #expect(value["a"]?[2] == nil)
    #expect(value["a"]?[-1] == nil)
    #expect(value["missing"] == nil)
    #expect(value[0] == nil)
  }

  /// Every cut and every single-byte change of a valid text either parses or throws; none crashes.
  @Test func survivesDamage() throws {
    let text = Array(#"{"a":[1,-2.5e3,"\u00e9\ud83d\ude42 é",true,null],"b":{"c":{}}}"#.utf8)
    for end in 0..<text.count {
      #expect(throws: JSONError.self) { try text[..<end].withUnsafeBytes { try JSONValue(parsing: $0) } }
    }
    for position in text.indices {
      for byte in UInt8.min...UInt8.max {
        var damaged = text
        damaged[position] = byte
        _ = try? damaged.withUnsafeBytes { try JSONValue(parsing: $0) }
      }
    }
  }
}
