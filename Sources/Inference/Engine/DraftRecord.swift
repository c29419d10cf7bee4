// Whether drafts pay: how often they were right, what a step yields with them, and what they saved by the clock.

/// How often drafts of one kind were right, and when they are tried again after they were not worth it.
struct DraftRecord {
  private var hits: Double
  private var tries: Double
  /// Of what was known before, so much is left after a draft.
  private let memory: Double
  /// Chances that pass before drafts which are not worth it are tried again, and those that are left.
  private var interval: Int
  private var wait: Int

  /// Before anything is known drafts are taken for good: trying shows it soon.
  private static let prior = 0.7
  /// A new record's belief counts as so many tokens.
  private static let belief = 2.0
  private static let shortest = 8
  private static let longest = 1_024

  /// A record of all requests, which forgets slowly.
  init() {
    (hits, tries) = (Self.prior * Self.belief, Self.belief)
    memory = 0.98
    interval = Self.shortest
    wait = interval
  }

  /// A request's record, which begins with what all have had.
  init(like all: DraftRecord) {
    (hits, tries) = (all.rate * Self.belief, Self.belief)
    memory = 0.9
    interval = Self.shortest
    wait = all.wait
  }

  /// The probability that a drafted token is the one that is chosen, where those before it were.
  var rate: Double { hits / tries }

  /// After a draft: `accepted` tokens were right, and the next one wrong if `missed`.
  mutating func note(accepted: Int, missed: Bool) {
    hits = hits * memory + Double(accepted)
    tries = tries * memory + Double(accepted) + (missed ? 1 : 0)
  }

  /// Drafts are worth it: should they cease to be, they are tried again soon.
  mutating func isWorth(_ all: inout DraftRecord) {
    interval = Self.shortest
    all.interval = Self.shortest
  }

  /// A chance at which drafts are not worth it. Whether to try all the same.
  ///
  /// - Parameter all: the record of all requests, whose next trial is the first one of a new request.
  mutating func isDue(_ all: inout DraftRecord) -> Bool {
    all.wait = max(all.wait - 1, 0)
    wait -= 1
    guard wait <= 0 else { return false }
    wait = interval
    all.wait = all.interval
    interval = min(interval * 2, Self.longest)
    all.interval = min(all.interval * 2, Self.longest)
    return true
  }
}

/// What a step is expected to give, and to take.
package struct StepYield {
  package var tokens: Double
  package var seconds: Double

  /// What is gained must be more than what an estimate is off.
  private static let margin = 1.05

  package init(tokens: Double, seconds: Double) {
    self.tokens = tokens
    self.seconds = seconds
  }

  /// Lengthens a draft as long as the tokens a second rise: p, p², … more tokens, for `cost` seconds each.
  ///
  /// - Parameter limit: seconds that may be added.
  package mutating func extend(_ p: Double, most: Int, cost: Double, limit: Double) -> Int {
    var count = 0, chance = p
    while count < most, chance * seconds > Self.margin * cost * tokens, cost * Double(count + 1) <= limit {
      tokens += chance
      seconds += cost
      chance *= p
      count += 1
    }
    return count
  }
}

/// What drafts saved, by the clock. Where they lose, all drafts of the engine rest; longer each time.
struct DraftLedger {
  private var balance = 0.0
  private var entries = 0
  private var interval = DraftLedger.shortest
  /// Steps for which drafts rest.
  private var rest = 0

  private static let memory = 0.9
  /// Steps before a judgement.
  private static let fewest = 8
  private static let shortest = 16
  private static let longest = 1_024

  /// Whether the next step may have drafts; asked once a step.
  mutating func isOpen() -> Bool {
    rest = max(rest - 1, 0)
    return rest == 0
  }

  /// Adds a step with drafts: the seconds that its accepted tokens would have taken, less what the drafts took.
  mutating func note(saved: Double) {
    balance = balance * Self.memory + saved
    entries += 1
    guard entries >= Self.fewest else { return }
    if balance < 0 { close() } else { interval = Self.shortest }
  }

  /// Lets drafts rest: they lose, or a step with some has failed.
  mutating func close() {
    rest = interval
    interval = min(interval * 2, Self.longest)
    balance = 0
    entries = 0
  }
}
