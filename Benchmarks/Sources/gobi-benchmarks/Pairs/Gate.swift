// The gate: is any row of a small set slower by more than 2 %? Two stages, so that many rows do not mean many false
// alarms: every row is looked at briefly; the suspicious ones are measured again, in launches of their own, and only
// those decide.
import Capacity
import Foundation

struct Gate {
  /// Launches and quads of each stage. One process in twenty may be 10 % slower than its like for life (Zen 4, products
  /// of 256-blocks): of 24 pairs five may point the wrong way, and the signed ranks still tell 5 %.
  struct Stage {
    var launches: Int
    var quads: Int
  }

  var first = Stage(launches: 6, quads: 5)
  var second = Stage(launches: 24, quads: 6)
  /// A row that seems slower by this in the first stage is measured again. Half of what counts: a slow-down that counts
  /// must not be lost here, and a false suspicion costs seconds.
  static let suspicion = 0.01

  struct Verdict {
    var suspected: [RowComparison]
    /// The second stage's figures, and which rows it found slower.
    var confirmed: [RowComparison]
    var slower: [RowComparison]
    var seconds: Double
  }

  func judge(_ run: PairedRun, _ rows: [String], progress: (String) -> Void) throws -> Verdict {
    var run = run
    let start = Clock.wall()
    run.quads = first.quads
    let looked = try run.measure(rows, launches: first.launches) { progress("every row: " + $0) }.map(
      RowComparison.init)
    let suspected = looked.filter { $0.change > Self.suspicion }
    guard !suspected.isEmpty else {
      return Verdict(suspected: [], confirmed: [], slower: [], seconds: Clock.wall() - start)
    }
    run.quads = second.quads
    let confirmed = try run.measure(suspected.map(\.id), launches: second.launches) {
      progress("suspicious rows: " + $0)
    }.map(RowComparison.init)
    let adjusted = Holm.adjusted(confirmed.map(\.pSlower))
    let slower = zip(confirmed, adjusted).filter {
      $0.0.change > RowComparison.smallestChange && $0.1 < RowComparison.significance
    }.map(\.0)
    return Verdict(suspected: suspected, confirmed: confirmed, slower: slower, seconds: Clock.wall() - start)
  }

  /// Every format in decode and in a chunk of prefill, on the smallest matrix of the everyday model; attention in every
  /// format of its cache; one row of each other operation. One thread: what threads do to each other is too noisy here.
  static func rows(of all: [String]) -> [String] {
    let model = RowList.everydayModel
    let patterns = [
      #"^matmul/[^/]+/\#(model)/k/m=(1|64)$"#, #"^matmul-f32/\#(RowList.everydayFormat)/\#(model)/up/m=64$"#,
      #"^attention/[^/]+/\#(model)/(decode|prefill/m=64)/depth=4096$"#,
      #"^(rms_norm|gated|rope/halves|activations/[^/]+)/\#(model)/m=512$"#, #"^softmax/vocabulary/\#(model)/m=1$"#,
      #"^kv_store/F16/\#(model)/m=512$"#,
    ].compactMap { try? Regex($0) }
    return all.filter { id in patterns.contains { id.contains($0) } }
  }
}
