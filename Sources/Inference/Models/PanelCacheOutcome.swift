// What the panel cache did while a model loaded, and what kept it from doing more. Values only.

/// Why the panel cache gave nothing, or kept nothing. The model itself is loaded all the same.
public enum PanelCacheError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No file is at the path yet.
  case missing(path: String)
  /// The file cannot be opened or read: not permitted, a symbolic link, no regular file.
  case cannotRead(path: String, reason: String)
  /// The file is whole but not of this model in this state: `what` differs.
  case stale(path: String, what: String)
  /// The bytes at `offset` are not those that were written.
  case damaged(path: String, offset: Int, reason: String)
  /// The file cannot be made; nothing was left behind.
  case cannotWrite(path: String, reason: String)
  /// The weights may have changed while they were packed, or are not on a disk: nobody could tell later whether they
  /// are the same.
  case unstableSource(path: String, reason: String)

  public var description: String {
    switch self {
    case .missing(let path): "\(path): not there yet"
    case .cannotRead(let path, let reason): "\(path): cannot be read: \(reason)"
    case .stale(let path, let what): "\(path): of another \(what)"
    case .damaged(let path, let offset, let reason): "\(path): damaged at byte \(offset): \(reason)"
    case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
    case .unstableSource(let path, let reason): "\(path): \(reason)"
    }
  }
}

/// What the panel cache did for a model.
public enum PanelCacheOutcome: Sendable, Equatable {
  /// The options name no folder.
  case off
  /// The panels came from the file at `path`.
  case loaded(path: String)
  /// The weights were packed, and the panels are at `path` for the next time. The error says why they were not before.
  case stored(path: String, PanelCacheError)
  /// The weights were packed. The first error says why no panels were there, the second why none are now.
  case notStored(PanelCacheError, because: PanelCacheError)

  /// What deserves a person's attention: nil where nothing went wrong.
  public var note: String? {
    switch self {
    case .off, .loaded, .stored(_, .missing), .stored(_, .stale): nil
    case .stored(_, let error): "\(error); packed anew and written again"
    case .notStored(.missing, let error), .notStored(.stale, let error): "\(error)"
    case .notStored(let error, let second): error == second ? "\(error)" : "\(error); \(second)"
    }
  }
}
