// A byte-level vocabulary of any size for generated models: it encodes every text, and decodes every token.

/// 256 bytes, pieces of letters that merges build, and the special tokens of the model's family.
struct SyntheticVocabulary {
  let shape: SyntheticShape

  /// The family's special tokens, the opening one first, and how a turn of a chat is written with them.
  private struct Family {
    let opening: String
    let end: String
    let turnStart: String
    let turnEnd: String
    let afterRole: String
    let preTokenizer: String
    let addsOpening: Bool
    var others: [String] = []

    var special: [String] {
      var seen: Set<String> = []
      return ([opening, end, turnStart, turnEnd] + others).filter { seen.insert($0).inserted }
    }
  }

  private var family: Family {
    switch shape.architecture {
    case .llama where shape.name.hasPrefix("smollm"):
      Family(
        opening: "<|im_start|>", end: "<|im_end|>", turnStart: "<|im_start|>", turnEnd: "<|im_end|>",
        afterRole: "\n", preTokenizer: "smollm", addsOpening: false, others: ["<|endoftext|>"])
    case .llama:
      Family(
        opening: "<|begin_of_text|>", end: "<|end_of_text|>", turnStart: "<|start_header_id|>",
        turnEnd: "<|eot_id|>", afterRole: "<|end_header_id|>\n\n", preTokenizer: "llama-bpe", addsOpening: true,
        others: ["<|end_header_id|>"])
    case .qwen2, .qwen3moe:
      Family(
        opening: "<|endoftext|>", end: "<|im_end|>", turnStart: "<|im_start|>", turnEnd: "<|im_end|>",
        afterRole: "\n", preTokenizer: "qwen2", addsOpening: false)
    case .gemma3:
      // A byte-level vocabulary, where the real one is SentencePiece's: its rules for words are GPT-2's.
      Family(
        opening: "<bos>", end: "<eos>", turnStart: "<start_of_turn>", turnEnd: "<end_of_turn>", afterRole: "\n",
        preTokenizer: "gpt-2", addsOpening: true, others: ["<pad>"])
    }
  }

  /// GPT-2's letter for each byte: printable ones stand for themselves, the others follow from U+0100.
  static let byteLetters: [String] = {
    var next: UInt32 = 0x100
    return (UInt32(0)..<256).map { byte in
      var code = byte
      if !(0x21...0x7E ~= byte || 0xA1...0xAC ~= byte || 0xAE...0xFF ~= byte) {
        code = next
        next += 1
      }
      return Unicode.Scalar(code).map { String(Character($0)) } ?? ""
    }
  }()

  /// Up to `count` merges, each of two pieces that are there before it: pairs of letters, pairs with a space before
  /// them, then words of three and four letters.
  private static func merges(_ count: Int) -> [(left: String, right: String)] {
    // By frequency in English, so that the vocabularies of small models hold what texts are made of.
    let letters = "etaoinshrdlcumwfgypbvkjxqz".map(String.init)
    let space = byteLetters[0x20]
    let spaced = letters.map { (left: space, right: $0) }
    let pairs = letters.flatMap { first in letters.map { (left: first, right: $0) } }
    var result = spaced + pairs
    let ends = pairs.map { $0.left + $0.right }
    for start in (spaced + pairs).map({ $0.left + $0.right }) {
      if result.count >= count { break }
      result += ends.map { (left: start, right: $0) }
    }
    return Array(result.prefix(count))
  }

  /// Adds the keys of the tokenizer and a chat template.
  func add(to list: inout MetadataList) {
    let family = family
    let special = family.special
    let merges = Self.merges(max(0, shape.vocabulary - 256 - special.count))
    var pieces = Self.byteLetters + merges.map { $0.left + $0.right }
    var types = [Int32](repeating: 1, count: pieces.count)
    let firstSpecial = pieces.count
    pieces += special
    types += special.map { _ in 3 }
    while pieces.count < shape.vocabulary {
      pieces.append("[PAD\(pieces.count)]")
      types.append(5)
    }
    func id(_ text: String) -> MetadataValue { .uint32(UInt32(firstSpecial + (special.firstIndex(of: text) ?? 0))) }
    list.tokenizer("model", .string("gpt2"))
    list.tokenizer("pre", .string(family.preTokenizer))
    list.tokenizer("tokens", .array(MetadataArray(pieces)))
    list.tokenizer("token_type", .array(MetadataArray(types)))
    list.tokenizer("merges", .array(MetadataArray(merges.map { "\($0.left) \($0.right)" })))
    list.tokenizer("bos_token_id", id(family.opening))
    list.tokenizer("eos_token_id", id(family.end))
    list.tokenizer("add_bos_token", .bool(family.addsOpening))
    list.add("tokenizer.chat_template", .string(template(family)))
  }

  private func template(_ family: Family) -> String {
    func quoted(_ text: String) -> String {
      "'" + text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n") + "'"
    }
    let turn = "\(quoted(family.turnStart)) + message['role'] + \(quoted(family.afterRole))"
    let answer = quoted(family.turnStart + "assistant" + family.afterRole)
    return "{% for message in messages %}{{ \(turn) + message['content'] + \(quoted(family.turnEnd + "\n")) }}"
      + "{% endfor %}{% if add_generation_prompt %}{{ \(answer) }}{% endif %}"
  }
}
