// The prefix cache: what it holds, what it gives up, and how much of a recorded load it saves.
import Inference
import TestSupport
import Testing

@Suite struct EngineCacheTests {
  private func ask(
    _ manual: ManualEngine, _ prompt: [Int32], most: Int = 1, key: UInt64 = 0, usesCache: Bool = true
  ) throws -> Answer {
    let asked = GenerationRequest(
      prompt: prompt, stop: StopRule(maximumTokens: most), usesCache: usesCache, cacheKey: key)
    let generation = try manual.engine.submit(asked)
    manual.finish()
    return Answer(generation.poll())
  }

  @Test func whatOthersComputedIsReused() throws {
    let model = try engineModel()
    let manual = try ManualEngine(model, EngineOptions())
    let prompt = tokens(150, seed: 1)
    #expect(try ask(manual, prompt).cached == 0)
    // All but the last token, which gives the logits.
    #expect(try ask(manual, prompt).cached == 149)
    #expect(try ask(manual, Array(prompt[..<100])).cached == 99)
    #expect(try ask(manual, Array(prompt[..<100]) + tokens(50, seed: 2)).cached == 100)
    #expect(try ask(manual, tokens(50, seed: 3)).cached == 0)
    // Not where it is not wanted, nor across keys.
    #expect(try ask(manual, prompt, usesCache: false).cached == 0)
    #expect(try ask(manual, prompt, key: 7).cached == 0)
    #expect(try ask(manual, prompt, key: 7).cached == 149)
    // What was generated counts too: the next turn of a talk.
    let talk = try ask(manual, tokens(70, seed: 4), most: 60)
    let next = tokens(70, seed: 4) + talk.tokens.map(\.token) + tokens(10, seed: 5)
    let answer = try ask(manual, next, most: 10)
    #expect(answer.cached == 129)
    #expect(answer.tokens == (try model.alone(request(next, most: 10), context: 256)))
    manual.engine.clearCache()
    _ = manual.scheduler.turn()
    #expect(manual.engine.counters.kvBytes == 0)
    #expect(try ask(manual, prompt).cached == 0)
  }

  @Test func theCacheKeepsItsBoundAndWhatWasUsedLast() throws {
    let model = try engineModel()
    let block = try Session(model: model).kvBlockBytes
    var options = EngineOptions()
    options.cacheBytes = 6 * block + 1
    let manual = try ManualEngine(model, options)
    let prompts = (0..<3).map { tokens(129, seed: UInt64($0)) }  // three blocks, with that of the last token
    for prompt in prompts {
      _ = try ask(manual, prompt)
      #expect(manual.engine.counters.cacheBytes <= 6 * block)
      #expect(try ask(manual, prompts[0]).cached == 128)
    }
    // The second was used longest ago.
    #expect(manual.engine.counters.evictedBlocks > 0)
    #expect(try ask(manual, prompts[2]).cached == 128)
    #expect(try #require(try ask(manual, prompts[1]).cached) < 128)
    #expect(manual.engine.counters.cacheBytes <= 6 * block)
  }

  @Test func runningSequencesTakeTheCachesMemory() throws {
    let model = try engineModel()
    let block = try Session(model: model).kvBlockBytes
    var options = EngineOptions()
    options.session.kvBudget = 4 * block
    options.session.context = 256
    let manual = try ManualEngine(model, options)
    _ = try ask(manual, tokens(250, seed: 1))
    #expect(manual.engine.counters.cacheBytes > 2 * block)
    let other = request(tokens(200, seed: 2), most: 56)
    let generation = try manual.engine.submit(other)
    manual.finish()
    #expect(Answer(generation.poll()).tokens == (try model.alone(other, context: 256)))
    #expect(manual.engine.counters.preemptions == 0)
    #expect(manual.engine.counters.kvBytes <= 4 * block)
  }

  /// Requests that come together compute a common beginning once, and hold it once.
  @Test func aSharedPrefixIsComputedOnceAndHeldOnce() throws {
    var options = EngineOptions()
    options.session.context = 1_200
    let model = try engineModel()
    let block = try Session(model: model).kvBlockBytes
    let manual = try ManualEngine(model, options)
    let prefix = tokens(1_000, seed: 1)
    let requests = (0..<32).map { request(prefix + tokens(20, seed: 10 + UInt64($0)), most: 10) }
    let generations = try requests.map { try manual.engine.submit($0) }
    var peak = 0
    while manual.scheduler.turn() == .stepped { peak = max(peak, manual.engine.counters.kvBytes) }
    // 15 full blocks of the prefix are shared; 40 tokens of it and the rest are everybody's own.
    #expect(manual.engine.counters.prefillTokens <= 960 + 32 * 60)
    #expect(manual.engine.counters.cachedTokens >= 31 * 960)
    // 16 blocks would hold one sequence alone: 32 sequences take 15, two of their own each, and what the cache keeps.
    #expect(peak <= (15 + 32 * 3) * block)
    for (asked, generation) in zip(requests, generations) {
      #expect(Answer(generation.poll()).tokens == (try model.alone(asked, context: 1_200)))
    }
  }

  /// A recorded load with the hashes of its prefix blocks: each hash becomes a block of tokens.
  @Test func aRecordedLoadReusesWhatItCan() throws {
    struct Line {
      let hashes: [Int]
    }
    let lines = try Fixtures.text("traces/mooncake-excerpt.jsonl").split(separator: "\n").map { line in
      let json = try JSONValue(parsing: String(line))
      return Line(hashes: (json["hash_ids"]?.array ?? []).compactMap(\.int))
    }
    try #require(lines.count == 50)
    // What an endless cache could reuse, counted from the hashes alone.
    var seen: Set<Int> = []
    var reusable = 0, all = 0
    for line in lines {
      reusable += line.hashes.prefix { seen.contains($0) }.count
      all += line.hashes.count
      seen.formUnion(line.hashes)
    }
    #expect(Double(reusable) / Double(all) > 0.7)

    var options = EngineOptions()
    options.session.context = 4_096
    options.maximumSequences = 4
    let manual = try ManualEngine(engineModel(threads: 2), options)
    var generations: [Generation] = []
    for (index, line) in lines.enumerated() {
      let prompt = line.hashes.flatMap { tokens(64, seed: UInt64($0)) } + tokens(7, seed: 1_000_000 + UInt64(index))
      generations.append(try manual.engine.submit(request(prompt, most: 2)))
      for _ in 0..<2 { _ = manual.scheduler.turn() }
    }
    manual.finish()
    let counters = manual.engine.counters
    #expect(counters.finished == 50)
    #expect(counters.cachedTokens >= reusable * 64)
    #expect(counters.cachedTokens <= reusable * 64 + 50 * 7)
    #expect(counters.prefillTokens + counters.cachedTokens == all * 64 + 50 * 7)
    let usages = generations.compactMap { Answer($0.poll()).usage }
    #expect(usages.reduce(0) { $0 + $1.cachedTokens } == counters.cachedTokens)
  }

  /// Random use of the tree against a list of all that went in. The blocks hold their own tokens.
  @Test(arguments: [Int.max, 12, 3, 0]) func theTreeAgainstAList(_ limit: Int) {
    var random = SeededRandom(seed: UInt64(limit % 1_000))
    let pool = KVBlocks(blockBytes: 16, positions: 4, budget: nil)
    let cache = PrefixCache(pool: pool, bytes: limit == .max ? 1 << 30 : limit * 16)
    var known: [(key: UInt64, tokens: [Int32])] = []
    for round in 0..<2_000 {
      let key = UInt64(round % 2)
      let prompt = (0..<Int(random.next() % 14)).map { _ in Int32(random.next() % 2) }
      let common = known.filter { $0.key == key }.map { zip($0.tokens, prompt).prefix { $0 == $1 }.count }.max() ?? 0
      let (blocks, count) = cache.match(prompt[...], key: PrefixKey(cacheKey: key))
      if limit == .max { #expect(count == common) } else { #expect(count <= common) }
      #expect(blocks.count == pool.blockCount(for: count))
      for index in 0..<count {
        let tokens = pool.address(of: blocks[index / 4]).assumingMemoryBound(to: Int32.self)
        #expect(tokens[index % 4] == prompt[index])
      }
      // A sequence goes on from there and is left to the tree, as the engine does it.
      let sequence = KVSequence(pool: pool, sharing: blocks)
      #expect(throws: Never.self) { try sequence.prepare(for: count..<prompt.count) }
      for index in count..<prompt.count {
        pool.address(of: sequence.block(at: index / 4)).assumingMemoryBound(to: Int32.self)[index % 4] = prompt[index]
      }
      let own = (0..<pool.blockCount(for: prompt.count)).map { sequence.block(at: $0) }
      withExtendedLifetime(sequence) { cache.insert(prompt[...], blocks: own, key: PrefixKey(cacheKey: key)) }
      known.append((key, prompt))
      #expect(cache.count <= limit)
      if round % 100 == 99 {
        let before = cache.count
        withExtendedLifetime(sequence) {
          let could = cache.reclaimable
          let freed = cache.reclaim(2)
          #expect(freed == min(2, could) && cache.count == before - freed)
        }
        if limit == .max { known = [] }
        if limit == .max { cache.removeAll() }
      }
    }
    #expect(pool.inUse == cache.count)
    cache.removeAll()
    #expect(pool.inUse == 0 && cache.count == 0)
  }
}
