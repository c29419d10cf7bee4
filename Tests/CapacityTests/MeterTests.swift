// External meters: lines, files, commands that misbehave, and clocks that are not ours.
import Capacity
import Foundation
import TestSupport
import Testing

@Suite struct MeterTests {
  @Test(arguments: [
    ("250.5", nil, 250.5), ("1700000000.25 300", 1_700_000_000.25, 300), ("1700000000250,300", 1_700_000_000.25, 300),
    ("2023-11-14T22:13:20Z;12", 1_700_000_000, 12), ("2023-11-14T22:13:20.500Z\t12", 1_700_000_000.5, 12),
  ])
  func lines(_ text: String, _ stamp: Double?, _ watts: Double) {
    let line = MeterLine(text)
    #expect(line?.watts == watts && line?.stamp == stamp)
  }

  @Test(arguments: [
    "", "time,power", "nan", "-3", "1e9", "inf", "12 300", "1700000000 many", "\u{0}\u{1}",
    String(repeating: "1", count: 600), "watts: 5",
  ])
  func rubbish(_ text: String) { #expect(MeterLine(text) == nil) }

  private func read(_ command: String, seconds: Double) throws -> PowerSeries {
    let sampler = PowerSampler([try MeterSource(command: command)])
    sampler.start()
    usleep(UInt32(seconds * 1e6))
    return try #require(sampler.stop().first)
  }

  @Test func aMeterThatWritesRubbishBetweenReadings() throws {
    let series = try read(
      "echo volts; for i in 1 2 3 4 5 6; do echo 20$i; sleep 0.1; echo '#!?'; done; sleep 60", seconds: 1.5)
    #expect(series.watts == [201, 202, 203, 204, 205, 206])
    #expect(series.failures == 7 && series.firstFailure?.contains("volts") == true)
    #expect(series.channel.energyClass == .b && series.offset == nil)
  }

  @Test func aMeterThatHangsOrEnds() throws {
    let start = FigureSampler.now()
    let silent = try read("sleep 60", seconds: 0.3)
    #expect(silent.seconds.isEmpty && FigureSampler.now() - start < 5)
    let over = try read("echo 5", seconds: 1)
    #expect(over.watts == [5] && over.firstFailure?.contains("ended") == true)
    let flood = try read("yes 1234567890123456789012345678901234567890 | tr -d '\\n'", seconds: 0.5)
    #expect(flood.seconds.isEmpty)
  }

  @Test func aMeterIsNoComponentCounter() {
    #expect(throws: CapacityError.self) {
      _ = try MeterSource(command: "true", options: .init(energyClass: .c))
    }
  }

  @Test func stampsOfAClockThatIsAhead() throws {
    // Stamps an hour ahead, written at once: the offset is found from when they come.
    let series = try read(
      "for i in 1 2 3 4 5 6 7 8; do echo \"$(($(date +%s%N | cut -c1-13) + 3600000)) 100\"; sleep 0.1; done; sleep 60",
      seconds: 1.6)
    let offset = try #require(series.offset)
    #expect(offset.kind == .arrival && abs(offset.seconds - 3600) < 1)
    #expect(series.seconds.count == 8 && abs(series.seconds[0] - FigureSampler.now()) < 30)
  }

  // 100 W, and 250 W in three uneven spells.
  private func load(_ time: Double) -> Double {
    [(20.0, 31.0), (40, 44), (50, 73)].contains { $0.0 <= time && time < $0.1 } ? 250 : 100
  }

  @Test func anOffsetIsFoundByTheLoad() throws {
    let stamps = stride(from: 0.0, to: 90, by: 0.5).map { $0 + 1.7e9 + 7.3 }
    let watts = stamps.map { load($0 - 1.7e9 - 7.3) }
    let offset = ClockOffset(stamps: stamps, watts: watts) { load($0 - 1.7e9) }
    #expect(offset.kind == .correlation && abs(offset.seconds - 7.3) < 0.3)
    // Twice a second tells a step apart by half a second: not well enough, and said so.
    #expect(!offset.isGood)
    let fine = stride(from: 0.0, to: 90, by: 0.05).map { $0 + 1.7e9 - 4.2 }
    let good = ClockOffset(stamps: fine, watts: fine.map { load($0 - 1.7e9 + 4.2) }) { load($0 - 1.7e9) }
    #expect(abs(good.seconds + 4.2) < 0.05)
    #expect(good.uncertainty.map { $0 < 1 } == true)
  }

  @Test func aFileIsPlacedByWhenTheNodeWasBusyOrByAnotherSensor() throws {
    // Busy from 30 to 90 of our clock; the meter's is 12.4 s ahead and reads ten times a second.
    let load = { (time: Double) in (30.0...90).contains(time) ? 250.0 : 100 }
    var text = ""
    for i in 0..<1200 {
      let time = Double(i) / 10
      text += "\(1.7e9 + time + 12.4),\(load(time))\n"
    }
    let meter = try MeterFile.series(text, name: "m", options: .init())
    let busy = EnergyAccount.offset(of: meter, from: [], busy: 30...90, ahead: 1.7e9)
    #expect(busy.kind == .correlation && abs(busy.seconds - 12.4) < 0.2)
    var channel = PowerChannel(name: "p", group: "rapl", component: .processor, energyClass: .c)
    channel.isCounted = true
    var counter = PowerSeries(channel)
    var joules = 0.0
    for i in 0..<1200 {
      counter.append(seconds: Double(i) / 10, watts: nil, joules: joules)
      joules += load(Double(i) / 10) / 20
    }
    let other = EnergyAccount.offset(of: meter, from: [counter], busy: 0...1, ahead: 1.7e9)
    #expect(other.kind == .correlation && abs(other.seconds - 12.4) < 0.5)
  }

  @Test func aSteadyLoadTellsNoOffset() {
    let stamps = (0..<50).map(Double.init)
    let offset = ClockOffset(stamps: stamps, watts: stamps.map { _ in 100 }) { _ in 100 }
    #expect(offset.kind == .unknown && !offset.isGood)
  }

  @Test func aFileOfReadings() throws {
    let text = "time,watts\n1700000000,100\n1700000001,110\nbroken\n1700000001,5\n1700000002,120\n"
    let series = try MeterFile.series(text, name: "m.csv", options: .init(energyClass: .a))
    #expect(series.watts == [100, 110, 120] && series.failures == 3)
    let placed = series.aligned(ClockOffset(kind: .given, seconds: 2, uncertainty: 0), wallAhead: 1.7e9)
    #expect(placed.seconds == [-2, -1, 0])
    let use = EnergyAccount([placed]).use(.a, [WorkSpan(begin: -2, end: 0, tokens: 1)])
    #expect(use?.joules == 220 && use?.reasons == [])
    let unknown = series.aligned(ClockOffset(kind: .unknown, seconds: 0, uncertainty: nil), wallAhead: 1.7e9)
    #expect(EnergyAccount([unknown]).use(.a, [WorkSpan(begin: 0, end: 2, tokens: 1)])?.reasons == [.clockSync])
    #expect(throws: CapacityError.self) { _ = try MeterFile.series("a,b\n", name: "m.csv", options: .init()) }
    #expect(throws: CapacityError.self) {
      _ = try MeterFile.series(text, name: "m.csv", options: .init(), window: 1.6e9...1.6e9 + 5)
    }
    #expect(throws: CapacityError.self) { _ = try MeterFile.series(path: "/nonexistent.csv", options: .init()) }
  }
}
