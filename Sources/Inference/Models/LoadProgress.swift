// How far the loading of a model has come, told to the caller; and the caller's wish to stop it. Loads nothing.

/// The share of the work that is done. Used by the loading thread alone.
struct LoadProgress {
  /// Sets the limit of every wait: other threads may look at it.
  let cancel: CancelFlag?
  private let report: ((Double) -> Void)?
  private let path: String
  private var total = 0
  private var done = 0
  private var reported = 0.0

  init(path: String, report: ((Double) -> Void)?, cancel: CancelFlag?) {
    self.path = path
    self.report = report
    self.cancel = cancel
  }

  /// The work is `bytes` bytes, none of which is done. What was reported before is not taken back.
  mutating func start(_ bytes: Int) throws(ModelError) {
    (total, done) = (bytes, 0)
    try advance(0)
  }

  /// - Throws: ``ModelError/cancelled(path:)``.
  mutating func advance(_ bytes: Int) throws(ModelError) {
    done += bytes
    reported = max(reported, total == 0 ? 1 : Double(done) / Double(total))
    report?(reported)
    if cancel?.isCancelled == true { throw .cancelled(path: path) }
  }
}
