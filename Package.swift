// swift-tools-version: 6.2
// The package: four libraries and one tool. DESIGN: docs/ARCHITECTURE.md.
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
    .executable(name: "gobi", targets: ["gobi"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
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
      name: "CapacityTests",
      dependencies: ["Capacity", "TestSupport", .product(name: "GRDB", package: "GRDB.swift")], swiftSettings: swift),
    .testTarget(
      name: "ABITests", dependencies: ["GobiABI", "CGobi", "Inference", "TestSupport"], swiftSettings: swift),
  ],
  cLanguageStandard: .gnu17
)
