// Sessions: the same bits whatever the chunk, the batch or the threads; branching, trimming, saving; budgets, misuse.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct SessionTests {
  static let prompt: [Int32] = (0..<150).map { Int32(($0 * 37 + 11) % 384) }

  static func model(_ name: String = "qwen3", threads: Int = 1, isa: ISA? = nil) throws -> Model {
    try Golden.model(name, runtime: Runtime(threads: threads, isa: isa))
  }

  // MARK: Determinism

  @Test(arguments: ["llama", "qwen3_moe", "gemma3_text"], ISA.available)
  func sameBitsForAnyThreadsAndChunk(_ name: String, isa: ISA) throws {
    for format in KVFormat.allCases {
      var reference: [Float] = []
      for threads in [1, 2] {
        let model = try Self.model(name, threads: threads, isa: isa)
        for chunk in [512, 1, 7, 64] {
          let session = try Session(model: model, options: SessionOptions(chunk: chunk, kvFormat: format))
          let logits = try session.allLogits(Self.prompt)
          if reference.isEmpty { reference = logits }
          #expect(logits == reference, "\(name) \(isa) \(format): \(threads) threads, chunk \(chunk)")
        }
      }
      #expect(reference.allSatisfy { $0.isFinite })
    }
  }

  @Test(arguments: ["llama", "qwen3_moe", "gemma3_text"], ISA.available)
  func sameBitsAloneAndAmongOthers(_ name: String, isa: ISA) throws {
    let session = try Session(model: Self.model(name, threads: 2, isa: isa), options: SessionOptions(chunk: 64))
    let prompts = (0..<8).map { mate in (0..<(20 + 13 * mate)).map { Int32(($0 * (2 * mate + 3) + mate) % 384) } }
    let steps = (0..<5).map { Int32($0 * 50 + 7) }

    // Alone: a prompt, then token by token.
    var alone: [[[Float]]] = []
    for prompt in prompts {
      let sequence = try session.makeSequence()
      try session.evaluate(Batch(sequence, prompt))
      var rows = [Array(try session.logits(0))]
      for token in steps {
        try session.evaluate(Batch(sequence, CollectionOfOne(token)))
        rows.append(Array(try session.logits(0)))
      }
      alone.append(rows)
      try session.remove(sequence)
    }
    // Together: prompts of all lengths in one batch, then all sequences in each step.
    let sequences = try prompts.map { _ in try session.makeSequence() }
    var batch = Batch()
    for (sequence, prompt) in zip(sequences, prompts) { batch.add(sequence, prompt) }
    for step in 0...steps.count {
      try session.evaluate(batch)
      #expect(try session.logitRows == 8)
      for mate in 0..<8 { #expect(Array(try session.logits(mate)) == alone[mate][step], "\(name) mate \(mate)") }
      batch.removeAll()
      if step < steps.count { for sequence in sequences { batch.add(sequence, steps[step]) } }
    }
  }

  @Test func aVisitorSeesTheSameRows() throws {
    let session = try Session(model: Self.model(), options: SessionOptions(chunk: 50))
    let all = try session.allLogits(Self.prompt)
    let vocabulary = session.model.configuration.vocabulary
    let sequence = try session.makeSequence()
    var rows: [Int] = []
    try session.evaluate(Batch(sequence, Self.prompt, output: .from(30))) { row, logits in
      rows.append(row)
      #expect(Array(logits) == Array(all[(30 + row) * vocabulary..<(31 + row) * vocabulary]))
    }
    #expect(rows == Array(0..<120))
    #expect(try session.logitRows == 0)
  }

  // MARK: Branches, trimming, memory

  @Test func branchesShareMemoryAndDiverge() throws {
    let session = try Session(model: Self.model())
    let trunk = try session.makeSequence()
    try session.evaluate(Batch(trunk, Self.prompt[..<100]))
    let before = try session.kvBytes
    let branch = try session.branch(trunk, at: 70)
    #expect(try session.kvBytes == before)
    #expect(try session.position(of: branch) == 70)

    try session.evaluate(Batch(branch, Self.prompt[70..<150]))
    let branched = Array(try session.logits(0))
    try session.evaluate(Batch(trunk, Self.prompt[100..<150]))
    let straight = Array(try session.logits(0))
    #expect(branched == straight)
    try session.remove(branch)
    try session.evaluate(Batch(trunk, CollectionOfOne(5)))
    let after = Array(try session.logits(0))
    try session.remove(trunk)
    #expect(try session.kvBytes == 0)

    // Reused blocks hold nothing of their past.
    let fresh = try session.makeSequence()
    try session.evaluate(Batch(fresh, Self.prompt))
    #expect(Array(try session.logits(0)) == straight)
    try session.evaluate(Batch(fresh, CollectionOfOne(5)))
    #expect(Array(try session.logits(0)) == after)
  }

  @Test func writingToABranchLeavesTheTrunkAlone() throws {
    let session = try Session(model: Self.model())
    let trunk = try session.makeSequence()
    try session.evaluate(Batch(trunk, Self.prompt[..<100]))
    let branch = try session.branch(trunk, at: 80)
    try session.evaluate(Batch(branch, (0..<40).map { _ in Int32(3) }))
    try session.evaluate(Batch(trunk, CollectionOfOne(9)))
    let shared = Array(try session.logits(0))
    let other = try Session(model: session.model)
    let sequence = try other.makeSequence()
    try other.evaluate(Batch(sequence, Self.prompt[..<100]))
    try other.evaluate(Batch(sequence, CollectionOfOne(9)))
    #expect(Array(try other.logits(0)) == shared)
  }

  @Test func trimming() throws {
    let session = try Session(model: Self.model())
    let sequence = try session.makeSequence()
    try session.evaluate(Batch(sequence, Self.prompt[..<90]))
    let wanted = Array(try session.logits(0))
    try session.evaluate(Batch(sequence, Self.prompt[..<60].reversed()))
    try session.trim(sequence, to: 89)
    #expect(try session.position(of: sequence) == 89)
    try session.evaluate(Batch(sequence, CollectionOfOne(Self.prompt[89])))
    #expect(Array(try session.logits(0)) == wanted)
    try session.trim(sequence, to: 0)
    #expect(try session.kvBytes == 0)
    #expect(throws: SessionError.self) { try session.trim(sequence, to: 1) }
    #expect(throws: SessionError.self) { try session.trim(sequence, to: -1) }
  }

  @Test func aBudgetIsAHardCap() throws {
    let model = try Self.model()
    let probe = try Session(model: model)
    let one = try probe.makeSequence()
    try probe.evaluate(Batch(one, CollectionOfOne(1)))
    let block = try probe.kvBytes

    let session = try Session(model: model, options: SessionOptions(kvBudget: 2 * block))
    let sequence = try session.makeSequence()
    try session.evaluate(Batch(sequence, Self.prompt[..<100]))
    let error = #expect(throws: SessionError.self) { try session.evaluate(Batch(sequence, Self.prompt[..<100])) }
    #expect(error == .budgetExceeded(needed: 3 * block, budget: 2 * block))
    #expect(try session.position(of: sequence) == 100)
    #expect(try session.kvBytes == 2 * block)
    try session.evaluate(Batch(sequence, Self.prompt[..<28]))
    #expect(try session.position(of: sequence) == 128)
  }

  @Test func thePlanHolds() throws {
    let model = try Self.model()
    let plan = try model.memoryPlan(context: 150, batch: 2, chunk: 64)
    #expect(plan.weights == model.weightBytes)
    let session = try Session(model: model, options: SessionOptions(context: 150, chunk: 64))
    for _ in 0..<2 { try session.evaluate(Batch(session.makeSequence(), Self.prompt)) }
    #expect(try session.kvBytes == plan.kv)
    #expect(plan.total == plan.weights + plan.kv + plan.workspace + plan.logits)
    let unloaded = try Model.memoryPlan(
      path: Fixtures.path("golden/qwen3"), runtime: model.runtime, context: 150, batch: 2, chunk: 64)
    #expect(unloaded == plan)
    for (context, batch, chunk) in [(0, 1, 1), (.max, 1, 1), (1, 0, 1), (1, .max, 1), (1, 1, 0), (1, 1, .max)] {
      #expect(throws: ModelError.self) { try model.memoryPlan(context: context, batch: batch, chunk: chunk) }
    }
  }

  // MARK: Saving

  @Test(arguments: KVFormat.allCases)
  func savedSequencesGoOn(_ format: KVFormat) throws {
    let model = try Self.model()
    let options = SessionOptions(kvFormat: format)
    let session = try Session(model: model, options: options)
    let sequence = try session.makeSequence()
    try session.evaluate(Batch(sequence, Self.prompt[..<100]))
    let saved = try session.save(sequence)
    try session.evaluate(Batch(sequence, Self.prompt[100..<120]))
    let wanted = Array(try session.logits(0))

    let other = try Session(model: model, options: options)
    let restored = try other.restore(saved)
    #expect(try other.position(of: restored) == 100)
    try other.evaluate(Batch(restored, Self.prompt[100..<120]))
    #expect(Array(try other.logits(0)) == wanted)
  }

  @Test func damagedAndForeignStatesAreRefused() throws {
    let session = try Session(model: Self.model())
    let sequence = try session.makeSequence()
    try session.evaluate(Batch(sequence, Self.prompt[..<70]))
    let saved = try session.save(sequence)
    func refuse(_ bytes: [UInt8], _ what: Comment) {
      #expect(throws: SessionError.self, what) { try session.restore(bytes) }
    }
    refuse([], "empty")
    for length in [1, 55, 56, 63, 64, 71, 72, saved.count - 1] { refuse(Array(saved[..<length]), "cut at \(length)") }
    refuse(saved + [0], "longer")
    var random = SeededGenerator(state: 7)
    for _ in 0..<300 {
      var bytes = saved
      random.mutate(&bytes, within: bytes.count)
      if bytes != saved { refuse(bytes, "mutated") }
    }
    let foreign = try Session(model: Self.model("llama"))
    #expect(throws: SessionError.self) { try foreign.restore(saved) }
    let otherFormat = try Session(model: session.model, options: SessionOptions(kvFormat: .f32))
    #expect(throws: SessionError.self) { try otherFormat.restore(saved) }
    let shorter = try Session(model: session.model, options: SessionOptions(context: 69))
    #expect(throws: SessionError.self) { try shorter.restore(saved) }
    let capped = try Session(model: session.model, options: SessionOptions(kvBudget: 10))
    #expect(throws: SessionError.self) { try capped.restore(saved) }
    #expect(try capped.kvBytes == 0)
    #expect(try session.sequenceCount == 1)
  }

  // MARK: Cancelling and misuse

  @Test func cancellingLeavesEverythingAsItWas() throws {
    let session = try Session(model: Self.model(), options: SessionOptions(chunk: 16))
    let sequence = try session.makeSequence()
    try session.evaluate(Batch(sequence, Self.prompt[..<40]))
    let bytes = try session.kvBytes
    let flag = CancelFlag()
    flag.cancel()
    #expect(throws: SessionError.cancelled) { try session.evaluate(Batch(sequence, Self.prompt), cancel: flag) }
    flag.reset()
    // Now in the middle: the visitor of the first chunk's rows sets the flag.
    #expect(throws: SessionError.cancelled) {
      try session.evaluate(Batch(sequence, Self.prompt, output: .all), cancel: flag) { row, _ in
        if row == 3 { flag.cancel() }
      }
    }
    #expect(try session.position(of: sequence) == 40)
    #expect(try session.kvBytes == bytes)
    try session.evaluate(Batch(sequence, Self.prompt[40..<90]))
    let after = Array(try session.logits(0))
    let fresh = try session.makeSequence()
    try session.evaluate(Batch(fresh, Self.prompt[..<90]))
    #expect(Array(try session.logits(0)) == after)
  }

  @Test func aSecondThreadIsTurnedAway() async throws {
    let session = try Session(model: Self.model(), options: SessionOptions(chunk: 8))
    let sequence = try session.makeSequence()
    var refused: SessionError?
    try session.evaluate(Batch(sequence, Self.prompt, output: .all)) { row, _ in
      // A call from inside is as much out of turn as one from another thread.
      if row == 5 { do throws(SessionError) { _ = try session.makeSequence() } catch { refused = error } }
    }
    #expect(refused == .busy)
    #expect(try session.sequenceCount == 1)

    let errors = await withTaskGroup(of: [SessionError].self) { group in
      for _ in 0..<4 {
        group.addTask {
          var errors: [SessionError] = []
          for _ in 0..<50 {
            do throws(SessionError) { _ = try session.position(of: sequence) } catch { errors.append(error) }
          }
          return errors
        }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    #expect(errors.allSatisfy { $0 == .busy })
    #expect(try session.position(of: sequence) == 150)
  }

  @Test func wrongBatchesAreRefused() throws {
    let session = try Session(model: Self.model(), options: SessionOptions(context: 20))
    let sequence = try session.makeSequence()
    func refuse(_ batch: Batch, _ what: Comment) {
      #expect(throws: SessionError.self, what) { try session.evaluate(batch) }
    }
    refuse(Batch(sequence, [-1]), "negative token")
    refuse(Batch(sequence, [384]), "token beyond the vocabulary")
    refuse(Batch(sequence, [] as [Int32]), "no tokens")
    refuse(Batch(sequence, Self.prompt[..<21]), "beyond the context")
    var twice = Batch(sequence, [1])
    twice.add(sequence, 2)
    refuse(twice, "twice")
    try session.evaluate(Batch())
    try session.evaluate(Batch(sequence, Self.prompt[..<20]))
    refuse(Batch(sequence, [1]), "full")
    #expect(throws: SessionError.self) { try session.logits(1) }
    #expect(throws: SessionError.self) { try session.logits(-1) }
    try session.remove(sequence)
    refuse(Batch(sequence, [1]), "removed")
    #expect(throws: SessionError.unknownSequence(sequence)) { try session.remove(sequence) }
    let stranger = try Session(model: session.model).makeSequence()
    refuse(Batch(stranger, [1]), "another session's")
    let newer = try session.makeSequence()
    #expect(newer != sequence)
    refuse(Batch(sequence, [1]), "its slot is taken by another")
    for options in [
      SessionOptions(context: 0), SessionOptions(context: -1), SessionOptions(chunk: 0), SessionOptions(kvBudget: -1),
    ] {
      #expect(throws: SessionError.self) { try Session(model: session.model, options: options) }
    }
    #expect(throws: SessionError.self) { try session.encode([[1]]) }
  }
}
