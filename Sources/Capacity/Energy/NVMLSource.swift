// Power and energy of NVIDIA accelerators, through their management library where that is installed: class C. Nothing
// links against it. Sources: NVML API reference, nvmlDeviceGetPowerUsage (mW), nvmlDeviceGetTotalEnergyConsumption (mJ).
import Foundation

public struct NVMLSource: PowerSource {
  private let library: Library
  public let channels: [PowerChannel]

  /// nil in `sources`, with the reason, where there is no library, no device or no sensor.
  public static func discover(library name: String = "libnvidia-ml.so.1") -> PowerDiscovery {
    let refused = { (why: String) in
      PowerDiscovery(notMeasured: [.init(what: "power of accelerators (NVML)", why: why)])
    }
    guard let library = Library(name) else { return refused("\(name) is not there, or does not answer") }
    guard !library.devices.isEmpty else { return refused("there is no device, or none that may be read") }
    return PowerDiscovery(sources: [NVMLSource(library)])
  }

  private init(_ library: Library) {
    self.library = library
    channels = library.devices.enumerated().map { i, device in
      PowerChannel(
        name: "nvml \(i) \(device.name)", group: "nvml", component: .accelerator, energyClass: .c, largestWatts: 4000)
    }
  }

  public func read(_ clock: PowerClock) -> [(channel: Int, outcome: PowerOutcome)] {
    library.devices.enumerated().map { i, device in
      let power = library.watts(device)
      let energy = device.hasCounter ? library.joules(device) : nil
      guard let power, !device.hasCounter || energy != nil else { return (i, .failed("NVML gave no value")) }
      return (i, .reading(seconds: clock.monotonic(), watts: power, joules: energy))
    }
  }
}

extension NVMLSource {
  private struct Device {
    var handle: UInt
    var name: String
    var hasCounter: Bool
  }

  /// The loaded library. Its calls may be made from any thread.
  private final class Library: Sendable {
    private typealias Plain = @convention(c) () -> Int32
    private typealias Count = @convention(c) (UnsafeMutablePointer<UInt32>) -> Int32
    private typealias Handle = @convention(c) (UInt32, UnsafeMutablePointer<OpaquePointer?>) -> Int32
    private typealias Name = @convention(c) (OpaquePointer?, UnsafeMutablePointer<CChar>, UInt32) -> Int32
    private typealias Power = @convention(c) (OpaquePointer?, UnsafeMutablePointer<UInt32>) -> Int32
    private typealias Energy = @convention(c) (OpaquePointer?, UnsafeMutablePointer<UInt64>) -> Int32

    private let power: Power
    private let energy: Energy?
    private let shutdown: Plain?
    let devices: [Device]

    init?(_ name: String) {
      guard let loaded = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { return nil }
      // Never closed: the driver's library keeps threads.
      func call<T>(_ name: String, _ type: T.Type) -> T? { dlsym(loaded, name).map { unsafeBitCast($0, to: type) } }
      guard let start = call("nvmlInit_v2", Plain.self), let count = call("nvmlDeviceGetCount_v2", Count.self),
        let handle = call("nvmlDeviceGetHandleByIndex_v2", Handle.self),
        let power = call("nvmlDeviceGetPowerUsage", Power.self), start() == 0
      else { return nil }
      self.power = power
      energy = call("nvmlDeviceGetTotalEnergyConsumption", Energy.self)
      shutdown = call("nvmlShutdown", Plain.self)
      let title = call("nvmlDeviceGetName", Name.self)
      var total: UInt32 = 0
      var found: [Device] = []
      if count(&total) == 0 {
        for index in 0..<min(total, 256) {
          var device: OpaquePointer?
          var milliwatts: UInt32 = 0
          guard handle(index, &device) == 0, let device, power(device, &milliwatts) == 0 else { continue }
          var text = [CChar](repeating: 0, count: 96)
          _ = title?(device, &text, UInt32(text.count))
          var millijoules: UInt64 = 0
          let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
          found.append(
            Device(
              handle: UInt(bitPattern: device), name: String(decoding: bytes, as: UTF8.self),
              hasCounter: energy?(device, &millijoules) == 0))
        }
      }
      devices = found
    }

    deinit { _ = shutdown?() }

    func watts(_ device: Device) -> Double? {
      var milliwatts: UInt32 = 0
      return power(OpaquePointer(bitPattern: device.handle), &milliwatts) == 0 ? Double(milliwatts) * 1e-3 : nil
    }

    func joules(_ device: Device) -> Double? {
      var millijoules: UInt64 = 0
      guard let energy, energy(OpaquePointer(bitPattern: device.handle), &millijoules) == 0 else { return nil }
      return Double(millijoules) * 1e-3
    }
  }
}
