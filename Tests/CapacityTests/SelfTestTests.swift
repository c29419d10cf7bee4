// The self-test: what it injects is caught, what it does not is not, and it counts what it says. Nothing here depends on
// how fast or how busy the machine is: kinds that do are run and not judged.
import Capacity
import Foundation
import Testing

@Suite struct BitSumTests {
  private func sum(_ bytes: [UInt8]) -> BitSum { bytes.withUnsafeBytes { BitSum($0) } }

  @Test func everyChangedBitIsSeen() {
    var random = RandomSource(seed: 4)
    for count in [1, 63, 64, 65, 200] {
      let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let whole = sum(bytes)
      #expect(whole == sum(bytes))
      for bit in 0..<8 * count {
        var changed = bytes
        changed[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(sum(changed) != whole, "bit \(bit) of \(count) bytes")
      }
    }
  }

  @Test func orderAndPiecesCount() {
    let bytes = (0..<256).map { UInt8($0) }
    #expect(sum(bytes) != sum(Array(bytes[64...]) + Array(bytes[..<64])))
    #expect(sum(bytes) != sum(Array(bytes[8..<16]) + Array(bytes[..<8]) + Array(bytes[16...])))
    var parts = BitSum()
    bytes[..<128].withUnsafeBytes { parts.add($0) }
    bytes[128...].withUnsafeBytes { parts.add($0) }
    var again = BitSum()
    bytes[..<128].withUnsafeBytes { again.add($0) }
    #expect(parts != again && again != BitSum())
  }
}

@Suite struct SelfTestTests {
  private func run(_ kinds: [FaultKind], trials: Int, seed: UInt64 = 3) throws -> SelfTestResult {
    try SelfTest(trials: trials, seed: seed, kinds: kinds).run()
  }

  /// One trial of every format: any bit of its panels.
  @Test func flippedBitsAreCaught() throws {
    let result = try run([.weightBit], trials: 16)
    #expect(result.rows[0].caught == 16 && result.rows[0].falseAlarms == 0 && result.rows[0].cleanTrials == 16)
    #expect(result.isComplete && result.passes)
    let wrong = try run([.resultBit], trials: 6)
    #expect(wrong.rows[0].caught == 6 && wrong.rows[0].falseAlarms == 0)
  }

  @Test func recordedFaultsAreCaught() throws {
    let result = try run([.powerGap, .stolenTime], trials: 60)
    for row in result.rows {
      #expect(row.trials == 60 && row.caught == 60 && row.cleanTrials == 60 && row.falseAlarms == 0, "\(row)")
    }
  }

  @Test func timedFaultsAreCounted() throws {
    let result = try run([.slowDown, .stall, .foreignProcess], trials: 1)
    #expect(result.rows.map(\.kind) == [.slowDown, .stall, .foreignProcess])
    for row in result.rows where row.notTestable == nil {
      #expect(row.trials == 1 && row.caught <= 1 && !row.notes.isEmpty)
      // No machine of many users is known to be without foreign work.
      #expect(row.cleanTrials == (row.kind == .foreignProcess ? 0 : 1))
    }
  }

  @Test func whatIsStoppedHasCounted() throws {
    var asked = 0
    let result = try SelfTest(trials: 50, seed: 1, kinds: [.powerGap, .stolenTime]).run(
      progress: { _, share in #expect((0..<1).contains(share)) },
      isCancelled: {
        asked += 1
        return asked > 7
      })
    #expect(!result.isComplete && result.rows.map(\.trials).reduce(0, +) == 7)
    #expect(result.rows[0].trials == 4 && result.rows[0].caught == 4 && result.asked == 50)
  }

  @Test func ninetyFiveOfAHundredAndNoFalseAlarm() throws {
    var row = SelfTestResult.Row(.stall)
    #expect(!row.passes)
    (row.trials, row.caught) = (100, 95)
    #expect(row.passes)
    row.caught = 94
    #expect(!row.passes)
    (row.caught, row.cleanTrials, row.falseAlarms) = (100, 100, 1)
    #expect(!row.passes)
    var result = SelfTestResult(rows: [row], seed: 1, asked: 100)
    #expect(!result.passes)
    result.rows[0].falseAlarms = 0
    #expect(result.passes)
    let text = String(decoding: try result.json(), as: UTF8.self)
    #expect(text.contains("\"false_alarms\" : 0") && text.contains("gobi.selftest/1"))
  }
}
