// The option that names an adapter and its scale.
import ArgumentParser
import Foundation
import Inference

struct AdapterArgument: ParsableArguments {
  @Option(
    name: .customLong("lora"),
    help: ArgumentHelp(
      "A LoRA adapter: GGUF, or PEFT's folder or adapter_model.safetensors; a scale may follow.",
      valueName: "file[:scale]"))
  var file: String?

  /// Opens the adapter that was asked for.
  func open(_ model: Model) throws -> (adapter: Adapter, scale: Float)? {
    guard let file else { return nil }
    return try Self.open(file, model)
  }

  /// Opens `file[:scale]`: the scale is a number after the last colon, unless there is a file of the whole name.
  static func open(_ file: String, _ model: Model) throws -> (adapter: Adapter, scale: Float) {
    if !FileManager.default.fileExists(atPath: file), let colon = file.lastIndex(of: ":"),
      let scale = Float(file[file.index(after: colon)...])
    {
      return (try Adapter.open(path: String(file[..<colon]), model: model), scale)
    }
    return (try Adapter.open(path: file, model: model), 1)
  }
}
