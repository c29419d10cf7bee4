// Energy on recorded sensors: wraps, resets, gaps, skewed clocks, sensors that vanish or are denied, meters that write
// rubbish or hang. Nothing here depends on the sensors of the machine that runs the tests.
import Capacity
import Foundation
import Synchronization
import TestSupport
import Testing

/// A clock that stands until it is moved.
private final class HandClock: Sendable {
  private let time = Mutex(100.0)
  func advance(_ seconds: Double) { time.withLock { $0 += seconds } }
  var now: Double { time.withLock { $0 } }
  var clock: PowerClock { PowerClock(monotonic: { self.now }, wall: { self.now + 1.7e9 }) }
}

extension RecordedTree {
  static let rapl = "sys/class/powercap/intel-rapl"

  /// Two packages with memory, cores inside, the platform's counter, and one package again by another way.
  static func raplOfTwoSockets() throws -> RecordedTree {
    var tree: [String: String] = [:]
    for (zone, name) in [
      ("intel-rapl:0", "package-0"), ("intel-rapl:0:0", "core"), ("intel-rapl:0:1", "dram"),
      ("intel-rapl:1", "package-1"), ("intel-rapl:1:0", "dram"), ("intel-rapl:2", "psys"),
      ("intel-rapl-mmio:0", "package-0"),
    ] {
      tree["sys/class/powercap/\(zone)/name"] = name
      tree["sys/class/powercap/\(zone)/energy_uj"] = "1000000"
      tree["sys/class/powercap/\(zone)/max_energy_range_uj"] = "262143328850"
    }
    return try RecordedTree(tree)
  }

  /// One package whose counter wraps at 262 J.
  static func raplOfOneSocket(_ microjoules: Int) throws -> RecordedTree {
    try RecordedTree([
      "\(rapl):0/name": "package-0", "\(rapl):0/energy_uj": "\(microjoules)",
      "\(rapl):0/max_energy_range_uj": "262143328",
    ])
  }
}

private func series(_ files: NodeFiles, _ steps: [(seconds: Double, change: () throws -> Void)]) throws -> [PowerSeries]
{
  let hand = HandClock()
  let sampler = PowerSampler(PowerDiscovery.sensors(files).sources, clock: hand.clock)
  sampler.poll()
  for step in steps {
    hand.advance(step.seconds)
    try step.change()
    sampler.poll()
  }
  return sampler.stop()
}

@Suite struct PowerSourceTests {
  @Test func packagesAndMemoryAreAddedOnce() throws {
    let tree = try RecordedTree.raplOfTwoSockets()
    let found = try series(tree.files, [])
    let counted = found.filter(\.channel.isCounted).map(\.channel.name)
    #expect(
      counted == [
        "rapl intel-rapl:0 package-0", "rapl intel-rapl:0:1 dram", "rapl intel-rapl:1 package-1",
        "rapl intel-rapl:1:0 dram",
      ])
    let platform = try #require(found.first { $0.channel.component == .platform })
    #expect(platform.channel.note?.contains("apart") == true && platform.joules == [1])
    #expect(found.contains { $0.channel.component == .part } && !found.contains { $0.channel.name.contains("mmio") })
  }

  @Test func aDeniedCounterIsNamedNotZero() throws {
    let tree = try RecordedTree.raplOfOneSocket(5)
    let files = NodeFiles(root: tree.files.root) { $0.hasSuffix("energy_uj") ? EACCES : 0 }
    let found = PowerDiscovery.sensors(files)
    #expect(found.sources.isEmpty)
    #expect(found.notMeasured.contains { $0.what.contains("package-0") && $0.why.contains("Permission denied") })
    var report = EnergyReport()
    report.notMeasured = found.notMeasured
    #expect(report.whyNot?.contains("Permission denied") == true)
  }

  @Test func aCounterThatStandsStillIsNotZeroJoules() throws {
    let tree = try RecordedTree.raplOfOneSocket(0)
    let still = try series(tree.files, [(1, {}), (1, {}), (1, {})])
    #expect(still[0].deadness == "its counter does not move")
    let moving = try series(tree.files, [(1, { try tree.write(RecordedTree.rapl + ":0/energy_uj", "5") }), (1, {})])
    #expect(moving[0].deadness == nil)
    var channel = PowerChannel(name: "s", group: "ipmi", component: .node, energyClass: .b)
    channel.isCounted = true
    var zero = PowerSeries(channel)
    for i in 0..<4 { zero.append(seconds: Double(i), watts: 0, joules: nil) }
    #expect(zero.deadness == "it always reads 0 W")
  }

  @Test func hwmonChips() throws {
    let hwmon = "sys/class/hwmon/hwmon"
    let tree = try RecordedTree([
      "\(hwmon)0/name": "power_meter", "\(hwmon)0/power1_average": "250000000",
      "\(hwmon)1/name": "amd_energy", "\(hwmon)1/energy1_label": "Ecore000", "\(hwmon)1/energy1_input": "5000000",
      "\(hwmon)1/energy2_label": "Esocket0", "\(hwmon)1/energy2_input": "7000000",
      "\(hwmon)2/name": "ina3221", "\(hwmon)2/power1_input": "1000000",
      "\(hwmon)3/name": "ibm-cffps", "\(hwmon)3/power1_label": "pin", "\(hwmon)3/power1_input": "260000000",
      "\(hwmon)4/name": "zenpower", "\(hwmon)4/power1_input": "90000000", "\(hwmon)4/temp1_input": "50000",
      "\(hwmon)5/name": "broken", "\(hwmon)5/power1_input": "no number",
    ])
    let found = try series(tree.files, [])
    let by = { (chip: String) in found.filter { $0.channel.name.contains(chip) } }
    #expect(by("power_meter").map(\.channel.isCounted) == [true] && by("power_meter")[0].watts == [250])
    #expect(by("amd_energy").map(\.channel.isCounted) == [false, true] && by("Esocket0")[0].joules == [7])
    #expect(by("ina3221")[0].channel.component == .unknown && !by("ina3221")[0].channel.isCounted)
    // One node, two sensors of it; one processor, two sensors of it: only one of each is added.
    #expect(by("ibm-cffps")[0].channel.isCounted == false && by("zenpower")[0].channel.isCounted == false)
    #expect(by("broken").isEmpty)
    #expect(PowerDiscovery.sensors(tree.files).notMeasured.contains { $0.what.contains("broken") })
    #expect(EnergyAccount(found).classes == [.b, .c])
  }

  @Test func controllerAnswers() {
    let answer = """
          Instantaneous power reading:                   226 Watts
          Minimum during sampling period:                  2 Watts
          Average power reading over sample period:      221 Watts
          Power reading state is:                   activated
      """
    #expect(IPMISource.watts(answer) == 226)
    #expect(IPMISource.watts(answer.replacingOccurrences(of: "activated", with: "deactivated")) == nil)
    #expect(IPMISource.watts("Could not open device at /dev/ipmi0") == nil)
    #expect(IPMISource.watts("Instantaneous power reading: nan Watts") == nil)
  }

  @Test func aHangingControllerIsEnded() throws {
    let folder = try TemporaryFolder()
    let start = FigureSampler.now()
    // A child of the child holds the pipe open and must go too.
    let found = IPMISource.discover(command: ["/bin/sh", "-c", "sleep 60 & echo $! > \(folder.path("pid")); wait"])
    #expect(found.sources.isEmpty && found.notMeasured[0].why.contains("was ended"))
    #expect(FigureSampler.now() - start < 10)
    let text = try String(contentsOfFile: folder.path("pid"), encoding: .utf8)
    let id = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    for _ in 0..<100 where kill(id, 0) == 0 && !isZombie(id) { usleep(20_000) }
    #expect(kill(id, 0) != 0 || isZombie(id))
    #expect(IPMISource.discover(command: ["no-such-program-here"]).notMeasured[0].why.contains("cannot be started"))
    #expect(IPMISource.discover(command: ["false"]).notMeasured[0].why.contains("status 1"))
  }

  // Killed, and waiting for an init process that does not collect it.
  private func isZombie(_ id: Int32) -> Bool {
    NodeFiles().text("proc/\(id)/stat")?.split(separator: ")").last?.hasPrefix(" Z") ?? true
  }

  @Test func anAbsentLibraryIsNoError() {
    let found = NVMLSource.discover(library: "libno-such-library.so.1")
    #expect(found.sources.isEmpty && found.notMeasured[0].why.contains("not there"))
  }

  /// Two devices, one without an energy counter: what a driver's library exports.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/cc")))
  func aLibraryOfTwoDevices() throws {
    let folder = try TemporaryFolder()
    let source = """
      #include <string.h>
      static int devices[2] = {0, 1};
      int nvmlInit_v2(void) { return 0; }
      int nvmlShutdown(void) { return 0; }
      int nvmlDeviceGetCount_v2(unsigned *n) { *n = 3; return 0; }
      int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **d) { if (i > 1) return 4; *d = &devices[i]; return 0; }
      int nvmlDeviceGetName(void *d, char *s, unsigned n) { (void)d; strncpy(s, "Fake", n); return 0; }
      int nvmlDeviceGetPowerUsage(void *d, unsigned *mw) { *mw = 70500 + 1000 * *(int *)d; return 0; }
      int nvmlDeviceGetTotalEnergyConsumption(void *d, unsigned long long *mj) {
        if (*(int *)d == 1) return 3;
        *mj = 123456;
        return 0;
      }
      """
    try Data(source.utf8).write(to: URL(fileURLWithPath: folder.path("fake.c")))
    let library = folder.path("libfake.so")
    _ = try ChildProcess.run(["/usr/bin/cc", "-shared", "-fPIC", "-o", library, folder.path("fake.c")], seconds: 60)
    let nvml = try #require(NVMLSource.discover(library: library).sources.first)
    #expect(nvml.channels.map(\.name) == ["nvml 0 Fake", "nvml 1 Fake"])
    let sampler = PowerSampler([nvml])
    sampler.poll()
    let found = sampler.stop()
    #expect(found.map { $0.watts?.first } == [70.5, 71.5])
    #expect(found[0].joules?.first == 123.456 && found[1].joules == nil)
    #expect(found.allSatisfy { $0.channel.component == .accelerator && !$0.channel.isCounted })
  }

  @Test func statedWattsNeedASource() throws {
    #expect(throws: CapacityError.self) { _ = try StatedPower(watts: 300, source: "") }
    #expect(throws: CapacityError.self) { _ = try StatedPower(watts: -1, source: "nameplate") }
    #expect(try StatedPower(watts: 300, source: "nameplate").channels[0].energyClass == .d)
  }
}

@Suite struct PowerTraceTests {
  private let rapl = RecordedTree.rapl + ":0/energy_uj"

  private func joules(_ tree: RecordedTree, _ steps: [(Double, Int?)]) throws -> (series: PowerSeries, use: PowerUse?) {
    let found = try series(
      tree.files,
      steps.map { seconds, value in
        (
          seconds,
          {
            if let value {
              try tree.write(rapl, "\(value)")
            } else {
              try? FileManager.default.removeItem(at: tree.folder.url.appendingPathComponent(rapl))
            }
          }
        )
      })
    let span = WorkSpan(begin: 100, end: 100 + steps.reduce(0) { $0 + $1.0 }, tokens: 1)
    return (found[0], EnergyAccount(found).use(.c, [span]))
  }

  @Test func aCounterThatWraps() throws {
    let tree = try RecordedTree.raplOfOneSocket(262_000_000)
    let use = try #require(joules(tree, [(1, 50_000_000), (1, 100_000_000)]).use)
    #expect(abs(use.joules - (262.143328 - 262 + 100)) < 1e-9 && use.reasons.isEmpty)
    #expect(abs(use.averageWatts - use.joules / 2) < 1e-9)
  }

  @Test func aCounterThatWasResetIsNotAWrap() throws {
    let tree = try RecordedTree([
      "\(RecordedTree.rapl):0/name": "package-0", "\(RecordedTree.rapl):0/energy_uj": "100000000000",
      "\(RecordedTree.rapl):0/max_energy_range_uj": "262143328850",
    ])
    // 50 W, then from nothing again: a wrap would be 162 kJ in a second.
    let (found, use) = try joules(tree, [(1, 100_050_000_000), (1, 20_000_000), (1, 70_000_000)])
    #expect(PowerTrace(found).resets == [2])
    #expect(abs(try #require(use).joules - 150) < 1e-6)
    #expect(use?.reasons == [])
    let late = try joules(tree, [(1, 100_050_000_000), (4, 20_000_000), (1, 70_000_000)]).use
    #expect(late?.reasons == [.powerGap])
  }

  @Test func aGapOfMoreThanThreeSecondsIsAGap() throws {
    let tree = try RecordedTree.raplOfOneSocket(0)
    #expect(try joules(tree, [(3, 30_000_000), (2, 50_000_000)]).use?.reasons == [])
    let tree2 = try RecordedTree.raplOfOneSocket(0)
    #expect(try joules(tree2, [(3.1, 30_000_000), (2, 50_000_000)]).use?.reasons == [.powerGap])
  }

  @Test func aSensorThatVanishes() throws {
    let tree = try RecordedTree.raplOfOneSocket(0)
    let (found, use) = try joules(tree, [(1, 10_000_000), (1, nil), (1, nil), (1, nil), (1, nil)])
    #expect(found.failures == 5 && found.firstFailure?.contains("No such file") == true)
    #expect(use?.reasons == [.powerGap] && use?.largestGap == 4)
    let short = try joules(RecordedTree.raplOfOneSocket(0), [(1, 10_000_000), (1, nil)]).use
    #expect(short?.reasons == [])
    #expect(abs(try #require(short).joules - 20) < 1e-9)
  }

  @Test func nothingInReachIsNotZero() throws {
    let found = try joules(RecordedTree.raplOfOneSocket(0), [(1, 10_000_000)]).series
    let account = EnergyAccount([found])
    #expect(account.use(.c, [WorkSpan(begin: 500, end: 501, tokens: 1)])?.reasons == [.powerGap])
    #expect(account.use(.b, [WorkSpan(begin: 100, end: 101, tokens: 1)]) == nil)
    #expect(account.use(.c, []) == nil)
  }

  private func sensor(watts: [Double], joules: [Double]? = nil, every: Double = 1) -> PowerSeries {
    var channel = PowerChannel(name: "s", group: "hwmon x", component: .processor, energyClass: .c)
    channel.isCounted = true
    var series = PowerSeries(channel)
    for (i, value) in watts.enumerated() {
      series.append(seconds: Double(i) * every, watts: value, joules: joules?[i])
    }
    return series
  }

  @Test func trapezoids() {
    // 0, 10, 20 W: a ramp, whose integral from 0.5 to 1.5 is 10 J and over all of it 20 J.
    let trace = PowerTrace(sensor(watts: [0, 10, 20]))
    #expect(trace.window(0...2)?.joules == 20)
    #expect(trace.window(0.5...1.5)?.joules == 10)
    #expect(trace.window(0.25...0.75)?.joules == 2.5)
    #expect(trace.window(0...2)?.largestGap == 1)
  }

  @Test func counterAgainstIntegral() {
    let agreeing = sensor(watts: [100, 100, 100, 100], joules: [0, 102, 204, 306])
    let other = sensor(watts: [100, 100, 100, 100], joules: [0, 110, 220, 330])
    let span = [WorkSpan(begin: 0, end: 3, tokens: 1)]
    #expect(EnergyAccount([agreeing]).use(.c, span)?.reasons == [])
    let use = EnergyAccount([other]).use(.c, span)
    #expect(use?.reasons == [.powerGap] && abs((use?.counterDisagreement ?? 0) - 30 / 330) < 1e-12)
    #expect(use?.joules == 300)
  }
}

@Suite struct EnergyAccountTests {
  // 40 W idle until 10, 140 W from there on, read every half second by a counter.
  private func counter() -> PowerSeries {
    var channel = PowerChannel(name: "package-0", group: "rapl", component: .processor, energyClass: .c)
    channel.isCounted = true
    var series = PowerSeries(channel)
    for i in 0...60 {
      let time = Double(i) / 2
      series.append(seconds: time, watts: nil, joules: time <= 10 ? 40 * time : 400 + 140 * (time - 10))
    }
    return series
  }

  private func rate(warmUp: [Double] = [], reasons: Set<Reason> = []) -> Figure {
    Figure(
      samples: warmUp + [100, 100, 100, 100, 100, 100], unit: "token/s", protocol: "decode",
      rule: StoppingRule(minimumSamples: 3, seconds: 1), reasons: reasons)
  }

  @Test func joulesAToken() throws {
    let account = EnergyAccount([counter()])
    let spans = (0..<6).map { WorkSpan(begin: 12 + Double($0), end: 12.5 + Double($0), tokens: 50) }
    let energy = try #require(account.tokens(.c, spans, rate: rate(), protocol: "energy-decode"))
    #expect(abs(energy.perToken.value - 140 * 0.5 / 50) < 1e-12 && energy.perToken.unit == "J/token")
    #expect(energy.perToken.n == 6 && energy.perToken.validity == .valid)
    #expect(abs(energy.use.joules - 420) < 1e-9 && abs(energy.use.averageWatts - 140) < 1e-9)
    // Idle is told beside and not subtracted.
    let idle = account.idle(WorkSpan(begin: 0, end: 8, tokens: 0))
    #expect(idle.map(\.averageWatts) == [40])
  }

  @Test func whatSpoilsTheRateSpoilsItsEnergy() throws {
    let spans = (0..<6).map { WorkSpan(begin: 12 + Double($0), end: 12.5 + Double($0), tokens: 50) }
    let energy = EnergyAccount([counter()]).tokens(.c, spans, rate: rate(reasons: [.contended]), protocol: "p")
    #expect(energy?.perToken.reasons == [.contended] && energy?.perToken.validity == .invalid)
  }

  @Test func slowSensorsGroupWhatTheyCannotTellApart() throws {
    var channel = PowerChannel(name: "node", group: "ipmi", component: .node, energyClass: .b)
    channel.isCounted = true
    var series = PowerSeries(channel)
    for i in 0...30 { series.append(seconds: Double(i), watts: 300, joules: nil) }
    let spans = (0..<40).map { WorkSpan(begin: 5 + Double($0) / 4, end: 5.25 + Double($0) / 4, tokens: 10) }
    let energy = try #require(EnergyAccount([series]).tokens(.b, spans, rate: rate(), protocol: "p"))
    #expect(energy.perToken.n == 5 && abs(energy.perToken.value - 7.5) < 1e-12)
    let few = try #require(EnergyAccount([series]).tokens(.b, Array(spans.prefix(4)), rate: rate(), protocol: "p"))
    #expect(few.perToken.n == 1 && few.perToken.validity == .inconclusive)
  }

  @Test func classesAreNeverMixed() throws {
    let b = ClassedAmount(300, "J", .b)
    let c = ClassedAmount(200, "J", .c)
    #expect(b.adding(c) == nil && b.adding(b)?.value == 600 && b.adding(ClassedAmount(1, "W", .b)) == nil)
    #expect(b.ratio(to: c) == ClassedAmount(1.5, "1", .c) && c.ratio(to: b)?.energyClass == .c)
    #expect(b.ratio(to: ClassedAmount(0, "J", .b)) == nil)
    var stated = PowerSeries(try StatedPower(watts: 500, source: "nameplate").channels[0])
    stated.channel.isCounted = true
    for i in 0...30 { stated.append(seconds: Double(i), watts: 500, joules: nil) }
    let account = EnergyAccount([stated, counter()])
    #expect(account.classes == [.c, .d])
    let span = [WorkSpan(begin: 12, end: 14, tokens: 1)]
    #expect(abs(try #require(account.use(.c, span)).joules - 280) < 1e-9)
    #expect(account.use(.d, span)?.joules == 1000)
  }

  @Test func siteAndCarbon() throws {
    let stated = { (value: Double) -> SiteFactors.Stated in
      SiteFactors.Stated(value: value, source: "operator", time: "2026-01-01T00:00:00Z")
    }
    var site = SiteFactors(
      pue: stated(1.25), gramsPerKilowattHour: stated(500), greenShare: stated(0.6), embodiedGramsPerHour: stated(36))
    try site.check()
    // 2 J a token, PUE 1.25: 2.5 MJ for a million = 0.6944 kWh, 347.2 g; 100 tokens a second: 2.78 h, 100 g.
    let energy = try #require(SiteEnergy(site, joules: 2, rate: 100))
    #expect(energy.facilityJoulesPerToken == 2.5)
    let grid = 2.5 / 3.6 * 500
    let operational = try #require(energy.operationalGramsPerMillion)
    #expect(abs(operational - grid) < 1e-9)
    let intensity = try #require(energy.softwareCarbonIntensity)
    #expect(abs(intensity - grid - 100) < 1e-9)
    // The green share changes nothing, and without embodied carbon there is no SCI.
    site.greenShare = stated(0.9)
    #expect(SiteEnergy(site, joules: 2, rate: 100) == energy)
    site.embodiedGramsPerHour = nil
    #expect(SiteEnergy(site, joules: 2, rate: 100)?.softwareCarbonIntensity == nil)
    #expect(SiteEnergy(nil, joules: 2, rate: 100) == nil)
    let tree = try RecordedTree(["other.json": #"{"peaks": []}"#, "pue.json": #"{"pue": {"value": 1.2}}"#])
    for name in ["other.json", "pue.json", "none.json"] {
      #expect(throws: CapacityError.self) { _ = try SiteFactors(path: tree.files.root + "/" + name) }
    }
    let wrong: [SiteFactors] = [
      SiteFactors(pue: stated(0.9)), SiteFactors(greenShare: stated(1.1)),
      SiteFactors(pue: SiteFactors.Stated(value: 1.2, source: "", time: "2026-01-01T00:00:00Z")),
      SiteFactors(pue: SiteFactors.Stated(value: 1.2, source: "x", time: "yesterday")),
    ]
    for factors in wrong { #expect(throws: CapacityError.self) { try factors.check() } }
  }
}
