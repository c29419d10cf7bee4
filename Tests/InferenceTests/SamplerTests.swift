// The sampler: each option against a plain computation in double, and the distribution that it draws from.
import Foundation
import Inference
import Testing

@Suite struct SamplerTests {
  private func sample(_ sampler: inout Sampler, _ logits: [Float]) throws -> SampledToken {
    try logits.withUnsafeBufferPointer { buffer throws in try sampler.sample(buffer) }
  }

  private func softmax(_ logits: [Double]) -> [Double] {
    let peak = logits.max() ?? 0
    let weights = logits.map { Foundation.exp($0 - peak) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }

  /// Frequencies of `draws` draws.
  private func frequencies(_ options: SamplingOptions, _ logits: [Float], draws: Int) throws -> [Double] {
    var sampler = try Sampler(options)
    var counts = [Double](repeating: 0, count: logits.count)
    for _ in 0..<draws { counts[Int(try sample(&sampler, logits).token)] += 1 }
    return counts.map { $0 / Double(draws) }
  }

  /// Each frequency within five standard errors of its probability.
  private func expectClose(_ found: [Double], _ expected: [Double], draws: Int) {
    for (index, (f, p)) in zip(found, expected).enumerated() {
      let error = (p * (1 - p) / Double(draws)).squareRoot()
      #expect(abs(f - p) <= 5 * error + 1e-12, "token \(index): \(f) instead of \(p)")
    }
  }

  @Test func greedyTakesTheLowestIndexAmongEquals() throws {
    var sampler = try Sampler()
    #expect(try sample(&sampler, [1, 3, 3, -2]).token == 1)
    #expect(try sample(&sampler, [.nan, -5, .nan, -7]).token == 1)
    for length in 1...70 {
      var logits = [Float](repeating: -1, count: length)
      logits[length / 2] = 0.5
      #expect(try sample(&sampler, logits).token == Int32(length / 2))
    }
  }

  @Test func refusesWhatHasNoCandidate() throws {
    var sampler = try Sampler()
    #expect(throws: SamplerError.noCandidate) { try sample(&sampler, [.nan, -.infinity]) }
    #expect(throws: SamplerError.noCandidate) { try sample(&sampler, []) }
    #expect(throws: SamplerError.noCandidate) { try sample(&sampler, [.infinity, 1]) }
    var options = SamplingOptions()
    options.logitBias = [9: 1]
    var biased = try Sampler(options)
    #expect(throws: SamplerError.tokenOutOfRange(9, vocabulary: 2)) { try sample(&biased, [1, 2]) }
  }

  @Test func optionsOutOfRangeAreNamed() {
    let paths: [WritableKeyPath<SamplingOptions, Float>] = [
      \.temperature, \.topP, \.minP, \.repetitionPenalty, \.frequencyPenalty, \.presencePenalty,
    ]
    for path in paths {
      for bad in [-Float.infinity, .nan, .infinity] {
        var options = SamplingOptions()
        options[keyPath: path] = bad
        #expect(throws: SamplerError.self) { try Sampler(options) }
      }
    }
  }

  @Test func drawsFollowTheTemperature() throws {
    let logits: [Float] = [0.3, 1.7, -0.4, 2.1, 0, 0.9, -3, 1.2]
    for temperature in [0.5, 1, 2] as [Float] {
      var options = SamplingOptions()
      options.temperature = temperature
      options.seed = 7
      let expected = softmax(logits.map { Double($0 / temperature) })
      expectClose(try frequencies(options, logits, draws: 20_000), expected, draws: 20_000)
    }
  }

  @Test func truncationsKeepWhatTheirDefinitionsSay() throws {
    let logits: [Float] = [2, 1.5, 1, 0.5, 0, -0.5, -1, -4]
    let all = softmax(logits.map(Double.init))
    func renormalised(_ keep: Int) -> [Double] {
      let sum = all[..<keep].reduce(0, +)
      return all.enumerated().map { $0.offset < keep ? $0.element / sum : 0 }
    }
    var topK = SamplingOptions()
    (topK.temperature, topK.topK) = (1, 3)
    expectClose(try frequencies(topK, logits, draws: 20_000), renormalised(3), draws: 20_000)

    var topP = SamplingOptions()
    (topP.temperature, topP.topP) = (1, 0.8)
    var sum = 0.0
    let nucleus =
      1
      + (all.firstIndex {
        sum += $0; return sum >= 0.8
      } ?? 0)
    expectClose(try frequencies(topP, logits, draws: 20_000), renormalised(nucleus), draws: 20_000)

    var minP = SamplingOptions()
    (minP.temperature, minP.minP) = (1, 0.2)
    let kept = all.filter { $0 >= 0.2 * all[0] }.count
    expectClose(try frequencies(minP, logits, draws: 20_000), renormalised(kept), draws: 20_000)
  }

  @Test func topPKeepsTheNucleusOfALargeVocabulary() throws {
    var random = SeededRandom(seed: 3)
    let logits = (0..<50_000).map { _ in Float(random.unit() * 12) }
    var options = SamplingOptions()
    (options.temperature, options.topP, options.seed) = (0.7, 0.9, 11)
    let probabilities = softmax(logits.map { Double($0) / 0.7 })
    let order = probabilities.indices.sorted { probabilities[$0] > probabilities[$1] }
    var nucleus = Set<Int32>()
    var sum = 0.0
    for index in order where sum < 0.9 {
      sum += probabilities[index]
      nucleus.insert(Int32(index))
    }
    var sampler = try Sampler(options)
    for _ in 0..<300 {
      let token = try sample(&sampler, logits).token
      // Rounding may move the border by a token of the same weight.
      #expect(nucleus.contains(token) || probabilities[Int(token)] > 0.999 * probabilities[order[nucleus.count - 1]])
    }
  }

  @Test func penaltiesAndBiasShiftLogits() throws {
    var options = SamplingOptions()
    options.repetitionPenalty = 2
    options.presencePenalty = 0.25
    options.frequencyPenalty = 0.5
    options.penaltyWindow = 3
    var sampler = try Sampler(options)
    for token in [3, 1, 0, 0] as [Int32] { sampler.accept(token) }  // 3 has left the window
    // 0: 4 / 2 - 0.25 - 2 * 0.5 = 0.75; 1: -0.1 * 2 - 0.25 - 0.5 = -0.95; 2: 0.7; 3 as it is
    #expect(try sample(&sampler, [4, -0.1, 0.7, 0.74]).token == 0)
    #expect(try sample(&sampler, [4, -0.1, 0.76, 0.74]).token == 2)
    #expect(try sample(&sampler, [1, 2, 0, 0.8]).token == 3)
    options.logitBias = [2: 100, 0: -.infinity]
    var biased = try Sampler(options)
    #expect(try sample(&biased, [50, 1, 1, 1]).token == 2)
  }

  @Test func logProbabilitiesAreTheModelsOwn() throws {
    let logits: [Float] = [1, 4, 2, 4, -9]
    var options = SamplingOptions()
    (options.topLogProbabilities, options.temperature, options.topK, options.seed) = (3, 5, 2, 1)
    options.logitBias = [0: 2]
    var sampler = try Sampler(options)
    let sampled = try sample(&sampler, logits)
    let expected = softmax(logits.map(Double.init)).map { Foundation.log($0) }
    #expect(sampled.top.map(\.token) == [1, 3, 2])
    for entry in sampled.top { #expect(abs(Double(entry.logProbability) - expected[Int(entry.token)]) < 1e-5) }
    #expect(abs(Double(sampled.logProbability) - expected[Int(sampled.token)]) < 1e-5)
  }

  @Test func aSeedGivesTheSameTokens() throws {
    let logits = (0..<1_000).map { Float($0 % 37) / 9 }
    var options = SamplingOptions()
    (options.temperature, options.topP, options.seed) = (1, 0.95, 42)
    var runs: [[Int32]] = []
    for _ in 0..<2 {
      var sampler = try Sampler(options)
      runs.append(try (0..<50).map { _ in try sample(&sampler, logits).token })
    }
    #expect(runs[0] == runs[1])
    #expect(Set(runs[0]).count > 10)
    options.seed = 43
    var other = try Sampler(options)
    #expect(try (0..<50).map { _ in try sample(&other, logits).token } != runs[0])
  }

  @Test func randomNumbersAreUniform() {
    var random = SeededRandom(seed: 5)
    var buckets = [Int](repeating: 0, count: 16)
    for _ in 0..<160_000 { buckets[Int(random.unit() * 16)] += 1 }
    let chi = buckets.reduce(0.0) { $0 + Double(($1 - 10_000) * ($1 - 10_000)) / 10_000 }
    #expect(chi < 44)  // 15 degrees of freedom: p < 1e-4 beyond
  }
}

@Suite struct StopMatcherTests {
  /// Feeds `text` in pieces of `size` scalars.
  private func run(_ text: String, stops: [String], size: Int) -> (String, String?) {
    var matcher = StopMatcher(strings: stops)
    var output = ""
    let scalars = Array(text.unicodeScalars)
    for start in stride(from: 0, to: scalars.count, by: size) {
      var piece = String.UnicodeScalarView()
      piece.append(contentsOf: scalars[start..<min(start + size, scalars.count)])
      let (text, stop) = matcher.append(String(piece))
      output += text
      if let stop { return (output, stop) }
    }
    return (output + matcher.finish(), nil)
  }

  @Test(arguments: 1...7) func findsStopsHoweverTheTextIsCut(size: Int) {
    #expect(run("one two STOP three", stops: ["STOP"], size: size) == ("one two ", "STOP"))
    #expect(run("aaab", stops: ["aab"], size: size) == ("a", "aab"))
    #expect(run("x\n\nUser: hi", stops: ["User:", "\n\n"], size: size).0 == "x")
    #expect(run("no stop STO", stops: ["STOP"], size: size) == ("no stop STO", nil))
    #expect(run("naïve → 你好吗", stops: ["好"], size: size) == ("naïve → 你", "好"))
    #expect(run("abc", stops: [], size: size) == ("abc", nil))
    #expect(run("abc", stops: [""], size: size) == ("abc", nil))
  }

  @Test func holdsBackOnlyWhatMayBecomeAStop() {
    var matcher = StopMatcher(strings: ["###"])
    #expect(matcher.append("ab#") == ("ab", nil))
    #expect(matcher.append("#c") == ("##c", nil))
    #expect(matcher.finish() == "")
  }
}
