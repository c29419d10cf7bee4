// What is wrong with a ledger, or with what is put into it.
import GRDB

public enum LedgerError: Error, Sendable, Equatable, CustomStringConvertible {
  case missing(path: String)
  /// Another kind of file, or a ledger of another version.
  case foreign(path: String, what: String)
  /// SQLite found damage, or the file cannot be read.
  case corrupt(path: String, what: String)
  /// Another process kept it locked for as long as this one waits.
  case locked(path: String, seconds: Double)
  case full(path: String)
  /// The file or its folder cannot be written.
  case readOnly(path: String, what: String)
  /// The very report, by its hash, is there already.
  case duplicate(hash: String, node: String)
  /// A report or certificate that is not sound.
  case unsound(path: String, what: String)
  /// A node's name or a request that cannot be.
  case request(what: String)
  case other(path: String, what: String)

  public var description: String {
    switch self {
    case .missing(let path): "\(path): there is no ledger"
    case .foreign(let path, let what): "\(path): not a ledger: \(what)"
    case .corrupt(let path, let what): "\(path): the ledger is damaged: \(what)"
    case .locked(let path, let seconds):
      "\(path): another process has locked the ledger for \(Quantity.number(seconds)) s; nothing was changed"
    case .full(let path): "\(path): the disk is full; nothing was changed"
    case .readOnly(let path, let what): "\(path): cannot be written: \(what)"
    case .duplicate(let hash, let node): "the report \(hash.prefix(12)) is in the ledger already, of node \(node)"
    case .unsound(let path, let what): "\(path): \(what)"
    case .request(let what): what
    case .other(let path, let what): "\(path): \(what)"
    }
  }

  /// What SQLite said, in this library's words.
  init(_ error: DatabaseError, path: String, patience: Double) {
    let what = error.message ?? "\(error.resultCode)"
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED: self = .locked(path: path, seconds: patience)
    case .SQLITE_FULL: self = .full(path: path)
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN: self = .readOnly(path: path, what: what)
    case .SQLITE_CORRUPT: self = .corrupt(path: path, what: what)
    case .SQLITE_NOTADB: self = .foreign(path: path, what: what)
    default: self = .other(path: path, what: what)
    }
  }
}
