// How all-MiniLM-L6-v2's cosines order the sentence pairs of STS-B, against what people said, where both are at hand.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct SentencePairTests {
  /// Ranks from 0, equal values sharing the mean of theirs.
  static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for place in start..<end { ranks[order[place]] = Double(start + end - 1) / 2 }
      start = end
    }
    return ranks
  }

  /// Spearman's correlation: Pearson's, of ranks.
  static func spearman(_ a: [Double], _ b: [Double]) -> Double {
    let (x, y) = (ranks(a), ranks(b))
    let middle = Double(x.count - 1) / 2
    func sum(_ p: [Double], _ q: [Double]) -> Double {
      zip(p, q).reduce(0) { $0 + ($1.0 - middle) * ($1.1 - middle) }
    }
    return sum(x, y) / (sum(x, x) * sum(y, y)).squareRoot()
  }

  @Test func theCorrelationIsOfRanks() {
    #expect(Self.spearman([1, 2, 3, 4], [10, 20, 30, 1_000]) == 1)
    #expect(Self.spearman([1, 2, 3, 4], [4, 3, 2, 1]) == -1)
    // Ties share a rank: scipy.stats.spearmanr gives 0.9486832980505138.
    #expect(abs(Self.spearman([1, 2, 3, 4], [1, 2, 2, 3]) - 0.9486832980505138) < 1e-12)
  }

  /// Its authors' way (mean over all tokens, length 1, at most 256 tokens) gives 0.8205 on the test set.
  @Test(
    .enabled(
      if: RealModels.exists(RealModels.miniLM) && RealModels.exists(RealModels.stsBenchmark),
      "\(RealModels.reason); and sts-test.csv of STS-B (ixa2.si.ehu.eus/stswiki) beside it"))
  func miniLMOnTheTestSet() async throws {
    let file = try SafetensorsFile(path: RealModels.miniLM)
    let json = try #require(try file.tokenizerJSON)
    let tokenizer = try TokenizerLoader.tokenizer(tokenizerJSON: json, config: file.tokenizerConfig)
    let model = try Model.open(
      path: RealModels.miniLM, runtime: Runtime(), options: ModelOptions(exactActivations: true))
    var options = EmbeddingOptions(tokenizer: tokenizer)
    options.maximumTokens = 256
    options.pooling = .mean
    options.maximumQueue = 4_000
    let engine = try EmbeddingEngine(model: model, options: options)

    let text = try String(contentsOfFile: RealModels.stsBenchmark, encoding: .utf8)
    // genre, file, year, id, score, first, second, and sources for some; quotation marks mean nothing.
    let rows = text.split(whereSeparator: \.isNewline).map {
      $0.split(separator: "\t", omittingEmptySubsequences: false)
    }
    .filter { $0.count >= 7 }
    try #require(rows.count == 1_379)
    func submit(_ sentence: Substring) throws -> EmbeddingTask {
      let tokens = tokenizer.encode(String(sentence), parseSpecial: false, addBOS: false, addEOS: false)
      return try engine.submit(EmbeddingRequest(.text(tokens), excess: .truncate))
    }
    let tasks = try rows.map { (try submit($0[5]), try submit($0[6])) }
    var cosines: [Double] = []
    for (first, second) in tasks {
      let (a, b) = (try await first.value().values, try await second.value().values)
      cosines.append(zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) })
    }
    let found = Self.spearman(cosines, try rows.map { try #require(Double($0[4])) })
    print("STS-B, test set: Spearman \(found)")
    #expect(abs(found - 0.8205) < 0.0005)
  }
}
