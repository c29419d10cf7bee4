// The C functions called in-process: lifecycle, errors, struct sizes, buffers and threads. The installed library is
// tested by scripts/test-installed.sh.
import CGobi
import Foundation
import Testing

@Suite struct ABITests {
  @Test func versionsAndNames() {
    #expect(
      Int(gobi_version()) == Int(GOBI_VERSION_MAJOR) * 1_000_000 + Int(GOBI_VERSION_MINOR) * 1_000
        + Int(GOBI_VERSION_PATCH))
    #expect(String(cString: gobi_status_name(gobi_status(GOBI_BUSY))) == "busy")
    #expect(String(cString: gobi_status_name(99)) == "unknown status")
    #expect(String(cString: gobi_error_message(nil)).isEmpty)
  }

  @Test func errorsNameTheFile() throws {
    var runtime: OpaquePointer?
    try #require(gobi_runtime_create(nil, &runtime, nil) == 0)
    defer { gobi_runtime_destroy(runtime) }
    var model: OpaquePointer?
    let missing = outcome { gobi_model_open("/nonexistent.gguf", runtime, nil, &model, $0) }
    #expect(missing.status == GOBI_BAD_FILE)
    #expect(missing.message.contains("/nonexistent.gguf"))
    let wrong = outcome { gobi_model_open(llama, nil, nil, &model, $0) }
    #expect(wrong.status == GOBI_INVALID_ARGUMENT)
    #expect(wrong.message.contains("runtime"))
    #expect(model == nil)
  }

  @Test func structsOfOtherVersions() {
    var options = gobi_runtime_options()
    options.threads = 1
    options.reserved = 7
    var runtime: OpaquePointer?
    // Smaller than any struct, and uninitialised memory.
    for size in [0, 7, -1, 1 << 20] {
      options.struct_size = size
      #expect(Int(gobi_runtime_create(&options, &runtime, nil)) == GOBI_INVALID_ARGUMENT)
    }
    // An older caller's, whose only field is the size.
    options.struct_size = MemoryLayout<Int>.size
    #expect(gobi_runtime_create(&options, &runtime, nil) == 0)
    gobi_runtime_destroy(runtime)
    #expect(gobi_runtime_threads(nil) == 0)
  }

  @Test func panelCacheOfThisAndOlderCallers() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gobi-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    var runtime: OpaquePointer?
    try #require(gobi_runtime_create(nil, &runtime, nil) == 0)
    defer { gobi_runtime_destroy(runtime) }
    func outcome(_ size: Int, _ folder: String) -> String {
      var model: OpaquePointer?
      folder.withCString { folder in
        var options = gobi_model_options()
        options.struct_size = size
        options.panel_cache = folder
        #expect(gobi_model_open(llama, runtime, &options, &model, nil) == 0)
      }
      defer { gobi_model_close(model) }
      return text { gobi_model_panel_cache(model, $0, $1, $2, nil) }
    }
    let size = MemoryLayout<gobi_model_options>.size
    let older = try #require(MemoryLayout<gobi_model_options>.offset(of: \.panel_cache))
    #expect(older == 48, "the size of the struct before the field came")
    #expect(outcome(older, folder.path) == #"{"outcome":"off"}"#)
    #expect(!FileManager.default.fileExists(atPath: folder.path))
    #expect(outcome(size, folder.path).hasPrefix(#"{"outcome":"stored","path":"#))
    #expect(outcome(size, folder.path).hasPrefix(#"{"outcome":"loaded","path":"#))
    #expect(outcome(size, folder.path + "/none/there").hasPrefix(#"{"outcome":"not stored","reason":"#))
    #expect(Int(gobi_model_panel_cache(nil, nil, 0, nil, nil)) == GOBI_INVALID_ARGUMENT)
  }

  @Test func propertiesAndText() throws {
    let opened = try Opened()
    #expect(opened.info().vocabulary > 0)
    #expect(opened.info().layers > 0)
    #expect(text { gobi_model_architecture(opened.model, $0, $1, $2, nil) } == "llama")
    #expect(text { gobi_inspect(llama, $0, $1, $2, nil) }.contains("\"GGUF\""))
    #expect(!text { gobi_runtime_isa(opened.runtime, $0, $1, $2, nil) }.isEmpty)
    let kernels = gobi_runtime_kernel_count(opened.runtime)
    #expect(kernels > 0)
    #expect(text { gobi_runtime_kernel(opened.runtime, 0, $0, $1, $2, nil) }.hasPrefix("{\"operation\""))
    #expect(Int(gobi_runtime_kernel(opened.runtime, kernels, nil, 0, nil, nil)) == GOBI_INVALID_ARGUMENT)
  }

  @Test func sequencesGiveTheSameLogitsHoweverTheyCameAbout() throws {
    let opened = try Opened()
    let vocabulary = Int(opened.info().vocabulary)
    var whole: gobi_sequence = 0
    var branch: gobi_sequence = 0
    var restored: gobi_sequence = 0
    #expect(gobi_sequence_create(opened.session, &whole, nil) == 0)
    #expect(opened.evaluate(whole, [1, 5, 9, 13]) == GOBI_OK)
    let expected = opened.logits(vocabulary)
    #expect(gobi_sequence_branch(opened.session, whole, 3, &branch, nil) == 0)
    #expect(opened.evaluate(branch, [13]) == GOBI_OK)
    #expect(opened.logits(vocabulary) == expected)
    #expect(gobi_sequence_trim(opened.session, whole, 3, nil) == 0)
    var needed = 0
    #expect(Int(gobi_sequence_save(opened.session, whole, nil, 0, &needed, nil)) == GOBI_BUFFER_TOO_SMALL)
    var saved = [UInt8](repeating: 0, count: needed)
    #expect(gobi_sequence_save(opened.session, whole, &saved, saved.count, &needed, nil) == 0)
    #expect(gobi_sequence_restore(opened.session, saved, saved.count, &restored, nil) == 0)
    #expect(opened.evaluate(restored, [13]) == GOBI_OK)
    #expect(opened.logits(vocabulary) == expected)
    saved[saved.count / 2] ^= 1
    #expect(Int(gobi_sequence_restore(opened.session, saved, saved.count, &restored, nil)) == GOBI_BAD_STATE)
    #expect(Set([whole, branch, restored]).count == 3)
  }

  @Test func cancelledStepLeavesTheSequence() throws {
    let opened = try Opened()
    var cancel: OpaquePointer?
    #expect(gobi_cancel_create(&cancel, nil) == 0)
    defer { gobi_cancel_destroy(cancel) }
    var sequence: gobi_sequence = 0
    #expect(gobi_sequence_create(opened.session, &sequence, nil) == 0)
    #expect(gobi_cancel_set(cancel) == 0)
    #expect(opened.evaluate(sequence, [1, 2, 3], cancel: cancel) == GOBI_CANCELLED)
    var position = 9
    #expect(gobi_sequence_position(opened.session, sequence, &position, nil) == 0)
    #expect(position == 0)
    #expect(gobi_cancel_reset(cancel) == 0)
    #expect(opened.evaluate(sequence, [1, 2, 3], cancel: cancel) == GOBI_OK)
  }

  /// One thread asks for the session's bytes without pause while another evaluates steps of many rows.
  @Test func secondThreadIsBusy() throws {
    let opened = try Opened()
    var sequence: gobi_sequence = 0
    #expect(gobi_sequence_create(opened.session, &sequence, nil) == 0)
    nonisolated(unsafe) let session = opened.session
    nonisolated(unsafe) var isDone = false
    let lock = NSLock()
    let ended = DispatchSemaphore(value: 0)
    nonisolated(unsafe) var statuses: Set<Int> = []
    Thread {
      while !lock.withLock({ isDone }) {
        var bytes: UInt64 = 0
        let status = Int(gobi_session_kv_bytes(session, &bytes, nil))
        lock.withLock { _ = statuses.insert(status) }
      }
      ended.signal()
    }.start()
    // The step itself may be the one that is told, where the other thread is in its call: try again then.
    var isBusySeen = false
    for _ in 0..<200 where !isBusySeen {
      let status = opened.evaluate(sequence, (0..<100).map { Int32($0) })
      #expect([GOBI_OK, GOBI_BUSY].contains(status))
      _ = gobi_sequence_trim(opened.session, sequence, 0, nil)
      isBusySeen = status == GOBI_BUSY || lock.withLock { statuses.contains(GOBI_BUSY) }
    }
    lock.withLock { isDone = true }
    ended.wait()
    #expect(isBusySeen)
    #expect(statuses.isSubset(of: [GOBI_OK, GOBI_BUSY]))
  }

  @Test(arguments: [("hidden", GOBI_EMBED_HIDDEN), ("pooled", GOBI_EMBED_POOLED), ("mean", GOBI_EMBED_MEAN)])
  func embeddingsAreThePublishedOnes(_ name: String, _ what: Int) throws {
    let folder = golden.appendingPathComponent("bert")
    let opened = try Opened(folder.path)
    #expect(opened.info().is_encoder)
    let description = try JSONSerialization.jsonObject(
      with: Data(contentsOf: folder.appendingPathComponent("expected.json")))
    let sequences = try #require((description as? [String: Any])?["sequences"] as? [[String: Any]])
    #expect(sequences.count == 3)
    for sequence in sequences {
      let tokens = try #require(sequence["tokens"] as? [Int]).map(Int32.init)
      let types = try #require(sequence["token_types"] as? [Int]).map(Int32.init)
      let file = try #require(sequence["name"] as? String)
      // The files of hidden states hold those of every layer, the last one's at the end.
      let all = try floats(folder.appendingPathComponent("\(name)_\(file).npy"))
      let expected = all.suffix(what == GOBI_EMBED_HIDDEN ? tokens.count * 64 : all.count)
      var needed = 0
      func embed(_ values: UnsafeMutablePointer<Float>?, _ capacity: Int) -> Int {
        Int(gobi_embed(opened.session, tokens, types, tokens.count, Int32(what), nil, values, capacity, &needed, nil))
      }
      #expect(embed(nil, 0) == GOBI_BUFFER_TOO_SMALL)
      #expect(needed == expected.count)
      var values = [Float](repeating: .nan, count: needed)
      #expect(embed(&values, needed) == GOBI_OK)
      let largest = expected.reduce(0) { max($0, abs($1)) }
      #expect(zip(values, expected).allSatisfy { abs($0 - $1) <= 2e-3 * largest })
    }
  }
}

/// The values of an .npy file of little-endian float32.
private func floats(_ file: URL) throws -> [Float] {
  let data = try Data(contentsOf: file)
  let header = Int(data[8]) | Int(data[9]) << 8
  try #require(String(decoding: data[10..<10 + header], as: UTF8.self).contains("'<f4'"))
  return data.dropFirst(10 + header).withUnsafeBytes { raw in
    (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
  }
}
