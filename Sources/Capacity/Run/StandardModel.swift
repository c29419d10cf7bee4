// The models that nodes are compared by: generated weights of published shapes, so that no download stands between a
// machine and its figures. What does not fit is named with what it would take.
import Foundation
import Inference

public struct StandardModel: Sendable, Equatable {
  public var shape: String
  /// A file type that the library knows.
  public var type: String
  /// Of the shape's layers, where the whole model is more than most nodes hold; nil: all.
  public var layers: Int?
  /// A run shorter than this has no time for it.
  public var leastSeconds: Double
  /// Its prefill takes seconds: less is measured.
  public var isLarge = false

  /// In the order in which they are measured: what a short run has comes first.
  public static let all: [StandardModel] = [
    .init(shape: "llama-3.2-1b", type: "Q4_0", leastSeconds: 120),
    .init(shape: "qwen3-30b-a3b", type: "Q4_0", layers: 6, leastSeconds: 300),
    .init(shape: "llama-3.1-8b", type: "Q4_0", leastSeconds: 560, isLarge: true),
    .init(shape: "llama-3.2-1b", type: "Q8_0", leastSeconds: 3600),
    .init(shape: "llama-3.2-1b", type: "BF16", leastSeconds: 3600),
    .init(shape: "qwen3-30b-a3b", type: "Q8_0", layers: 6, leastSeconds: 3600),
    .init(shape: "qwen3-30b-a3b", type: "BF16", layers: 6, leastSeconds: 3600),
    .init(shape: "llama-3.1-8b", type: "Q8_0", leastSeconds: 3600, isLarge: true),
    .init(shape: "llama-3.1-8b", type: "BF16", leastSeconds: 3600, isLarge: true),
  ]

  /// The model with its weights not yet made. nil if the library has no such shape or type.
  public var synthetic: SyntheticModel? {
    guard var shape = SyntheticShape(name: shape), let type = FileType(name: type) else { return nil }
    if let layers { shape.layers = layers }
    return SyntheticModel(shape: shape, type: type, seed: 0)
  }

  /// "qwen3-30b-a3b Q4_0, 6 of 48 layers, generated".
  public var label: String {
    let whole = SyntheticShape(name: shape)?.layers ?? 0
    return "\(shape) \(type)" + (layers.map { ", \($0) of \(whole) layers" } ?? "") + ", generated"
  }

  public var fileName: String { shape + (layers.map { ".\($0)-layers" } ?? "") + ".\(type).gguf" }

  /// Why it cannot be measured where `memory` and `disk` bytes are free and a run takes `seconds`; nil if it can.
  /// `isThere`: its file is.
  public func refusal(memory: Int, disk: Int, seconds: Double, isThere: Bool) -> String? {
    guard let bytes = synthetic?.tensorBytes else { return "this build has no such shape or type" }
    if seconds < leastSeconds {
      return "a run of \(Int(seconds)) s has no time for it: at least \(Int(leastSeconds)) s"
    }
    // The numerics are checked against a second copy, with wider activations.
    let (needed, gigabyte) = (bytes * 2, 1_000_000_000)
    if memory < needed + gigabyte {
      return "it takes \(Quantity.bytes(needed + gigabyte)) of memory, and \(Quantity.bytes(memory)) are free"
    }
    if !isThere, disk < bytes + gigabyte {
      return "its file takes \(Quantity.bytes(bytes)) of disk, and \(Quantity.bytes(disk)) are free"
    }
    return nil
  }
}
