// What the generated text is held to, as options of the command line.
import ArgumentParser
import Foundation
import Inference

struct GrammarArguments: ParsableArguments {
  @Option(name: .customLong("json-schema"), help: "Generate JSON that is valid against the schema in this file.")
  var jsonSchema: String?

  @Option(help: "Generate text of the grammar in this file; docs/GRAMMAR.md says how one is written.")
  var grammar: String?

  @Option(help: "Generate text that matches this regular expression as a whole.")
  var regex: String?

  func validate() throws {
    if [jsonSchema, grammar, regex].compactMap({ $0 }).count > 1 {
      throw ValidationError("One of --json-schema, --grammar and --regex is enough.")
    }
  }

  /// The constraint that the options ask for, if any.
  func constraint(_ tokenizer: any Tokenizer) throws -> GrammarConstraint? {
    guard jsonSchema != nil || grammar != nil || regex != nil else { return nil }
    let vocabulary = GrammarVocabulary(tokenizer)
    if let jsonSchema { return try GrammarConstraint(jsonSchema: text(of: jsonSchema), vocabulary: vocabulary) }
    if let grammar { return try GrammarConstraint(grammar: text(of: grammar), vocabulary: vocabulary) }
    return try GrammarConstraint(regex: regex ?? "", vocabulary: vocabulary)
  }

  private func text(of path: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: path) else { throw Failure("\(path): cannot be read") }
    guard let text = String(validating: data, as: UTF8.self) else { throw Failure("\(path): no UTF-8") }
    return text
  }
}
