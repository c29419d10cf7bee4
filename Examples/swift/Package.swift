// swift-tools-version: 6.2
// A program that uses Inference from this checkout. Run: swift run -c release generate MODEL PROMPT
import PackageDescription

let package = Package(
  name: "generate",
  dependencies: [.package(name: "gobi", path: "../..")],
  targets: [
    .executableTarget(name: "generate", dependencies: [.product(name: "Inference", package: "gobi")])
  ]
)
