// What several subcommands take from a model's path: its weights and its tokenizer.
import Inference

enum ModelFiles {
  static func tokenizer(of path: String) throws -> any Tokenizer {
    let file = try WeightFiles.open(path: path)
    if let gguf = file as? GGUFFile { return try TokenizerLoader.tokenizer(of: gguf) }
    guard let folder = file as? SafetensorsFile, let json = try folder.tokenizerJSON else {
      throw Failure("\(path): holds no tokenizer", hint: "Give a GGUF file with a vocabulary, or a folder with tokenizer.json.")
    }
    return try TokenizerLoader.tokenizer(tokenizerJSON: json, config: try folder.tokenizerConfig)
  }
}
