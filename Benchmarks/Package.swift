// swift-tools-version: 6.2
// The regression perf tests: a package of its own, so that the library's users never build it.
import PackageDescription

let package = Package(
  name: "gobi-benchmarks",
  dependencies: [
    .package(name: "gobi", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    .target(name: "CProcessors", cSettings: [.define("_GNU_SOURCE")]),
    .executableTarget(
      name: "gobi-benchmarks",
      dependencies: [
        "CProcessors",
        .product(name: "Inference", package: "gobi"),
        .product(name: "CKernels", package: "gobi"),
        .product(name: "Capacity", package: "gobi"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6)]),
  ]
)
