// Where published models lie that are too large for the repository. scripts/fetch-models.sh puts them there.
import Foundation

/// Files that tests use if they are there: in the folder that GOBI_MODELS names, else in `models` of this checkout.
public enum RealModels {
  private static let folder: URL = {
    if let path = ProcessInfo.processInfo.environment["GOBI_MODELS"], !path.isEmpty {
      return URL(fileURLWithPath: path)
    }
    return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("models")
  }()

  /// Why a test was skipped.
  public static let reason =
    "needs a published model: run scripts/fetch-models.sh, or name a folder in GOBI_MODELS"

  public static let smolLM2 = path("SmolLM2-135M-Instruct.Q4_1.gguf")
  public static let gemma3 = path("gemma-3-270m-q4_k_m.gguf")
  public static let qwenTiktoken = path("qwen.tiktoken")
  public static let llama3Tokenizer = path("llama3-tokenizer.model")
  public static let tekken = path("tekken_240911.json")
  /// A folder with config.json, model.safetensors and tokenizer.json.
  public static let miniLM = path("minilm")
  /// The sentence pairs of STS-B's test set, as its authors publish them.
  public static let stsBenchmark = path("sts-test.csv")

  public static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  private static func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
}
