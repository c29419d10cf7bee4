// A service under caps: the load of the uncapped knee, offered again at each setting. What is kept of it is the goodput
// that is left there; to search a knee of its own at each setting would take an hour.

public struct FlexService {
  let system: any ServingSystem
  let bench: ServingBench
  let plan: ServingBench.Plan
  /// Requests a second: the largest rate that passed without a cap.
  let rate: Double
  let seconds: Double
  let seed: UInt64

  public init(
    system: any ServingSystem, driver: LoadDriver, plan: ServingBench.Plan, rate: Double, seconds: Double, seed: UInt64
  ) {
    self.system = system
    bench = ServingBench(driver: driver, seed: seed)
    self.plan = plan
    self.rate = rate
    self.seconds = seconds
    self.seed = seed
  }

  /// One load of `seconds`, with arrivals of its own for each `number`. What is open at its end has not kept the
  /// objective.
  func trial(_ number: Int) throws(CapacityError) -> LoadTrial {
    try bench.trial(
      system, plan, rate: rate, seed: seed &+ 0xf1e0 &+ UInt64(number), end: bench.driver.clock.now + seconds)
  }
}
