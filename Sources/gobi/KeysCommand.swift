// `gobi keys`: an operator's signing keys. The private one is written to a file of its owner's and never shown.
import ArgumentParser
import Capacity

struct KeysCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "Make and show the keys that certificates are signed with.",
    subcommands: [New.self, Show.self])

  struct New: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a private key at PATH (mode 0600) and its public key at PATH.pub.")

    @Argument(help: "Where to write the private key. Nothing that is there is overwritten.")
    var path: String

    func run() throws {
      let key = SigningKey()
      try key.write(to: path)
      Console.out("written: \(path) (keep it), \(path).pub (give it away)")
      Console.out("fingerprint \(key.publicKey.fingerprint)")
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the public key of a key file, private or public.")

    @Argument(help: "A key file.")
    var path: String

    func run() throws {
      let key = try PublicKey(path: path)
      Console.out(key.pem, terminator: "")
      Console.out("fingerprint \(key.fingerprint)")
    }
  }
}
