// Elementary functions of doubles, in one place: the library does without Foundation.
import Glibc

extension Double {
  package static func exponential(_ x: Double) -> Double { Glibc.exp(x) }
  package static func logarithm(_ x: Double) -> Double { Glibc.log(x) }
  package static func cosine(_ x: Double) -> Double { Glibc.cos(x) }
  package static func power(_ x: Double, _ y: Double) -> Double { Glibc.pow(x, y) }
}
