// Student's t: how likely a mean is so far off by chance, where the spread itself is known from few values.
import Foundation

public enum StudentT {
  /// P(|T| ≥ |t|) of `degrees` degrees of freedom (at least 1): the finite sums of Abramowitz and Stegun, 26.7.3 and
  /// 26.7.4. Good to about 1e-12; what is smaller is 0.
  public static func p(_ t: Double, degrees: Int) -> Double {
    precondition(degrees >= 1, "a t test needs a degree of freedom")
    guard !t.isNaN else { return 1 }
    let angle = atan(abs(t) / Double(degrees).squareRoot())
    let (sine, cosine) = (sin(angle), cos(angle))
    var term = degrees % 2 == 0 ? 1.0 : cosine
    var sum = degrees == 1 ? 0 : term
    for k in stride(from: degrees % 2 == 0 ? 2 : 3, to: degrees - 1, by: 2) {
      term *= cosine * cosine * Double(k - 1) / Double(k)
      sum += term
    }
    let inside = degrees % 2 == 0 ? sine * sum : 2 / .pi * (angle + sine * sum)
    return min(max(1 - inside, 0), 1)
  }
}
