// Power and clock limits on a recorded tree: what is set, in which order, and that it is always put back.
import Capacity
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct FlexTests {
  private static let limit = "sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw"

  private func powerTree() throws -> RecordedTree {
    let tree = try RecordedTree.raplOfTwoSockets()
    for zone in ["intel-rapl:0", "intel-rapl:1"] {
      try tree.write("sys/class/powercap/\(zone)/constraint_0_power_limit_uw", "200000000")
      try tree.write("sys/class/powercap/\(zone)/constraint_0_max_power_uw", "205000000")
    }
    return tree
  }

  private func frequencyTree() throws -> RecordedTree {
    var tree: [String: String] = [:]
    for policy in 0..<4 {
      let folder = "sys/devices/system/cpu/cpufreq/policy\(policy)"
      tree["\(folder)/scaling_max_freq"] = "3800000"
      tree["\(folder)/cpuinfo_min_freq"] = "800000"
    }
    return try RecordedTree(tree)
  }

  @Test func levelsOfPowerAndClock() throws {
    let (packages, policies) = (try powerTree(), try frequencyTree())
    let power = try PowerCap(.power, packages.files)
    #expect(power.range == 50...200 && power.levels(6) == [200, 170, 140, 110, 80, 50])
    let clock = try PowerCap(.frequency, policies.files)
    #expect(clock.range == 8e8...3.8e9 && clock.levels(5).count == 5)
  }

  @Test func aLimitIsSetEverywhereAndPutBack() throws {
    let tree = try powerTree()
    try PowerCap(.power, tree.files).whileSetting { set throws(CapacityError) in
      try set(80)
      #expect(tree.files.text(Self.limit) == "80000000")
      #expect(tree.files.text(Self.limit.replacingOccurrences(of: "rapl:0", with: "rapl:1")) == "80000000")
    }
    #expect(tree.files.text(Self.limit) == "200000000")
    let clocks = try frequencyTree()
    try PowerCap(.frequency, clocks.files).whileSetting { set throws(CapacityError) in try set(1.6e9) }
    #expect(clocks.files.text("sys/devices/system/cpu/cpufreq/policy3/scaling_max_freq") == "3800000")
  }

  @Test func anErrorPutsBackToo() throws {
    let tree = try powerTree()
    #expect(throws: CapacityError.cancelled) {
      try PowerCap(.power, tree.files).whileSetting { set throws(CapacityError) in
        try set(80)
        throw CapacityError.cancelled
      }
    }
    #expect(tree.files.text(Self.limit) == "200000000")
  }

  @Test func oneOfTwoPackagesThatRefuses() throws {
    let tree = try powerTree()
    // The second package refuses to be written once the first has been set.
    let refuses = Flag()
    let files = NodeFiles(root: tree.files.root) { path in
      refuses.isSet && path.hasPrefix("sys/class/powercap/intel-rapl:1") && path.hasSuffix("limit_uw") ? EIO : 0
    }
    let cap = try PowerCap(.power, files)
    let error = #expect(throws: CapacityError.self) {
      try cap.whileSetting { set throws(CapacityError) in
        refuses.set()
        try set(80)
      }
    }
    // It is said what is left to do by hand; the first package was put back.
    #expect(error?.description.contains("write 200000000 to /sys/class/powercap/intel-rapl:1/") == true)
    #expect(tree.files.text(Self.limit) == "200000000")
  }

  @Test func noLimitOrNoRightIsAReason() throws {
    #expect(throws: CapacityError.self) { _ = try PowerCap(.power, try RecordedTree([:]).files) }
    #expect(throws: CapacityError.self) { _ = try PowerCap(.frequency, try RecordedTree([:]).files) }
    let tree = try powerTree()
    let files = NodeFiles(root: tree.files.root) { $0.hasSuffix("limit_uw") ? EACCES : 0 }
    let error = #expect(throws: CapacityError.self) { _ = try PowerCap(.power, files) }
    #expect(error?.description.contains("has a power limit") == true)
  }

  private func bench(_ power: PowerSampler?, cancelAfter count: Int = .max) -> FlexBench {
    var asked = 0
    return FlexBench(
      sampler: FigureSampler(watch: Guard(NodeFiles()), seed: 1) { () throws(CapacityError) in
        asked += 1
        if asked > count { throw .cancelled }
      }, power: power, seed: 5)
  }

  private let plan = FlexBench.Plan(settings: 5, secondsEach: 1.1, settle: 0.05)

  @Test func theCurveOfACap() throws {
    let tree = try powerTree()
    let sampler = PowerSampler([try StatedPower(watts: 100, source: "test")])
    sampler.start()
    var seen: [String] = []
    let work = FlexBench.Work(label: "sleep", tokensPerStep: 10, precisionTag: "none") { () throws(CapacityError) in
      let now = tree.files.text(Self.limit) ?? ""
      if seen.last != now { seen.append(now) }
      usleep(20_000)
    }
    let measured = try bench(sampler).curve(PowerCap(.power, tree.files), work, plan: plan)
    let curve = EnergyAccount(sampler.stop()).filled(measured)
    #expect(curve.points.count == 6 && curve.points[0].isIdle && curve.unit == "W")
    #expect(Set(seen) == ["200000000", "162500000", "125000000", "87500000", "50000000"] && seen != seen.sorted(by: >))
    #expect(seen.map { Double($0)! / 1e6 } == curve.points.dropFirst().map(\.cap))
    #expect(tree.files.text(Self.limit) == "200000000")
    for point in curve.points where !point.isIdle {
      let rate = try #require(point.rate)
      #expect(rate.value > 100 && rate.value <= 500)
      let energy = try #require(point.energy)
      #expect(energy.use.energyClass == .d && abs(energy.perToken.value * rate.value / 100 - 1) < 0.2)
      #expect(try #require(point.stepP99) >= 0.02)
    }
    #expect(abs(try #require(curve.points[0].power).averageWatts - 100) < 1e-6)
  }

  @Test func aCancelledCurvePutsBack() throws {
    let tree = try powerTree()
    let work = FlexBench.Work(label: "sleep", tokensPerStep: 1, precisionTag: "none") { () throws(CapacityError) in
      usleep(5000)
    }
    #expect(throws: CapacityError.cancelled) {
      _ = try bench(nil, cancelAfter: 60).curve(PowerCap(.power, tree.files), work, plan: plan)
    }
    #expect(tree.files.text(Self.limit) == "200000000")
  }

  @Test func theCurveOfALoad() throws {
    let work = FlexBench.Work(label: "sleep", tokensPerStep: 1, precisionTag: "none") { () throws(CapacityError) in
      usleep(20_000)
    }
    let curve = try bench(nil).load(work, plan: plan)
    #expect(curve.points.count == 6 && curve.kind == .load)
    let full = try #require(curve.points.first { $0.cap == 1 }?.rate?.value)
    for point in curve.byCap where point.cap > 0 && point.cap < 1 {
      let share = try #require(point.rate).value / full
      #expect(abs(share - point.cap) < 0.15, "\(point.cap): \(share)")
      #expect(point.energy == nil && point.power == nil)
    }
  }
}

private final class Flag: Sendable {
  private let value = Mutex(false)
  func set() { value.withLock { $0 = true } }
  var isSet: Bool { value.withLock { $0 } }
}
