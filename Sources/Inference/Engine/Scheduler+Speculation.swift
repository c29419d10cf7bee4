// Which sequences of a step get drafts, and how long; what became of them.

/// What an engine that guesses ahead knows beyond its requests.
struct Speculation {
  let options: SpeculationOptions
  let drafter: Drafter?
  /// All requests' drafts, by where they came from.
  var lookups = DraftRecord()
  var models = DraftRecord()
  var ledger = DraftLedger()

  init(_ options: SpeculationOptions, context: Int, clock: EngineClock) throws(SessionError) {
    self.options = options
    if let model = options.draftModel {
      drafter = try Drafter(model: model, context: context, options: options, clock: clock)
    } else {
      drafter = nil
    }
  }
}

extension Scheduler {
  /// Guessed tokens of a step at most: the logits of each take as much memory as the vocabulary is large.
  private static let mostDrafted = 64
  /// Tokens by which the draft model catches up where there is no time to spare.
  private static let leastCatchUp = 64
  /// Tokens that a request without a limit is taken to have before it.
  private static let likelyRest = 256
  /// Tokens of a draft that is tried though it is not expected to pay.
  private static let trial = 2

  // MARK: Before the step

  /// Adds drafts as far as they are expected to raise the tokens a second, in no more than `tokens` rows and `seconds`.
  func planDrafts(
    _ entries: inout [PlannedEntry], _ shape: inout StepShape, tokens: Int, seconds: Double
  ) throws(SessionError) {
    guard let options = speculation?.options, !entries.isEmpty, speculation?.ledger.isOpen() == true else { return }
    var rows = min(tokens, Self.mostDrafted), left = seconds
    var yield = StepYield(tokens: Double(entries.count { $0.count == $0.job.pending }), seconds: cost.predict(shape))
    for index in entries.indices where rows > 0 && left > 0 {
      let job = entries[index].job
      guard job.isRunning, job.request.speculates, entries[index].count == job.pending else { continue }
      // The last token that is chosen is never evaluated.
      let most = min(options.maximumDraft, rows, job.state.remaining - 1, limit - job.tokens.count)
      guard most > 0 else { continue }
      let before = yield.seconds
      var draft: [Int32] = []
      if options.looksUp { draft = lookUp(job, most, &yield, left) }
      let asked = draft.isEmpty ? askModel(job, most, &yield, left, drafting: entries.count) : 0
      let wanted = draft.count + asked
      guard wanted > 0 else { continue }
      let count = try spareRoom(for: job, behind: entries[index].count, adding: wanted)
      guard count > 0 else { continue }
      if draft.isEmpty { entries[index].wanted = count } else { entries[index].draft = Array(draft.prefix(count)) }
      shape.add(count, at: job.evaluated + entries[index].count, decoding: true)
      rows -= count
      left -= yield.seconds - before
    }
  }

  /// What the request's own tokens suggest, as long as it pays.
  private func lookUp(_ job: Job, _ most: Int, _ yield: inout StepYield, _ left: Double) -> [Int32] {
    let found = job.state.admissible(job.lookup.draft(after: job.tokens, most: most))
    guard !found.isEmpty, var all = speculation?.lookups else { return [] }
    var record = job.lookupRecord ?? DraftRecord(like: all)
    var count = yield.extend(record.rate, most: found.count, cost: cost.decode(1, at: job.tokens.count), limit: left)
    if count > 0 { record.isWorth(&all) } else if record.isDue(&all) { count = Self.trial }
    job.lookupRecord = record
    speculation?.lookups = all
    return Array(found.prefix(count))
  }

  /// How many tokens the draft model is asked for.
  private func askModel(
    _ job: Job, _ most: Int, _ yield: inout StepYield, _ left: Double, drafting: Int
  ) -> Int {
    guard let drafter = speculation?.drafter, var all = speculation?.models else { return 0 }
    guard drafter.canHold(job, adding: most) else { return 0 }
    var record = job.modelRecord ?? DraftRecord(like: all)
    defer {
      job.modelRecord = record
      speculation?.models = all
    }
    var draftShape = StepShape()
    for _ in 0..<max(drafting, 1) { draftShape.add(1, at: job.tokens.count, decoding: true) }
    let guess = drafter.cost.predict(draftShape) / Double(max(drafting, 1))
    let before = yield
    let count = yield.extend(
      record.rate, most: most, cost: cost.decode(1, at: job.tokens.count) + guess, limit: left)
    if count == 0 { return record.isDue(&all) ? min(most, Self.trial) : 0 }
    record.isWorth(&all)
    let backlog = drafter.backlog(of: job)
    guard backlog > Job.shortRun else { return count }
    // Catching up must be paid for by what is left of the request.
    let saved = before.seconds / before.tokens - yield.seconds / yield.tokens
    let rest = Double(min(job.state.remaining, Self.likelyRest))
    if saved * rest > drafter.cost.prefill(backlog, at: job.tokens.count - backlog) { return count }
    yield = before
    return 0
  }

  // MARK: In the step

  /// Has the draft model guess where it was asked to; also returns the seconds that it took to catch up with prompts.
  /// What goes wrong there costs drafts only.
  func addModelDrafts(to plan: [PlannedEntry]) -> ([PlannedEntry], Double) {
    guard let drafter = speculation?.drafter else { return (plan, 0) }
    let wishes = plan.compactMap { $0.wanted > 0 ? Drafter.Wish(job: $0.job, count: $0.wanted) : nil }
    guard !wishes.isEmpty else { return (plan, 0) }
    do throws(SessionError) {
      let spare = options.timePerOutputToken.seconds / 4
      let catchUp = max(drafter.cost.prefillTokens(within: spare, at: 0), Self.leastCatchUp)
      let drafts = try drafter.drafts(wishes, catchUp: min(catchUp, options.maximumStepTokens))
      var plan = plan
      for index in plan.indices {
        if let draft = drafts[plan[index].job.id] { plan[index].draft = draft }
      }
      return (plan, drafter.secondsOfCatchUp)
    } catch {
      drafter.forgetAll()
      speculation?.ledger.close()
      return (plan, 0)
    }
  }

  // MARK: After the step

  /// Keeps how a draft did.
  func noteDraft(_ entry: PlannedEntry, accepted: Int, missed: Bool) {
    guard !entry.draft.isEmpty else { return }
    if entry.wanted > 0 {
      entry.job.modelRecord?.note(accepted: accepted, missed: missed)
      speculation?.models.note(accepted: accepted, missed: missed)
    } else {
      entry.job.lookupRecord?.note(accepted: accepted, missed: missed)
      speculation?.lookups.note(accepted: accepted, missed: missed)
    }
  }

  /// What the plan is expected to take without drafts: all of it, and each of the tokens that it would give.
  func withoutDrafts(_ plan: [PlannedEntry]) -> (seconds: Double, secondsOfToken: Double) {
    var all = StepShape(), decoding = StepShape()
    for entry in plan {
      all.add(entry.count, at: entry.job.evaluated, decoding: entry.job.isDecoding)
      if entry.job.isDecoding { decoding.add(entry.count, at: entry.job.evaluated, decoding: true) }
    }
    let sequences = plan.count { $0.job.isDecoding }
    return (cost.predict(all), cost.predict(decoding) / Double(max(sequences, 1)))
  }
}
