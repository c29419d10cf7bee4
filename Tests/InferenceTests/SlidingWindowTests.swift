// Layers with a window give back what they cannot see any more: bounded memory, the same bits, going back, branches,
// saved states, failed steps, the prefix cache.
import Inference
import TestSupport
import Testing

@Suite struct SlidingWindowTests {
  /// Five layers with a window of 16, one without: six lanes of one layer.
  private static let gemma = Result { try Golden.model("gemma3_text", runtime: Runtime(threads: 2)) }
  private static let prompt = tokens(700, seed: 11)

  private func session(
    chunk: Int = 64, budget: Int? = nil, format: KVFormat? = nil, keepsAll: Bool = false
  ) throws -> Session {
    let session = try Session(
      model: Self.gemma.get(),
      options: SessionOptions(context: 1_024, chunk: chunk, kvFormat: format, kvBudget: budget))
    session.passesWindows = !keepsAll
    return session
  }

  /// A sequence of the first `count` tokens, in a session that keeps everything: what it gives is what is right.
  private func expected(_ count: Int, then next: [Int32]) throws -> [Float] {
    let session = try session(keepsAll: true)
    let sequence = try session.makeSequence()
    try session.evaluate(Batch(sequence, Self.prompt[..<count] + next))
    return Array(try session.logits(0))
  }

  // MARK: Lanes

  @Test func lanesShareOutTheLayers() {
    let mixed = KVLanes(windows: [16, 16, 0, 16, 16, 0])
    #expect(mixed.full == 1 && mixed.windowed == 2 && mixed.layers == 2 && mixed.window == 16)
    #expect(mixed.places.map(\.lane) == [1, 1, 0, 2, 2, 0])
    #expect(mixed.places.map(\.layer) == [0, 1, 0, 0, 1, 1])
    let plain = KVLanes(windows: Array(repeating: 0, count: 30))
    #expect(plain.full == 1 && plain.windowed == 0 && plain.layers == 30)
    #expect(plain.blocks(for: 129, of: 64) == 3 && plain.positions(within: 3, of: 64) == 192)
    let narrow = KVLanes(windows: Array(repeating: 100, count: 32))
    #expect(narrow.full == 0 && narrow.windowed == 1 && narrow.positions(within: 4, of: 64) == .max)
    #expect(KVLanes(windows: [Int(Int32.max), 0]).blocks(for: 1_000, of: 64) == 32)
  }

  /// What a sequence holds, against what it must hold and what the counts say, for windows around the blocks' edges.
  @Test(arguments: [1, 2, 15, 64, 65, 66, 130, 512]) func countsBoundWhatIsHeld(_ window: Int) throws {
    let lanes = KVLanes(windows: [window, window, 0])
    let pool = KVBlocks(blockBytes: 64, positions: 64, budget: nil, lanes: lanes)
    for step in [1, 7, 64, 200] {
      let sequence = KVSequence(pool: pool)
      var position = 0
      while position < 1_500 {
        let needed = sequence.blocksNeeded(for: position..<position + step), before = pool.inUse
        try sequence.prepare(for: position..<position + step)
        #expect(pool.inUse == before + needed)
        if step == 1 { #expect(pool.inUse <= lanes.blocks(for: position + 1, of: 64)) }
        #expect(pool.inUse <= lanes.blocks(for: position + step, chunk: step, of: 64))
        position += step
        sequence.passWindow(at: position)
        #expect(sequence.heldCount == pool.inUse && sequence.reaches(position))
        #expect(sequence.reaches(max(position - KVLanes.slack, 1)) || position < KVLanes.slack)
        for seen in stride(from: max(position - window + 1, 0), to: position, by: 1) {
          #expect(sequence.block(at: seen / 64, lane: 1) != KVSequence.none)
        }
        #expect(lanes.positions(within: lanes.blocks(for: position, of: 64), of: 64) >= position)
      }
      #expect(sequence.firstReachable == 0 || sequence.reaches(sequence.firstReachable))
      #expect(sequence.firstReachable < 2 || !sequence.reaches(sequence.firstReachable - 1))
      withExtendedLifetime(sequence) {}
    }
    #expect(pool.inUse == 0)
  }

  // MARK: Memory and bits

  /// 700 positions, 43 windows: five of six layers hold a few blocks, inside of the step too.
  @Test func aLongPromptHoldsItsWindows() throws {
    let all = try session(keepsAll: true)
    try all.evaluate(Batch(all.makeSequence(), Self.prompt))
    let plan = try Self.gemma.get().memoryPlan(context: 700, chunk: 64)
    #expect(4 * plan.kv < 3 * (try all.kvBytes))
    let bounded = try session(budget: plan.kv)
    let sequence = try bounded.makeSequence()
    try bounded.evaluate(Batch(sequence, Self.prompt))
    // Eleven blocks of the layer without a window, and of five others the last two or three.
    #expect(try bounded.kvBytes <= (11 + 5 * 3) * bounded.kvBlockBytes)
    #expect(Array(try bounded.logits(0)) == Array(try all.logits(0)))
    try bounded.remove(sequence)
    #expect(try bounded.kvBytes == 0)
  }

  @Test(arguments: KVFormat.allCases) func theSameBitsAsWithEverythingKept(_ format: KVFormat) throws {
    let all = try session(chunk: 512, format: format, keepsAll: true)
    let kept = try all.makeSequence()
    try all.evaluate(Batch(kept, Self.prompt[..<300], output: .all))
    let first = try (0..<300).map { Array(try all.logits($0)) }
    var later: [[Float]] = []
    for token in Self.prompt[300..<420] {
      try all.evaluate(Batch(kept, CollectionOfOne(token)))
      later.append(Array(try all.logits(0)))
    }
    for chunk in [512, 64, 9] {
      let session = try session(chunk: chunk, format: format)
      let sequence = try session.makeSequence()
      try session.evaluate(Batch(sequence, Self.prompt[..<300], output: .all))
      for row in 0..<300 where Array(try session.logits(row)) != first[row] {
        Issue.record("\(format), chunk \(chunk): row \(row) differs")
      }
      for (step, token) in Self.prompt[300..<420].enumerated() {
        try session.evaluate(Batch(sequence, CollectionOfOne(token)))
        #expect(Array(try session.logits(0)) == later[step])
      }
      #expect(2 * (try session.kvBytes) < (try all.kvBytes) * 3 / 2)
    }
  }

  // MARK: Going back

  @Test func goingBackWithinTheSlackAndBeyond() throws {
    let session = try session()
    let sequence = try session.makeSequence()
    try session.evaluate(Batch(sequence, Self.prompt))
    let next = tokens(5, seed: 3)
    try session.trim(sequence, to: 700 - KVLanes.slack)
    try session.evaluate(Batch(sequence, next))
    #expect(Array(try session.logits(0)) == (try expected(700 - KVLanes.slack, then: next)))
    var first = 0
    let refused = #expect(throws: SessionError.self) { try session.trim(sequence, to: 300) }
    if case .windowPassed(300, let least) = refused { first = least }
    try #require(first > 300 && first < 640)
    // Nothing has changed, and the least position that was named works.
    #expect(try session.position(of: sequence) == 641)
    #expect(throws: SessionError.windowPassed(position: first - 1, first: first)) {
      try session.branch(sequence, at: first - 1)
    }
    try session.trim(sequence, to: first)
    try session.evaluate(Batch(sequence, next))
    #expect(Array(try session.logits(0)) == (try expected(first, then: next)))
    #expect(try session.rewind(sequence, to: 100) == 0)
    #expect(try session.kvBytes == 0)
    try session.evaluate(Batch(sequence, Self.prompt[..<400] + next))
    #expect(Array(try session.logits(0)) == (try expected(400, then: next)))
    #expect(try session.rewind(sequence, to: 400) == 400)
  }

  @Test func branchesShareTheirWindows() throws {
    let session = try session()
    let trunk = try session.makeSequence()
    try session.evaluate(Batch(trunk, Self.prompt[..<500]))
    let before = try session.kvBytes
    let branch = try session.branch(trunk, at: 470)
    #expect(try session.kvBytes == before)
    // The trunk goes far ahead: what it gives back stays the branch's.
    try session.evaluate(Batch(trunk, Self.prompt[500...]))
    let next = tokens(90, seed: 4)
    try session.evaluate(Batch(branch, next))
    #expect(Array(try session.logits(0)) == (try expected(470, then: next)))
    try session.evaluate(Batch(trunk, next))
    #expect(Array(try session.logits(0)) == (try expected(700, then: next)))
    try session.remove(trunk)
    try session.remove(branch)
    #expect(try session.kvBytes == 0)
  }

  // MARK: Saving

  @Test func savedStatesHaveTheirWindows() throws {
    let session = try session(), all = try self.session(keepsAll: true)
    let next = tokens(30, seed: 5), wanted = try expected(600, then: next)
    var sizes: [Int] = []
    for source in [session, all] {
      let sequence = try source.makeSequence()
      try source.evaluate(Batch(sequence, Self.prompt[..<600]))
      let saved = try source.save(sequence)
      sizes.append(saved.count)
      for target in [try self.session(), try self.session(keepsAll: true)] {
        let restored = try target.restore(saved)
        try target.evaluate(Batch(restored, next))
        #expect(Array(try target.logits(0)) == wanted)
      }
      // A restored state goes back as far as what was saved.
      let other = try self.session()
      let restored = try other.restore(saved)
      try other.trim(restored, to: 600 - KVLanes.slack)
      try other.evaluate(Batch(restored, next))
      #expect(Array(try other.logits(0)) == (try expected(600 - KVLanes.slack, then: next)))
      // The ninth word says from which block on windows are there.
      for word in [0, 1, 8, 9, 10, 1 << 40, -1] {
        var bytes = saved
        withUnsafeBytes(of: Int64(word).littleEndian) { bytes.replaceSubrange(64..<72, with: $0) }
        if bytes != saved { #expect(throws: SessionError.self, "\(word)") { try other.restore(bytes) } }
      }
    }
    #expect(2 * sizes[0] < sizes[1])
  }

  // MARK: Failing

  /// Budgets of every size: a step that finds no room, at its start or in its middle, changes nothing.
  @Test func stepsThatFindNoRoomChangeNothing() throws {
    let probe = try session()
    let block = probe.kvBlockBytes
    let wanted = try expected(200, then: [7])
    var failed = 0, done = 0
    for blocks in stride(from: 20, through: 56, by: 2) {
      let session = try session(budget: blocks * block)
      let sequence = try session.makeSequence()
      do { try session.evaluate(Batch(sequence, Self.prompt[..<200])) } catch .budgetExceeded { continue }
      let bytes = try session.kvBytes
      do throws(SessionError) {
        try session.evaluate(Batch(sequence, Self.prompt[200..<600]))
        done += 1
      } catch .budgetExceeded {
        failed += 1
        #expect(try session.position(of: sequence) == 200 && session.kvBytes == bytes)
        try session.evaluate(Batch(sequence, CollectionOfOne(7)))
        #expect(Array(try session.logits(0)) == wanted)
      }
    }
    #expect(failed > 3 && done > 3)
  }

  // MARK: The engine

  private func ask(_ manual: ManualEngine, _ prompt: [Int32], most: Int = 1) throws -> Answer {
    let generation = try manual.engine.submit(request(prompt, most: most))
    manual.finish()
    return Answer(generation.poll())
  }

  @Test func theCacheServesModelsWithWindows() throws {
    let model = try Self.gemma.get()
    var options = EngineOptions()
    options.session.context = 1_024
    options.maximumStepTokens = 200
    let manual = try ManualEngine(model, options)
    let block = try session().kvBlockBytes
    let prompt = Self.prompt
    #expect(try ask(manual, prompt).cached == 0)
    #expect(try ask(manual, prompt).cached == 699)
    // In the middle of what was computed, at any place: its window is there.
    for count in [130, 333, 512] {
      let other = Array(prompt[..<count]) + tokens(40, seed: UInt64(count))
      let answer = try ask(manual, other, most: 20)
      #expect(try #require(answer.cached) >= count)
      #expect(answer.tokens == (try model.alone(request(other, most: 20), context: 1_024)))
    }
    // The next turn of a talk goes on from the answer's end; from the answer's middle, from what it follows.
    let opening = tokens(90, seed: 40)
    let talk = try ask(manual, opening, most: 300)
    let said = opening + talk.tokens.map(\.token)
    let next = try ask(manual, said + tokens(9, seed: 41), most: 30)
    #expect(try #require(next.cached) >= 389)
    #expect(next.tokens == (try model.alone(request(said + tokens(9, seed: 41), most: 30), context: 1_024)))
    let middle = Array(said[..<230]) + tokens(9, seed: 42)
    let answer = try ask(manual, middle, most: 30)
    #expect((64..<230).contains(try #require(answer.cached)))
    #expect(answer.tokens == (try model.alone(request(middle, most: 30), context: 1_024)))
    // Told by the request: what it held at most is much less than all.
    let usage = try #require(talk.usage)
    #expect(usage.peakKVBytes <= (7 + 5 * 5) * block && usage.peakKVBytes >= 7 * block)
    manual.engine.clearCache()
    _ = manual.scheduler.turn()
    #expect(manual.engine.counters.kvBytes == 0)
  }

  /// A budget that one long request fills: its windows' past goes first, and it is served to its end beside others.
  @Test func aTightBudgetServesLongRequests() throws {
    let model = try Self.gemma.get()
    let probe = try session()
    var options = EngineOptions()
    options.session.context = 800
    options.session.kvBudget = probe.kvBlocks(for: 800) * probe.kvBlockBytes
    options.maximumStepTokens = 128
    #expect(2 * probe.kvBlocks(for: 800) < 6 * 13)
    let manual = try ManualEngine(model, options)
    let asked = (0..<4).map { request(tokens(400, seed: 60 + UInt64($0 / 2)) + [Int32($0)], most: 380) }
    let generations = try asked.map { try manual.engine.submit($0) }
    while manual.scheduler.turn() == .stepped {
      #expect(manual.engine.counters.kvBytes <= options.session.kvBudget ?? 0)
    }
    for (request, generation) in zip(asked, generations) {
      let answer = Answer(generation.poll())
      #expect(answer.reason == .length)
      #expect(answer.tokens == (try model.alone(request, context: 800)))
    }
    #expect(manual.engine.counters.finished == 4)
  }
}
