// How many of a report's figures count, part by part, and what is wrong with the others. Renders nothing.

package struct TrustSummary {
  package struct Part {
    package let name: Phrase
    package let figures: [Figure]

    var valid: Int { figures.count { $0.validity == .valid } }
    func count(_ reason: Reason) -> Int { figures.count { $0.reasons.contains(reason) } }
    var open: Int { figures.count { $0.validity == .inconclusive } }
  }

  /// Every figure of the report is in one of them; none is empty.
  package let parts: [Part]
  let failures: [Reason]

  package init(_ report: CapacityReport) {
    let models = report.models.flatMap(\.figures)
    let all: [(Phrase, [Figure])] = [
      (.roofs, report.roofs.figures),
      (.shares, report.nominal.compactMap(\.share)),
      (.linpack, report.linpack.flatMap { [$0.rate] + [$0.share].compactMap { $0 } }),
      (.kernels, report.kernels.flatMap { [$0.rate] + [$0.share].compactMap { $0 } }),
      (.models, models.flatMap { [$0.rate] + [$0.mfu, $0.mbu].compactMap { $0 } }),
      (.serving, report.serving.compactMap(\.goodput)),
      (
        .energy,
        models.flatMap { $0.energy.map(\.perToken) } + report.flex.flatMap(\.points).compactMap(\.energy?.perToken)
      ),
      (.flex, report.flex.flatMap(\.points).compactMap(\.rate)),
    ]
    parts = all.filter { !$0.1.isEmpty }.map { Part(name: $0.0, figures: $0.1) }
    failures = report.failures
  }

  var figures: Int { parts.reduce(0) { $0 + $1.figures.count } }
  var valid: Int { parts.reduce(0) { $0 + $1.valid } }

  /// "good", "fair" or "bad".
  var state: String { !failures.isEmpty || figures == 0 ? "bad" : valid == figures ? "good" : "fair" }

  var headline: Phrase {
    if figures == 0 { return .noFigures }
    if !failures.isEmpty { return .unfit(failures) }
    return valid == figures ? .allValid(figures) : .someValid(valid, of: figures)
  }

  var trusted: [Phrase] { parts.filter { $0.valid > 0 }.map { .count($0.name, $0.valid, of: $0.figures.count) } }

  var notTrusted: [Phrase] {
    let none = parts.filter { $0.valid == 0 }.map { Phrase.noneValid($0.name, of: $0.figures.count) }
    let reasons = Reason.allCases.compactMap { reason -> Phrase? in
      let hit = parts.map { (part: $0.name, count: $0.count(reason)) }.filter { $0.count > 0 }
      return hit.isEmpty ? nil : .marked(reason, hit)
    }
    let open = parts.map { (part: $0.name, count: $0.open) }.filter { $0.count > 0 }
    return none + reasons + (open.isEmpty ? [] : [.open(open)])
  }
}
