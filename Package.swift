// swift-tools-version: 6.2
// The package: six libraries, two tools, the benchmarks. DESIGN: docs/ARCHITECTURE.md.
import PackageDescription

let swift: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "gobi",
  products: [
    .library(name: "Inference", targets: ["Inference"]),
    .library(name: "Capacity", targets: ["Capacity"]),
    .library(name: "CKernels", type: .static, targets: ["CKernels"]),
    .library(name: "libgobi", type: .dynamic, targets: ["GobiABI"]),
    .library(name: "Serving", targets: ["Serving"]),
    .library(name: "InferenceMetrics", targets: ["InferenceMetrics"]),
    .executable(name: "gobi", targets: ["gobi"]),
    .executable(name: "gobi-serve", targets: ["gobi-serve"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // Without traits, and its core alone: no swift-configuration, no router, no files, no TLS.
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .target(
      name: "CKernels",
      cSettings: [.define("_GNU_SOURCE"), .headerSearchPath(".")],
      linkerSettings: [
        .linkedLibrary("openblas"), .linkedLibrary("lapacke"), .linkedLibrary("m"),
        .linkedLibrary("pthread"),
      ]),
    .target(name: "Inference", dependencies: ["CKernels"], swiftSettings: swift),
    .target(
      name: "Capacity",
      dependencies: [
        "Inference", "CKernels", .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: swift),
    .target(
      name: "InferenceMetrics",
      dependencies: ["Inference", .product(name: "CoreMetrics", package: "swift-metrics")], swiftSettings: swift),
    .target(name: "CGobi"),
    .target(name: "GobiABI", dependencies: ["CGobi", "Inference"], swiftSettings: swift),
    .executableTarget(
      name: "gobi",
      dependencies: [
        "Inference", "Capacity",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swift),
    // packageAccess is off: what it uses of Inference is what everybody can use.
    .target(
      name: "Serving",
      dependencies: [
        "Inference",
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      packageAccess: false, swiftSettings: swift),
    .executableTarget(
      name: "gobi-serve",
      dependencies: [
        "Serving", "Inference",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      packageAccess: false, swiftSettings: swift),
    // The regression perf tests. Who links a library builds none of this.
    .target(name: "CProcessors", path: "Benchmarks/Sources/CProcessors", cSettings: [.define("_GNU_SOURCE")]),
    .executableTarget(
      name: "gobi-benchmarks",
      dependencies: [
        "CProcessors", "Inference", "CKernels", "Capacity",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Benchmarks/Sources/gobi-benchmarks", packageAccess: false, swiftSettings: swift),
    .target(
      name: "TestSupport", dependencies: ["Inference", "CKernels"], path: "Tests/TestSupport",
      swiftSettings: swift),
    .target(
      name: "CKConformance", dependencies: ["CKernels"], path: "Tests/CKConformance",
      cSettings: [.define("_GNU_SOURCE")]),
    .testTarget(
      name: "CKernelsTests", dependencies: ["CKernels", "CKConformance", "TestSupport"],
      swiftSettings: swift),
    .testTarget(
      name: "InferenceTests", dependencies: ["Inference", "CKernels", "TestSupport"], swiftSettings: swift),
    .testTarget(
      name: "InferenceMetricsTests",
      dependencies: [
        "InferenceMetrics", "Inference", "TestSupport", .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
      ], swiftSettings: swift),
    .testTarget(
      name: "CapacityTests",
      dependencies: ["Capacity", "TestSupport", .product(name: "GRDB", package: "GRDB.swift")], swiftSettings: swift),
    .testTarget(
      name: "ServingTests", dependencies: ["Serving", "Inference", "TestSupport"], packageAccess: false,
      swiftSettings: swift),
    .testTarget(
      name: "ABITests", dependencies: ["GobiABI", "CGobi", "Inference", "TestSupport"], swiftSettings: swift),
  ],
  cLanguageStandard: .gnu17
)
