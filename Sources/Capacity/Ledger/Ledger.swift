// Many reports of many nodes in one SQLite file, by GRDB: write-ahead log, synchronised at every commit, so that what
// was acknowledged survives the end of the process at any point. Judges nothing: FleetView does.
import Foundation
import GRDB

public final class Ledger: Sendable {
  public let path: String
  /// Seconds to wait for another process's lock.
  public let patience: Double
  private let queue: DatabaseQueue

  /// Opens a ledger; makes it if `creating` and nothing is there.
  public init(path: String, creating: Bool = false, patience: Double = 5) throws(LedgerError) {
    self.path = path
    self.patience = patience
    if creating { try LedgerFile.make(path, patience: patience) }
    try LedgerFile.check(path)
    var configuration = Configuration()
    configuration.busyMode = .timeout(patience)
    configuration.prepareDatabase { db in
      // A page that is not what it should be is told and not followed.
      try db.execute(sql: "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF")
      try db.execute(sql: "PRAGMA journal_mode = WAL")
      try db.execute(sql: "PRAGMA synchronous = FULL")
    }
    do {
      queue = try DatabaseQueue(path: path, configuration: configuration)
    } catch let error as DatabaseError {
      throw LedgerError(error, path: path, patience: patience)
    } catch {
      throw .other(path: path, what: "\(error)")
    }
  }

  private func told<T>(_ body: () throws -> T) throws(LedgerError) -> T {
    do {
      return try body()
    } catch let error as LedgerError {
      throw error
    } catch let error as DatabaseError {
      throw LedgerError(error, path: path, patience: patience)
    } catch {
      throw .corrupt(path: path, what: "\(error)")
    }
  }

  // MARK: Writing

  /// Adds a report and returns its number when it is on the disk. Throws .duplicate for one that is there already.
  @discardableResult
  public func add(_ entry: LedgerEntry, at added: Date = Date()) throws(LedgerError) -> Int {
    let figures = entry.report.ledgerEntries
    let certificate: [UInt8]?
    do throws(CertificateError) { certificate = try entry.certificate?.bytes() } catch {
      throw .unsound(path: entry.node, what: error.description)
    }
    let stamp = ISO8601DateFormatter().string(from: added)
    return try told {
      try queue.write { db in
        if let node = try String.fetchOne(db, sql: "SELECT node FROM report WHERE sha256 = ?", arguments: [entry.hash])
        {
          throw LedgerError.duplicate(hash: entry.hash, node: node)
        }
        let report = entry.report
        try db.execute(
          sql: """
            INSERT INTO report (sha256, node, started, added, level, complete, cohort, version, body, certificate)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            entry.hash, entry.node, report.started, stamp, report.level.rawValue, report.isComplete,
            LedgerEntry.cohort(report.node), LedgerEntry.version(report.node), Data(entry.bytes),
            certificate.map { Data($0) },
          ])
        let number = Int(db.lastInsertedRowID)
        for (place, figure) in figures.enumerated() { try Self.insert(figure, place, of: number, into: db) }
        return number
      }
    }
  }

  private static func insert(_ figure: LedgerRecord.Entry, _ place: Int, of report: Int, into db: Database) throws {
    try db.execute(
      sql: "INSERT INTO figure VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        report, place, figure.name, figure.layer.rawValue, figure.unit, figure.precision, figure.value, figure.low,
        figure.high, figure.n, figure.validity.rawValue, figure.reasons.map(\.rawValue).joined(separator: " "),
        figure.nominal, figure.source,
      ])
  }

  /// Nodes that should be measured: those of them without a report are shown as unmeasured.
  public func expect(_ nodes: [String]) throws(LedgerError) {
    for node in nodes { try LedgerEntry.check(node: node) }
    try told {
      try queue.write { db in
        for node in nodes { try db.execute(sql: "INSERT OR IGNORE INTO expected VALUES (?)", arguments: [node]) }
      }
    }
  }

  // MARK: Reading

  /// All nodes that are expected or have a report, in order of their names.
  public func nodes() throws(LedgerError) -> [String] {
    try told {
      try queue.read {
        try String.fetchAll($0, sql: "SELECT node FROM expected UNION SELECT node FROM report ORDER BY 1")
      }
    }
  }

  /// Records with their figures, by when they were measured; of one node, or of all.
  public func records(of node: String? = nil) throws(LedgerError) -> [LedgerRecord] {
    try told {
      try queue.read { db in
        var figures: [Int: [LedgerRecord.Entry]] = [:]
        let filter = node == nil ? "" : "WHERE report IN (SELECT number FROM report WHERE node = ?)"
        let all = try Row.fetchCursor(
          db,
          sql: """
            SELECT report, name, layer, unit, precision, value, low, high, n, validity, reasons, nominal, source
            FROM figure \(filter) ORDER BY report, place
            """,
          arguments: StatementArguments(node.map { [$0] } ?? []))
        while let row = try all.next() {
          let report: Int = try self.column(row, "report")
          figures[report, default: []].append(try self.entry(row))
        }
        let rows = try Row.fetchAll(
          db,
          sql: """
            SELECT number, sha256, node, started, added, level, complete, cohort, version,
              certificate IS NOT NULL AS signed
            FROM report \(node == nil ? "" : "WHERE node = ?") ORDER BY started, number
            """, arguments: StatementArguments(node.map { [$0] } ?? []))
        return try rows.map { row in
          let number: Int = try self.column(row, "number")
          return LedgerRecord(
            number: number, hash: try self.column(row, "sha256"), node: try self.column(row, "node"),
            started: try self.column(row, "started"), added: try self.column(row, "added"),
            level: try self.column(row, "level"), isComplete: try self.column(row, "complete"),
            cohort: try self.column(row, "cohort"), version: try self.column(row, "version"),
            isSigned: try self.column(row, "signed"), figures: figures[number] ?? [])
        }
      }
    }
  }

  /// A column, or .corrupt where a file that somebody else wrote holds another type there.
  private func column<T: DatabaseValueConvertible>(_ row: Row, _ name: String) throws -> T {
    // A row traps for a name that it has not: a damaged schema may have another.
    guard row.hasColumn(name), let value = T.fromDatabaseValue(row[name] as DatabaseValue) else {
      throw LedgerError.corrupt(path: path, what: "\(name) holds no \(T.self)")
    }
    return value
  }

  private func optional<T: DatabaseValueConvertible>(_ row: Row, _ name: String) -> T? {
    row.hasColumn(name) ? T.fromDatabaseValue(row[name] as DatabaseValue) : nil
  }

  private func entry(_ row: Row) throws -> LedgerRecord.Entry {
    let words: String = try column(row, "reasons")
    let reasons = words.split(separator: " ").map { Reason(rawValue: String($0)) }
    guard let layer = CapacityLayer(rawValue: try column(row, "layer")),
      let validity = Validity(rawValue: try column(row, "validity")), !reasons.contains(nil)
    else { throw LedgerError.corrupt(path: path, what: "a figure's layer or verdict is none") }
    return LedgerRecord.Entry(
      name: try column(row, "name"), layer: layer, unit: try column(row, "unit"),
      precision: optional(row, "precision"), value: try column(row, "value"),
      low: try column(row, "low"), high: try column(row, "high"), n: try column(row, "n"), validity: validity,
      reasons: reasons.compactMap { $0 }, nominal: optional(row, "nominal"),
      source: optional(row, "source"))
  }

  /// The report with this number, or whose hash begins with `key`, as the very bytes that were added.
  public func report(_ key: String) throws(LedgerError) -> (report: CapacityReport, hash: String, certificate: [UInt8]?)
  {
    guard !key.isEmpty, key.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x66 }) else {
      throw .request(what: "'\(key.prefix(60))' is neither a number nor the beginning of a hash")
    }
    let found: [(Data, String, Data?)] = try told {
      try queue.read { db in
        let sql = "SELECT body, sha256, certificate FROM report WHERE "
        let byNumber =
          key.utf8.count < 8 && Int(key) != nil
          ? try Row.fetchAll(db, sql: sql + "number = ?", arguments: [Int(key)]) : []
        let rows =
          byNumber.isEmpty ? try Row.fetchAll(db, sql: sql + "sha256 GLOB ? LIMIT 2", arguments: [key + "*"]) : byNumber
        return try rows.map {
          (
            try self.column($0, "body"), try self.column($0, "sha256"),
            self.optional($0, "certificate")
          )
        }
      }
    }
    guard let (body, hash, certificate) = found.first else { throw .request(what: "there is no report \(key)") }
    guard found.count == 1 else { throw .request(what: "more than one report begins with \(key)") }
    guard FileHash.of([UInt8](body)) == hash else {
      throw .corrupt(path: path, what: "report \(key) is not what was added")
    }
    do throws(CapacityError) {
      return (try CapacityReport(json: body, path: key), hash, certificate.map { [UInt8]($0) })
    } catch { throw .corrupt(path: path, what: error.description) }
  }

  /// What PRAGMA integrity_check says of the whole file; "ok" is one line.
  public func integrity() throws(LedgerError) -> [String] {
    try told { try queue.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") } }
  }
}
