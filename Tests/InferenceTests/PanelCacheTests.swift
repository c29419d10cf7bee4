// The panel cache: equal bits, every kind of damage told and survived, files that appear whole or not at all.
import Foundation
import Inference
import Synchronization
import TestSupport
import Testing

/// A folder for panels, and what is in it.
private struct CacheFolder {
  let folder: TemporaryFolder
  var path: String { folder.path("panels") }

  init() throws { folder = try TemporaryFolder() }

  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }

  /// The one file that is there.
  func file() throws -> String {
    try #require(names.count == 1, "\(names)")
    return "\(path)/\(names[0])"
  }

  func open(_ source: ModelSource, _ runtime: Runtime, cancel: CancelFlag? = nil) throws -> Model {
    try Model(source, runtime: runtime, options: ModelOptions(cancel: cancel, panelCache: path))
  }

  func open(path source: String, _ runtime: Runtime) throws -> Model { try open(ModelSource(path: source), runtime) }
}

private let llama = Fixtures.path("golden/llama/model.f32.gguf")

extension Model {
  /// Bits that depend on every weight.
  fileprivate func bits() throws -> [UInt32] {
    let session = try Session(model: self, options: SessionOptions(context: 16, kvFormat: .f32))
    if configuration.isEncoder {
      return try session.encode([[1, 2, 3]], types: [[0, 0, 0]])[0].hidden.values.map(\.bitPattern)
    }
    return try session.allLogits([1, 2, 3, 5]).map(\.bitPattern)
  }

  fileprivate var isLoadedFromCache: Bool { if case .loaded = panelCache { true } else { false } }

  /// Why the file that was there was not used, where a new one was written.
  fileprivate var refusal: PanelCacheError? { if case .stored(_, let error) = panelCache { error } else { nil } }
}

/// Waits until the file's last change lies back far enough for the cache.
private func settle(_ path: String) throws {
  while try !#require(FileIdentity(path: path)).isSettled { usleep(50_000) }
}

@Suite struct PanelCacheTests {
  static let encoders: [(String, GoldenForm)] = [("bert", .safetensors)]

  @Test(arguments: Golden.cases + encoders)
  func givesTheSameBits(_ model: (String, GoldenForm)) throws {
    let runtime = try Runtime(threads: 2)
    let cache = try CacheFolder()
    let plain = try Golden.model(model.0, model.1, runtime: runtime)
    #expect(plain.panelCache == .off)
    let first = try cache.open(Golden.source(model.0, model.1), runtime)
    #expect(first.panelCache == .stored(path: try cache.file(), .missing(path: try cache.file())))
    let second = try cache.open(Golden.source(model.0, model.1), Runtime(threads: 1))
    #expect(second.panelCache == .loaded(path: try cache.file()))
    #expect(second.fingerprint == plain.fingerprint && second.weightBytes == plain.weightBytes)
    let expected = try plain.bits()
    #expect(try first.bits() == expected)
    #expect(try second.bits() == expected)
    #expect([plain, first, second].allSatisfy { $0.panelCache.note == nil })
  }

  @Test func everyFormatGivesTheSameBits() throws {
    let folder = try TemporaryFolder()
    let runtime = try Runtime(threads: 2)
    let shape = try #require(SyntheticShape(name: "tiny"))
    let names = FileType.all.map(\.name)
    for type in FileType.all {
      try SyntheticModel(shape: shape, type: type, seed: 1).write(to: folder.path(type.name))
    }
    let newest = folder.path(names[names.count - 1])
    let cache = try CacheFolder()
    // A file that has just been written might be written again within one tick of the file system's clock.
    let early = try cache.open(path: newest, runtime)
    guard case .notStored(.missing, because: .unstableSource) = early.panelCache else {
      Issue.record("\(early.panelCache)")
      return
    }
    #expect(early.panelCache.note?.contains("a moment ago") == true)
    try settle(newest)
    for name in names {
      let first = try cache.open(path: folder.path(name), runtime)
      #expect(first.refusal != nil, "\(name): \(first.panelCache)")
      let second = try cache.open(path: folder.path(name), runtime)
      #expect(second.isLoadedFromCache, "\(name): \(second.panelCache)")
      #expect(try first.bits() == second.bits(), "\(name)")
    }
    #expect(cache.names.count == names.count, "a file a model")
    try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: newest)
    #expect(try cache.open(path: folder.path("link"), runtime).isLoadedFromCache, "a link to a model is the model")
  }

  // MARK: Damage

  @Test func everyByteOfTheHeaderCounts() throws {
    let runtime = try Runtime(threads: 1)
    let cache = try CacheFolder()
    let expected = try cache.open(path: llama, runtime).bits()
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: cache.file())))
    // Eight words, one for each piece, and the checksum, up to a multiple of 64 bytes.
    let pieces = Int(whole[48]) | Int(whole[49]) << 8
    let header = ((8 + pieces + 1) * 8 + 63) / 64 * 64
    #expect(pieces > 20 && header < whole.count)
    for place in 0..<header {
      var bytes = whole
      bytes[place] ^= 1 << UInt8(place % 8)
      try Data(bytes).write(to: URL(fileURLWithPath: cache.file()))
      let model = try cache.open(path: llama, runtime)
      switch model.refusal {
      case .stale where place < 64: #expect(model.panelCache.note == nil)
      case .damaged: #expect(model.panelCache.note?.contains("damaged at byte") == true)
      default: Issue.record("byte \(place): \(model.panelCache)")
      }
      if place % 32 == 0 { #expect(try model.bits() == expected, "byte \(place)") }
    }
    #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: cache.file()))) == whole)
  }

  @Test func everyByteOfThePanelsCounts() throws {
    let runtime = try Runtime(threads: 2)
    let cache = try CacheFolder()
    let expected = try cache.open(path: llama, runtime).bits()
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: cache.file())))
    var random = SeededGenerator(state: 11)
    for _ in 0..<60 {
      var bytes = whole
      let place = Int.random(in: 1_024..<whole.count, using: &random)
      bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      try Data(bytes).write(to: URL(fileURLWithPath: cache.file()))
      let model = try cache.open(path: llama, runtime)
      guard case .damaged(_, let offset, _) = model.refusal else {
        Issue.record("byte \(place): \(model.panelCache)")
        continue
      }
      #expect(offset <= place)
      #expect(try model.bits() == expected, "what was read must not remain")
    }
  }

  @Test func lengthsThatAreNotTheModels() throws {
    let runtime = try Runtime(threads: 1)
    let cache = try CacheFolder()
    let expected = try cache.open(path: llama, runtime).bits()
    let whole = try Data(contentsOf: URL(fileURLWithPath: cache.file()))
    for count in [0, 1, 8, 63, 64, 65, 256, 1_024, whole.count / 2, whole.count - 64, whole.count - 1] {
      try whole.prefix(count).write(to: URL(fileURLWithPath: cache.file()))
      let model = try cache.open(path: llama, runtime)
      guard case .damaged = model.refusal else {
        Issue.record("\(count) bytes: \(model.panelCache)")
        continue
      }
      #expect(try model.bits() == expected)
    }
    try (whole + Data([0])).write(to: URL(fileURLWithPath: cache.file()))
    guard case .damaged = try cache.open(path: llama, runtime).refusal else {
      Issue.record("a byte too many")
      return
    }
    #expect(try cache.open(path: llama, runtime).isLoadedFromCache)
  }

  @Test func whatIsNoRegularFile() throws {
    let runtime = try Runtime(threads: 1)
    let cache = try CacheFolder()
    let expected = try cache.open(path: llama, runtime).bits()
    let file = try cache.file()
    let moved = cache.folder.path("moved")
    try FileManager.default.moveItem(atPath: file, toPath: moved)

    try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: moved)
    var model = try cache.open(path: llama, runtime)
    #expect(model.refusal == .cannotRead(path: file, reason: "a symbolic link"))
    #expect(FileManager.default.fileExists(atPath: moved))
    #expect(try cache.open(path: llama, runtime).isLoadedFromCache, "the link is replaced by a file")

    try FileManager.default.removeItem(atPath: file)
    try #require(mkfifo(file, 0o600) == 0)
    model = try cache.open(path: llama, runtime)
    #expect(model.refusal == .cannotRead(path: file, reason: "not a regular file"))

    try FileManager.default.removeItem(atPath: file)
    try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
    model = try cache.open(path: llama, runtime)
    guard case .notStored(.cannotRead, because: .cannotWrite) = model.panelCache else {
      Issue.record("\(model.panelCache)")
      return
    }
    #expect(try model.bits() == expected)
    #expect(cache.names.count == 1, "no temporary file remains")
  }

  // MARK: Writing

  @Test func foldersThatCannotBeWritten() throws {
    let runtime = try Runtime(threads: 1)
    let folder = try TemporaryFolder()
    let expected = try Golden.model("llama", .gguf, runtime: runtime).bits()
    try Data().write(to: URL(fileURLWithPath: folder.path("file")))
    try FileManager.default.createDirectory(atPath: folder.path("closed"), withIntermediateDirectories: false)
    chmod(folder.path("closed"), 0o555)
    var places = [folder.path("file"), folder.path("file/panels"), folder.path("missing/panels"), "", "a\0b"]
    if geteuid() != 0 { places.append(folder.path("closed")) }  // root may write everywhere
    for place in places {
      let model = try Model.open(path: llama, runtime: runtime, options: ModelOptions(panelCache: place))
      guard case .notStored = model.panelCache else {
        Issue.record("'\(place)': \(model.panelCache)")
        continue
      }
      #expect(model.panelCache.note?.isEmpty == false)
      #expect(try model.bits() == expected)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == ["closed", "file"])
  }

  @Test func weightsInMemoryAreNotKept() throws {
    let cache = try CacheFolder()
    let source = try ModelSource(gguf([UInt8](Data(contentsOf: URL(fileURLWithPath: llama)))))
    let model = try cache.open(source, Runtime(threads: 1))
    guard case .notStored(.unstableSource, because: .unstableSource) = model.panelCache else {
      Issue.record("\(model.panelCache)")
      return
    }
    #expect(cache.names.isEmpty)
  }

  @Test func cancelledWritingLeavesNothing() throws {
    let runtime = try Runtime(threads: 1)
    let cache = try CacheFolder()
    let cancel = CancelFlag()
    let shares = Mutex<[Double]>([])
    var options = ModelOptions(cancel: cancel, panelCache: cache.path)
    options.progress = { share in
      shares.withLock { $0.append(share) }
      // Half of the work is packing, so this is while the file is written.
      if share > 0.75 { cancel.cancel() }
    }
    #expect(throws: ModelError.cancelled(path: llama)) {
      try Model.open(path: llama, runtime: runtime, options: options)
    }
    #expect(FileManager.default.fileExists(atPath: cache.path))
    #expect(cache.names.isEmpty)
    let seen = shares.withLock { $0 }
    #expect(seen == seen.sorted() && seen.first == 0)
    // And while it is read.
    cancel.reset()
    options.progress = nil
    #expect(try Model.open(path: llama, runtime: runtime, options: options).refusal != nil)
    options.progress = { _ in cancel.cancel() }
    #expect(throws: ModelError.cancelled(path: llama)) {
      try Model.open(path: llama, runtime: runtime, options: options)
    }
    cancel.reset()
    options.progress = { share in shares.withLock { $0 = [share] } }
    #expect(try Model.open(path: llama, runtime: runtime, options: options).isLoadedFromCache)
    #expect(shares.withLock { $0 } == [1])
  }

  @Test func concurrentLoadersOfOneFolder() throws {
    let cache = try CacheFolder()
    let outcomes = Mutex<[(PanelCacheOutcome, [UInt32])]>([])
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      do {
        for _ in 0..<4 {
          let model = try cache.open(path: llama, Runtime(threads: 1))
          let bits = try model.bits()
          outcomes.withLock { $0.append((model.panelCache, bits)) }
        }
      } catch { Issue.record(error) }
    }
    let seen = outcomes.withLock { $0 }
    #expect(seen.count == 32)
    let file = try cache.file()
    #expect(seen.allSatisfy { $0.0 == .loaded(path: file) || $0.0 == .stored(path: file, .missing(path: file)) })
    #expect(Set(seen.map(\.1)).count == 1)
  }

  // MARK: Changed sources

  /// A byte that no sample of the fingerprint covers, with the file's size and time of modification as they were.
  @Test(arguments: ["golden/llama/model.f32.gguf", "golden/llama"])
  func aChangedSourceIsPackedAnew(_ fixture: String) throws {
    let runtime = try Runtime(threads: 1)
    let cache = try CacheFolder()
    let copy = cache.folder.path("model" + (fixture.hasSuffix(".gguf") ? ".gguf" : ""))
    try FileManager.default.copyItem(atPath: Fixtures.path(fixture), toPath: copy)
    let weights = fixture.hasSuffix(".gguf") ? copy : copy + "/model.safetensors"
    try settle(weights)
    let before = try cache.open(path: copy, runtime)
    #expect(before.refusal != nil)

    var times = stat()
    try #require(stat(weights, &times) == 0)
    let handle = try #require(FileHandle(forUpdatingAtPath: weights))
    let source = try ModelSource(path: copy)
    let name = source.file.tensorNames.first { $0.contains("ffn_down") || $0.contains("down_proj") }
    let tensor = try source.file.tensor(#require(name))
    handle.seek(toFileOffset: UInt64(tensor.fileOffset + tensor.byteCount / 2 / 4 * 4 + 3))
    handle.write(Data([0x3F]))  // 0.5 to 2, or so
    try handle.close()
    var restored = [times.st_atim, times.st_mtim]
    try #require(utimensat(AT_FDCWD, weights, &restored, 0) == 0)

    let after = try cache.open(path: copy, runtime)
    #expect(after.fingerprint == before.fingerprint, "the byte is in no sample")
    guard case .notStored(.stale(_, "state of the model's files"), because: .unstableSource) = after.panelCache else {
      Issue.record("\(after.panelCache)")
      return
    }
    let expected = try Model.open(path: copy, runtime: runtime).bits()
    #expect(try after.bits() == expected)
    #expect(try before.bits() != expected)
    try settle(weights)
    #expect(try cache.open(path: copy, runtime).refusal != nil)
    let last = try cache.open(path: copy, runtime)
    #expect(last.isLoadedFromCache)
    #expect(try last.bits() == expected)
    #expect(cache.names.count == 1, "the newer panels took the place of the older ones")
  }

  /// Panels of one model under the name of another.
  @Test func panelsOfAnotherModel() throws {
    let runtime = try Runtime(threads: 1)
    let (one, two) = (try CacheFolder(), try CacheFolder())
    _ = try one.open(path: llama, runtime)
    let expected = try two.open(path: Fixtures.path("golden/qwen2"), runtime).bits()
    let file = try two.file()
    try FileManager.default.removeItem(atPath: file)
    try FileManager.default.copyItem(atPath: one.file(), toPath: file)
    let model = try two.open(path: Fixtures.path("golden/qwen2"), runtime)
    #expect(model.refusal == .stale(path: file, what: "model"))
    #expect(try model.bits() == expected)
  }
}
