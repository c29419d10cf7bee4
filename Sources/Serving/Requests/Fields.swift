// The members of a request's object, read with their types and ranges checked. Members that nobody asks for are passed
// over, as clients of other servers expect.
import Inference

/// An object of a request. What is wrong with a member is an ``APIError`` that names it. A member that is null counts as
/// one that is not there.
struct Fields {
  let object: JSONObject
  /// Where the object stands, such as `messages[2].`; empty for the request itself.
  let path: String

  init(_ object: JSONObject, path: String = "") {
    self.object = object
    self.path = path
  }

  func name(_ key: String) -> String { path + key }

  /// The member, nil where it is missing or null.
  subscript(_ key: String) -> JSONValue? {
    guard let value = object[key], !value.isNull else { return nil }
    return value
  }

  func wrong(_ key: String, _ reason: String) -> APIError { .invalid(name(key), reason) }

  func required<T>(_ key: String, _ value: T?) throws(APIError) -> T {
    guard let value else { throw APIError(400, "\(name(key)) is missing", param: name(key), code: "missing_field") }
    return value
  }

  func string(_ key: String, oneOf words: [String]? = nil, most: Int = .max) throws(APIError) -> String? {
    guard let value = self[key] else { return nil }
    guard let text = value.string else { throw wrong(key, "expected a string") }
    guard text.utf8.count <= most else { throw wrong(key, "expected at most \(most) bytes") }
    if let words, !words.contains(text) {
      throw wrong(key, "expected \(words.map { "'\($0)'" }.joined(separator: ", "))")
    }
    return text
  }

  func bool(_ key: String) throws(APIError) -> Bool? {
    guard let value = self[key] else { return nil }
    guard let bool = value.bool else { throw wrong(key, "expected true or false") }
    return bool
  }

  /// A whole number, which may be written as 1.0.
  func int(_ key: String, _ range: ClosedRange<Int>) throws(APIError) -> Int? {
    guard let value = self[key] else { return nil }
    guard let number = Self.int(value) else { throw wrong(key, "expected a whole number") }
    guard range.contains(number) else {
      let most = range.upperBound == .max ? "" : " to \(range.upperBound)"
      throw wrong(key, "\(number) is out of range: expected \(range.lowerBound)\(most.isEmpty ? " at least" : most)")
    }
    return number
  }

  static func int(_ value: JSONValue) -> Int? {
    if let int = value.int { return int }
    guard case .double(let double) = value else { return nil }
    return Int(exactly: double)
  }

  func number(_ key: String, _ range: ClosedRange<Double>) throws(APIError) -> Double? {
    guard let value = self[key] else { return nil }
    guard let number = value.double else { throw wrong(key, "expected a number") }
    guard range.contains(number) else {
      throw wrong(key, "\(number) is out of range: expected \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func array(_ key: String, most: Int = .max) throws(APIError) -> [JSONValue]? {
    guard let value = self[key] else { return nil }
    guard let array = value.array else { throw wrong(key, "expected a list") }
    guard array.count <= most else { throw wrong(key, "\(array.count) entries, expected at most \(most)") }
    return array
  }

  func fields(_ key: String) throws(APIError) -> Fields? {
    guard let value = self[key] else { return nil }
    guard let object = value.object else { throw wrong(key, "expected an object") }
    return Fields(object, path: name(key) + ".")
  }

  /// The objects of a list.
  func list(_ key: String, most: Int = .max) throws(APIError) -> [Fields]? {
    guard let array = try array(key, most: most) else { return nil }
    var result: [Fields] = []
    for (index, value) in array.enumerated() {
      guard let object = value.object else { throw .invalid("\(name(key))[\(index)]", "expected an object") }
      result.append(Fields(object, path: "\(name(key))[\(index)]."))
    }
    return result
  }

  /// Refuses a member that other servers have, with the reason; its neutral values are let through.
  func refuse(_ key: String, unless neutral: [JSONValue], _ reason: String) throws(APIError) {
    guard let value = self[key], !neutral.contains(value) else { return }
    throw .unsupported(name(key), reason)
  }
}
