// The time of day for `strftime_now`, written by strftime's codes in the C locale. Nothing here depends on a locale.
import Glibc

struct JinjaClock {
  private let time: tm

  /// The broken-down time of `now` seconds since 1970 in UTC; nil is the system's clock in its time zone.
  init(now: Int?) {
    var broken = tm()
    if let now {
      var seconds = time_t(now)
      gmtime_r(&seconds, &broken)
    } else {
      var seconds = Glibc.time(nil)
      localtime_r(&seconds, &broken)
    }
    time = broken
  }

  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
  private static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

  /// `format` with its codes replaced. A code that is not known stays as it is; `-` drops a number's padding.
  func formatted(_ format: String) -> String {
    var out = ""
    var rest = format.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "%", let next = rest.popFirst() else {
        out.unicodeScalars.append(scalar)
        continue
      }
      let unpadded = next == "-"
      guard let code = unpadded ? rest.popFirst() : next else {
        out += "%-"
        continue
      }
      out += text(of: code, unpadded: unpadded) ?? "%" + (unpadded ? "-" : "") + String(code)
    }
    return out
  }

  private func text(of code: Unicode.Scalar, unpadded: Bool) -> String? {
    if let (value, width, pad) = number(of: code) {
      let digits = String(value)
      return unpadded ? digits : String(repeating: pad, count: max(0, width - digits.utf8.count)) + digits
    }
    let month = Self.months[Int(time.tm_mon) % 12]
    let day = Self.days[Int(time.tm_wday) % 7]
    switch code {
    case "a": return String(day.prefix(3))
    case "A": return day
    case "b", "h": return String(month.prefix(3))
    case "B": return month
    case "p": return time.tm_hour < 12 ? "AM" : "PM"
    case "c": return formatted("%a %b %e %H:%M:%S %Y")
    case "x", "D": return formatted("%m/%d/%y")
    case "X", "T": return formatted("%H:%M:%S")
    case "r": return formatted("%I:%M:%S %p")
    case "R": return formatted("%H:%M")
    case "F": return formatted("%Y-%m-%d")
    // The reference formats a time without a zone, which leaves these two empty.
    case "z", "Z": return ""
    case "f": return "000000"
    case "n": return "\n"
    case "t": return "\t"
    case "%": return "%"
    default: return nil
    }
  }

  private func number(of code: Unicode.Scalar) -> (value: Int, width: Int, pad: String)? {
    let year = Int(time.tm_year) + 1900
    let hour12 = Int(time.tm_hour + 11) % 12 + 1
    let weekdayFromMonday = Int(time.tm_wday + 6) % 7
    switch code {
    case "d": return (Int(time.tm_mday), 2, "0")
    case "e": return (Int(time.tm_mday), 2, " ")
    case "m": return (Int(time.tm_mon) + 1, 2, "0")
    case "y": return (year % 100, 2, "0")
    case "Y": return (year, 1, "0")
    case "C": return (year / 100, 2, "0")
    case "H": return (Int(time.tm_hour), 2, "0")
    case "k": return (Int(time.tm_hour), 2, " ")
    case "I": return (hour12, 2, "0")
    case "l": return (hour12, 2, " ")
    case "M": return (Int(time.tm_min), 2, "0")
    case "S": return (Int(time.tm_sec), 2, "0")
    case "j": return (Int(time.tm_yday) + 1, 3, "0")
    case "w": return (Int(time.tm_wday), 1, "0")
    case "u": return (weekdayFromMonday + 1, 1, "0")
    case "U": return ((Int(time.tm_yday) + 7 - Int(time.tm_wday)) / 7, 2, "0")
    case "W": return ((Int(time.tm_yday) + 7 - weekdayFromMonday) / 7, 2, "0")
    default: return nil
    }
  }
}
