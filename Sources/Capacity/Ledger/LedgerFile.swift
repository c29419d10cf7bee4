// A ledger's file before SQLite opens it: whether it is one, and how a new one comes to be, whole or not at all.
import Foundation
import GRDB

enum LedgerFile {
  /// PRAGMA application_id: "gobi".
  static let application: Int32 = 0x676f_6269
  /// PRAGMA user_version.
  static let version: Int32 = 1

  private static let schema = """
    CREATE TABLE report (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      sha256 TEXT NOT NULL UNIQUE,
      node TEXT NOT NULL,
      started TEXT NOT NULL,
      added TEXT NOT NULL,
      level TEXT NOT NULL,
      complete INTEGER NOT NULL,
      cohort TEXT NOT NULL,
      version TEXT NOT NULL,
      body BLOB NOT NULL,
      certificate BLOB
    );
    CREATE INDEX report_of_node ON report (node, started);
    CREATE TABLE figure (
      report INTEGER NOT NULL REFERENCES report (number),
      place INTEGER NOT NULL,
      name TEXT NOT NULL,
      layer TEXT NOT NULL,
      unit TEXT NOT NULL,
      precision TEXT,
      value REAL NOT NULL,
      low REAL NOT NULL,
      high REAL NOT NULL,
      n INTEGER NOT NULL,
      validity TEXT NOT NULL,
      reasons TEXT NOT NULL,
      nominal REAL,
      source TEXT,
      PRIMARY KEY (report, place)
    ) WITHOUT ROWID;
    CREATE TABLE expected (node TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;
    """

  /// Throws unless `path` is a ledger of this version. Reads its header only: a foreign database is not touched.
  static func check(_ path: String) throws(LedgerError) {
    guard let handle = FileHandle(forReadingAtPath: path) else {
      if errno == ENOENT { throw .missing(path: path) }
      throw .corrupt(path: path, what: String(cString: strerror(errno)))
    }
    defer { try? handle.close() }
    guard let header = try? handle.read(upToCount: 100) else {
      throw .foreign(path: path, what: "it cannot be read")
    }
    guard header.count == 100, header.starts(with: Array("SQLite format 3\0".utf8)) else {
      throw .foreign(path: path, what: "it is no SQLite database")
    }
    let word = { (at: Int) in header[at..<(at + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
    guard word(68) == UInt32(bitPattern: application) else {
      throw .foreign(path: path, what: "a database of another program")
    }
    guard word(60) == UInt32(bitPattern: version) else {
      throw .foreign(path: path, what: "of version \(word(60)), and this program knows \(version)")
    }
  }

  /// Makes an empty ledger if there is nothing at `path`: under another name, linked to its own when it is whole. Of two
  /// processes that do so at once one wins, and the other uses the winner's.
  static func make(_ path: String, patience: Double) throws(LedgerError) {
    guard access(path, F_OK) != 0 else { return }
    let aside = "\(path).\(getpid())-\(UInt32.random(in: 0...UInt32.max)).new"
    defer { for end in ["", "-journal"] { unlink(aside + end) } }
    do {
      var configuration = Configuration()
      configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
      let queue = try DatabaseQueue(path: aside, configuration: configuration)
      try queue.write { db in
        try db.execute(sql: schema)
        try db.execute(sql: "PRAGMA application_id = \(application); PRAGMA user_version = \(version)")
      }
      try queue.close()
    } catch let error as DatabaseError {
      throw LedgerError(error, path: path, patience: patience)
    } catch {
      throw .other(path: path, what: "\(error)")
    }
    guard link(aside, path) == 0 || errno == EEXIST else {
      throw .readOnly(path: path, what: String(cString: strerror(errno)))
    }
    // The name itself must outlive a loss of power too.
    let parent = (path as NSString).deletingLastPathComponent
    let folder = open(parent.isEmpty ? "." : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }
}
