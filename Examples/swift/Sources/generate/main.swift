// Continues a prompt greedily, 32 tokens, with the Swift API.
import Inference

guard CommandLine.arguments.count == 3 else { fatalError("usage: generate MODEL PROMPT") }
let path = CommandLine.arguments[1]
let model = try Model.open(path: path, runtime: Runtime())
let tokenizer = try TokenizerLoader.tokenizer(of: WeightFiles.open(path: path))
let session = try Session(model: model)
let generator = try Generator(
  session: session, sequence: session.makeSequence(), prompt: tokenizer.encode(CommandLine.arguments[2], parseSpecial: false),
  tokenizer: tokenizer, sampler: Sampler(),
  stop: StopRule(tokens: tokenizer.endOfGeneration, maximumTokens: 32))
var text = ""
while let event = try generator.next() {
  switch event {
  case .token(_, let new), .finished(_, let new): text += new
  }
}
print(text)
