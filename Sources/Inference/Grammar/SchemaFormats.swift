// Formats of strings as patterns. Each is a part of its standard that every reader agrees on, and no more.

enum SchemaFormats {
  private static let date =
    #"[12]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"#
  private static let time = #"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"#
  private static let octet = #"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"#
  private static let label = #"[A-Za-z0-9]{1,30}(?:-[A-Za-z0-9]{1,30})?"#
  private static let hour = #"T(?:\d{1,4}H(?:\d{1,4}M(?:\d{1,4}S)?)?|\d{1,4}M(?:\d{1,4}S)?|\d{1,4}S)"#
  private static let uriText = #"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"#
  private static let host = #"\#(label)(?:\.\#(label)){0,3}"#

  /// A pattern of the whole string, by the format's name.
  static let patterns: [String: String] = [
    "date": "^\(date)$",
    "time": "^\(time)$",
    "date-time": "^\(date)T\(time)$",
    "duration":
      #"^P(?:\d{1,4}W|(?:\d{1,4}D|\d{1,4}M(?:\d{1,4}D)?|\d{1,4}Y(?:\d{1,4}M(?:\d{1,4}D)?)?)(?:\#(hour))?|\#(hour))$"#,
    "uuid": #"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"#,
    "email": #"^[A-Za-z0-9_+-]{1,20}(?:\.[A-Za-z0-9_+-]{1,20}){0,2}@\#(host)$"#,
    "idn-email": #"^[A-Za-z0-9_+-]{1,20}(?:\.[A-Za-z0-9_+-]{1,20}){0,2}@\#(host)$"#,
    "hostname": "^\(host)$",
    "idn-hostname": "^\(host)$",
    "ipv4": #"^\#(octet)(?:\.\#(octet)){3}$"#,
    "ipv6":
      #"^(?:(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|(?:[0-9a-fA-F]{1,4}:){1,6}:[0-9a-fA-F]{1,4}|::[0-9a-fA-F]{1,4})$"#,
    "uri": #"^[a-z][a-z0-9]{1,15}://\#(host)(?::\d{1,4})?(?:/\#(uriText)*)*(?:\?\#(uriText)*)?(?:#\#(uriText)*)?$"#,
    "iri": #"^[a-z][a-z0-9]{1,15}://\#(host)(?::\d{1,4})?(?:/\#(uriText)*)*(?:\?\#(uriText)*)?(?:#\#(uriText)*)?$"#,
    "uri-reference": #"^(?:[a-z][a-z0-9]{1,15}://\#(host)|(?:/\#(uriText)+))(?:/\#(uriText)*)*(?:\?\#(uriText)*)?$"#,
    "iri-reference": #"^(?:[a-z][a-z0-9]{1,15}://\#(host)|(?:/\#(uriText)+))(?:/\#(uriText)*)*(?:\?\#(uriText)*)?$"#,
    "json-pointer": #"^(?:/(?:[^/~]|~[01])*)*$"#,
  ]

  /// Formats of numbers that say a range.
  static let wholeNumbers: [String: (lower: DecimalNumber, upper: DecimalNumber)] = [
    "int32": (number(.int(Int64(Int32.min))), number(.int(Int64(Int32.max)))),
    "int64": (number(.int(.min)), number(.int(.max))),
  ]

  /// Formats of numbers that say how they are kept, and nothing of their text.
  static let ofNumbers: Set<String> = ["float", "double"]

  private static func number(_ value: JSONValue) -> DecimalNumber { DecimalNumber(value) ?? .zero }
}
