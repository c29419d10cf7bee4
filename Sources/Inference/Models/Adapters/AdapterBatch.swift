// Which rows of a pass have which adapter, and the products that are theirs: y += scale · B (A x). Rows are grouped by
// adapter, so that each of its matrices is read once for all of its rows.

/// An adapter with the strength at which a sequence uses it.
package struct AdapterUse: Sendable {
  package let adapter: Adapter
  /// Multiplies the adapter's own scale.
  package let scale: Float

  package init(adapter: Adapter, scale: Float) {
    self.adapter = adapter
    self.scale = scale
  }

  /// Tells what keys and values depend on beside tokens and weights; never 0.
  package var fingerprint: UInt64 {
    var mix = Fingerprint()
    mix.add(adapter.fingerprint)
    mix.add(UInt64(scale.bitPattern))
    return mix.value | 1
  }
}

/// Rows of a pass sorted by adapter. Knows neither weights nor products.
final class AdapterRows {
  /// Rows of one adapter that follow each other in the pass, with one scale.
  struct Run {
    /// The first of them in the pass, and among the sorted rows.
    let row: Int
    let place: Int
    let count: Int
    let scale: Float
  }

  /// All rows of one adapter.
  struct Group {
    let adapter: Unmanaged<Adapter>
    /// Among the sorted rows.
    let places: Range<Int>
    /// Its runs, by number.
    let runs: Range<Int>
  }

  /// (count): the row in the pass of each sorted row.
  let rows: UnsafeMutablePointer<Int32>
  private(set) var count = 0
  let runs: UnsafeMutablePointer<Run>
  private var runCount = 0
  let groups: UnsafeMutablePointer<Group>
  private(set) var groupCount = 0

  init(capacity: Int) {
    rows = .allocate(capacity: capacity)
    runs = .allocate(capacity: capacity)
    groups = .allocate(capacity: capacity)
  }

  deinit {
    rows.deallocate()
    runs.deallocate()
    groups.deallocate()
  }

  func removeAll() { (count, runCount, groupCount) = (0, 0, 0) }

  /// Adds `new` rows of `adapter`: to the last group, if it is that adapter's, else as a new one.
  func add(_ new: Range<Int>, of adapter: Unmanaged<Adapter>, scale: Float) {
    if new.isEmpty { return }
    let isNew = groupCount == 0 || groups[groupCount - 1].adapter.toOpaque() != adapter.toOpaque()
    let group =
      isNew ? Group(adapter: adapter, places: count..<count, runs: runCount..<runCount) : groups[groupCount - 1]
    for (offset, row) in new.enumerated() { rows[count + offset] = Int32(truncatingIfNeeded: row) }
    let last = runCount - 1
    if !isNew, runs[last].scale == scale, runs[last].row + runs[last].count == new.lowerBound {
      runs[last] = Run(row: runs[last].row, place: runs[last].place, count: runs[last].count + new.count, scale: scale)
    } else {
      runs[runCount] = Run(row: new.lowerBound, place: count, count: new.count, scale: scale)
      runCount += 1
    }
    count += new.count
    groupCount += isNew ? 1 : 0
    groups[groupCount - 1] = Group(
      adapter: adapter, places: group.places.lowerBound..<count, runs: group.runs.lowerBound..<runCount)
  }
}

/// The adapters of one pass. Made once a session and reused: no memory is allocated from pass to pass.
final class AdapterBatch {
  private struct Entry {
    let adapter: Unmanaged<Adapter>
    let scale: Float
    let rows: Range<Int>
    var isSorted: Bool
  }

  /// A linear layer whose results adapters may add to.
  private struct Target {
    let linear: Linear
    let y: TensorView
  }

  /// Sorted: the pass's rows, and those of them that were asked for, by their number among these.
  private let all: AdapterRows
  private let asked: AdapterRows
  private let entries: UnsafeMutablePointer<Entry>
  private var entryCount = 0
  private var isSorted = false
  private let targets: UnsafeMutablePointer<Target>
  private var targetCount = 0
  /// The rank to count memory for, where nothing but memory is counted.
  var measuredRank = 0

  /// Layers that read the same rows: queries, keys and values.
  private static let mostTargets = 3

  /// - Parameter capacity: rows of a pass.
  init(capacity: Int) {
    all = AdapterRows(capacity: capacity)
    asked = AdapterRows(capacity: capacity)
    entries = .allocate(capacity: capacity)
    targets = .allocate(capacity: Self.mostTargets)
  }

  deinit {
    entries.deallocate()
    targets.deallocate()
  }

  // MARK: Rows

  func removeAll() {
    entryCount = 0
    isSorted = false
  }

  /// Adds rows of one sequence, in the order of the pass.
  func add(_ use: AdapterUse, rows: Range<Int>) {
    entries[entryCount] = Entry(
      adapter: .passUnretained(use.adapter), scale: use.scale, rows: rows, isSorted: false)
    entryCount += 1
  }

  /// The sorted rows of x, which has all of the pass's rows or those that were asked for. Where these are as many, they
  /// are the same.
  private func rows(of x: TensorView, _ pass: Pass) -> AdapterRows {
    if !isSorted { sort(pass) }
    return x.rows == pass.rows ? all : asked
  }

  private func sort(_ pass: Pass) {
    all.removeAll()
    asked.removeAll()
    for first in 0..<entryCount where !entries[first].isSorted {
      let adapter = entries[first].adapter
      var place = 0
      for index in first..<entryCount where entries[index].adapter.toOpaque() == adapter.toOpaque() {
        entries[index].isSorted = true
        let (rows, scale) = (entries[index].rows, entries[index].scale)
        all.add(rows, of: adapter, scale: scale)
        while place < pass.askedCount, Int(pass.asked[place]) < rows.lowerBound { place += 1 }
        var end = place
        while end < pass.askedCount, Int(pass.asked[end]) < rows.upperBound { end += 1 }
        asked.add(place..<end, of: adapter, scale: scale)
        place = end
      }
    }
    isSorted = true
  }

  // MARK: Products

  /// Whether an adapter of the pass changes the layer.
  func changes(_ linear: Linear, _ pass: Pass) -> Bool {
    if pass.isMeasuring { return measuredRank > 0 }
    for index in 0..<entryCount
    where entries[index].adapter._withUnsafeGuaranteedRef({ $0.pairs[linear.site] != nil }) { return true }
    return false
  }

  func removeTargets() { targetCount = 0 }

  /// Names a layer that was applied to the rows, and what it gave.
  func add(_ linear: Linear, into y: TensorView) {
    precondition(targetCount < Self.mostTargets)
    targets[targetCount] = Target(linear: linear, y: y)
    targetCount += 1
  }

  /// Adds to the results of the targets what the adapters make of x.
  func run(_ x: TensorView, _ pass: Pass) throws(KernelError) {
    if pass.isMeasuring { return try measure(x, pass) }
    let rows = rows(of: x, pass)
    var values = 0
    forEachProduct(rows) { pair, group, _ in values += pair.rank * group.places.count }
    if values == 0 { return }
    // A x of all adapters and targets, the products of one rank side by side: (rows of the group, rank) each.
    let inner = try pass.take(Float.self, count: values)
    try pass.multiply(x, gather: rows.rows, rows: rows.count, exact: true) { call in
      var next = inner
      forEachProduct(rows) { pair, group, _ in
        let h = TensorView(next, rows: group.places.count, columns: pair.rank)
        call.add(pair.a, into: h, rows: group.places)
        next += h.rows * h.columns
      }
    }
    var next = inner
    forEachProduct(rows) { pair, group, _ in
      for run in group.runs {
        let run = rows.runs[run]
        let scale = run.scale * pair.scale
        for index in 0..<run.count * pair.rank { next[index] *= scale }
        next += run.count * pair.rank
      }
    }
    next = inner
    var rank = 0
    while let following = leastRank(above: rank, rows) {
      rank = following
      next += try add(rank: rank, inner: next, rows, pass)
    }
  }

  /// Adds B h of all products of this rank, whose h (rows, rank) follow each other in `inner`; returns how many values
  /// these are.
  private func add(
    rank: Int, inner: UnsafeMutablePointer<Float>, _ rows: AdapterRows, _ pass: Pass
  ) throws(KernelError) -> Int {
    var count = 0
    forEachProduct(rows, rank: rank) { _, group, _ in count += group.places.count }
    try pass.multiply(TensorView(inner, rows: count, columns: rank), exact: true) { call in
      var first = 0
      forEachProduct(rows, rank: rank) { pair, group, y in
        // Each run of rows is added where it stands. What a row gets does not depend on the others.
        for run in group.runs {
          let run = rows.runs[run]
          call.add(
            pair.b, into: y.rows(run.row..<run.row + run.count), rows: first..<first + run.count, accumulate: true)
          first += run.count
        }
      }
    }
    return count * rank
  }

  /// Every pair of matrices of an adapter for a target, with the adapter's rows and the target's results: by ascending
  /// rank, or those of one rank.
  private func forEachProduct(
    _ rows: AdapterRows, rank wanted: Int? = nil, _ body: (AdapterPair, AdapterRows.Group, TensorView) -> Void
  ) {
    var rank = wanted ?? leastRank(above: 0, rows)
    while let current = rank {
      for index in 0..<targetCount {
        let target = targets[index]
        for group in 0..<rows.groupCount {
          guard let pair = rows.groups[group].pair(for: target.linear), pair.rank == current else { continue }
          body(pair, rows.groups[group], target.y)
        }
      }
      rank = wanted == nil ? leastRank(above: current, rows) : nil
    }
  }

  /// The least rank above `rank` of the pairs for the targets.
  private func leastRank(above rank: Int, _ rows: AdapterRows) -> Int? {
    var least: Int?
    for index in 0..<targetCount {
      for group in 0..<rows.groupCount {
        guard let pair = rows.groups[group].pair(for: targets[index].linear), pair.rank > rank else { continue }
        least = min(least ?? pair.rank, pair.rank)
      }
    }
    return least
  }

  /// Takes the memory that ``run(_:_:)`` takes at most: all rows, all targets, all of the measured rank.
  private func measure(_ x: TensorView, _ pass: Pass) throws(KernelError) {
    let rows = x.rows * targetCount
    let inner = try pass.take(rows: rows, columns: measuredRank)
    // Products in float32 take memory by their rows alone; the layer's own weights stand in for the adapter's.
    try pass.multiply(x, exact: true) { $0.add(targets[0].linear.weight, into: targets[0].y) }
    try pass.multiply(inner, exact: true) { $0.add(targets[0].linear.weight, into: targets[0].y) }
  }
}

extension AdapterRows.Group {
  func pair(for linear: Linear) -> AdapterPair? { adapter._withUnsafeGuaranteedRef { $0.pairs[linear.site] } }
}

extension Pass {
  /// Whether an adapter of this pass changes one of the layers.
  func adapts(_ a: Linear, _ b: Linear) -> Bool {
    guard hasAdapters, let adapters else { return false }
    return adapters.changes(a, self) || adapters.changes(b, self)
  }

  /// Adds what this pass's adapters make of x to the results of the layers that `build` names: those that were just
  /// applied to x, all rows of the pass or those that were asked for.
  func adapt(_ x: TensorView, _ build: (AdapterBatch) -> Void) throws(KernelError) {
    guard hasAdapters, let adapters, x.rows > 0 else { return }
    adapters.removeTargets()
    build(adapters)
    try scope { () throws(KernelError) in try adapters.run(x, self) }
  }
}
