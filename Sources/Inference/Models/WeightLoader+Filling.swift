// Filling the places that a loader set aside: from the panel cache where it has them, else by packing the file.

extension WeightLoader {
  /// Fills every place that was set aside. What the panel cache could not do never fails the loading.
  ///
  /// - Throws: ``ModelError``, ``ModelError/cancelled(path:)`` among others.
  func fill(_ options: ModelOptions) throws(ModelError) -> PanelCacheOutcome {
    var progress = LoadProgress(path: file.path, report: options.progress, cancel: options.cancel)
    let sourceBytes = jobs.reduce(0) { $0 + $1.sourceBytes }
    guard let folder = options.panelCache else {
      try progress.start(sourceBytes)
      try packAll(&progress)
      return .off
    }
    let cache: PanelCache
    do throws(PanelCacheError) { cache = try PanelCache(folder: folder, of: self) } catch {
      try progress.start(sourceBytes)
      try packAll(&progress)
      return .notStored(error, because: error)
    }
    try progress.start(cache.byteCount)
    guard let miss = try cache.read(&progress) else { return .loaded(path: cache.path) }
    // Writing counts as much as packing.
    try progress.start(sourceBytes + cache.byteCount)
    try packAll(&progress)
    if let failure = try cache.write(&progress) { return .notStored(miss, because: failure) }
    return .stored(path: cache.path, miss)
  }

  /// Bytes packed at once: small enough to notice a cancel flag within a few milliseconds.
  private static let pieceBytes = 8 << 20

  /// Packs everything, in order, and gives back each piece of the file as soon as it is packed.
  private func packAll(_ progress: inout LoadProgress) throws(ModelError) {
    for job in jobs {
      do {
        switch job {
        case .decode(let tensor, let target):
          guard let source = tensor.bytes.baseAddress else { continue }
          try Runtime.decode(tensor.format, source, count: tensor.count, into: target)
          try progress.advance(job.sourceBytes)
        case .pack(let tensor, let offset, let rowBytes, let packed):
          guard let source = tensor.bytes.baseAddress else { continue }
          // Whole panels, so that no two pieces write to one.
          let step = max(Self.pieceBytes / max(rowBytes, 1) / 64 * 64, 64)
          for first in stride(from: 0, to: packed.rows, by: step) {
            let rows = min(step, packed.rows - first)
            let start = offset + first * rowBytes
            try runtime.store(source + start, stride: rowBytes, rows: rows, into: packed, at: first)
            tensor.file.discard(tensor.fileOffset + start..<tensor.fileOffset + start + rows * rowBytes)
            try progress.advance(rows * rowBytes)
          }
        }
      } catch let error as KernelError {
        throw .kernel(error)
      } catch let error as ModelError {
        throw error
      } catch {
        throw .kernel(KernelError(.unknown(0), "\(error)"))
      }
    }
  }
}
