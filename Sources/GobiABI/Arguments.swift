// Arguments in and out: size-first structs, arrays, strings, buffers with capacity and needed length.
import CGobi
import Glibc

/// A struct that C can leave all zero.
protocol ZeroStruct { init() }
extension gobi_runtime_options: ZeroStruct {}
extension gobi_plan_options: ZeroStruct {}
extension gobi_plan: ZeroStruct {}
extension gobi_model_options: ZeroStruct {}
extension gobi_model_info: ZeroStruct {}
extension gobi_encode_options: ZeroStruct {}
extension gobi_session_options: ZeroStruct {}
extension gobi_sampler_options: ZeroStruct {}
extension gobi_grammar_options: ZeroStruct {}
extension gobi_engine_options: ZeroStruct {}
extension gobi_request_options: ZeroStruct {}
extension gobi_usage: ZeroStruct {}
extension gobi_counters: ZeroStruct {}
extension gobi_adapter_options: ZeroStruct {}
extension gobi_adapter_info: ZeroStruct {}
extension gobi_chat_options: ZeroStruct {}
extension gobi_embedder_options: ZeroStruct {}
extension gobi_embed_request: ZeroStruct {}
extension gobi_rerank_request: ZeroStruct {}

/// No struct of this header comes near it: a larger size is a caller's uninitialised memory.
private let largestStruct = 4_096

private func structSize(_ raw: UnsafeRawPointer, _ name: String) throws(ABIError) -> Int {
  let size = raw.load(as: Int.self)
  guard size >= MemoryLayout<Int>.size, size <= largestStruct else {
    throw ABIError(GOBI_INVALID_ARGUMENT, "\(name): struct_size is \(UInt(bitPattern: size))")
  }
  return size
}

/// The caller's options, zero where the struct is older, and for NULL.
func options<T: ZeroStruct>(_ pointer: UnsafePointer<T>?, _ type: T.Type = T.self) throws(ABIError) -> T {
  var result = T()
  guard let pointer else { return result }
  let raw = UnsafeRawPointer(pointer)
  let size = try structSize(raw, "\(T.self)")
  let known = MemoryLayout<T>.size
  for offset in stride(from: known, to: size, by: 1) where raw.load(fromByteOffset: offset, as: UInt8.self) != 0 {
    throw ABIError(
      GOBI_INVALID_ARGUMENT, "\(T.self): byte \(offset) is set, this version knows \(known): the library is too old")
  }
  withUnsafeMutableBytes(of: &result) {
    $0.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: min(size, known)))
  }
  return result
}

/// Checks the caller's struct_size, then fills what both sides know.
func fill<T: ZeroStruct>(
  _ pointer: UnsafeMutablePointer<T>?, _ name: String, _ body: (inout T) throws -> Void
) throws {
  guard let pointer else { throw ABIError(GOBI_INVALID_ARGUMENT, "\(name): NULL") }
  let raw = UnsafeMutableRawPointer(pointer)
  let size = try structSize(raw, "\(T.self)")
  var result = T()
  try body(&result)
  withUnsafeBytes(of: result) { source in
    // All but struct_size itself, which stays the caller's.
    let fields = source[MemoryLayout<Int>.size..<min(size, source.count)]
    UnsafeMutableRawBufferPointer(start: raw + fields.startIndex, count: fields.count)
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: fields))
  }
}

/// A C string.
func text(_ pointer: UnsafePointer<CChar>?, _ name: String) throws(ABIError) -> String {
  guard let pointer else { throw ABIError(GOBI_INVALID_ARGUMENT, "\(name): NULL") }
  return String(cString: pointer)
}

/// A C string that must be UTF-8.
func utf8(_ pointer: UnsafePointer<CChar>?, _ name: String) throws(ABIError) -> String {
  guard let pointer else { throw ABIError(GOBI_INVALID_ARGUMENT, "\(name): NULL") }
  guard let text = String(validatingCString: pointer) else {
    throw ABIError(GOBI_INVALID_ARGUMENT, "\(name): not UTF-8")
  }
  return text
}

/// Text with a length, which must be UTF-8; "" for NULL without one.
func text(_ pointer: UnsafePointer<CChar>?, _ length: Int, _ name: String) throws(ABIError) -> String {
  let bytes = try array(pointer, length, name)
  guard let text = String(validating: bytes.lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self) else {
    throw ABIError(GOBI_BAD_TEXT, "\(name): not UTF-8")
  }
  return text
}

/// A size of C, nil for 0.
func optional(_ value: Int, _ name: String) throws(ABIError) -> Int? {
  guard value >= 0 else { throw ABIError(GOBI_INVALID_ARGUMENT, "\(name): \(UInt(bitPattern: value))") }
  return value == 0 ? nil : value
}

/// A number of bytes, nil for 0.
func bytes(_ value: UInt64) -> Int? { value == 0 ? nil : Int(clamping: value) }

/// Seconds, nil for 0.
func duration(_ seconds: Double, _ name: String) throws(ABIError) -> Duration? {
  guard seconds >= 0, seconds <= 1e9 else { throw ABIError(GOBI_INVALID_ARGUMENT, "\(name): \(seconds) seconds") }
  return seconds == 0 ? nil : .seconds(seconds)
}

/// The caller's array. NULL is allowed with a count of 0.
func array<T>(
  _ pointer: UnsafePointer<T>?, _ count: Int, _ name: String
) throws(ABIError) -> UnsafeBufferPointer<T> {
  guard count >= 0, count <= Int.max / max(MemoryLayout<T>.stride, 1) else {
    throw ABIError(GOBI_INVALID_ARGUMENT, "\(name): a count of \(UInt(bitPattern: count))")
  }
  guard pointer != nil || count == 0 else { throw ABIError(GOBI_INVALID_ARGUMENT, "\(name): NULL") }
  return UnsafeBufferPointer(start: pointer, count: count)
}

/// Where a result goes.
func output<T>(_ pointer: UnsafeMutablePointer<T>?, _ name: String) throws(ABIError) -> UnsafeMutablePointer<T> {
  guard let pointer else { throw ABIError(GOBI_INVALID_ARGUMENT, "\(name): NULL") }
  return pointer
}

/// Tells the caller how much there is, and throws unless it fits.
func reserve<T>(
  _ count: Int, _ buffer: UnsafeMutablePointer<T>?, _ capacity: Int, _ needed: UnsafeMutablePointer<Int>?
) throws(ABIError) {
  guard capacity >= 0, buffer != nil || capacity == 0 else {
    throw ABIError(GOBI_INVALID_ARGUMENT, "buffer: NULL with a capacity, or a capacity beyond memory")
  }
  needed?.pointee = count
  guard count <= capacity else {
    throw ABIError(GOBI_BUFFER_TOO_SMALL, "buffer: \(count) needed, the capacity is \(capacity)")
  }
}

/// Copies values to the caller's buffer.
func copy<T>(
  _ values: UnsafeBufferPointer<T>, _ buffer: UnsafeMutablePointer<T>?, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>?
) throws(ABIError) {
  try reserve(values.count, buffer, capacity, needed)
  if let buffer, let source = values.baseAddress { buffer.update(from: source, count: values.count) }
}

/// Copies text to the caller's buffer, with a terminating 0 if that fits.
func copy(
  _ bytes: [UInt8], _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int, _ needed: UnsafeMutablePointer<Int>?
) throws(ABIError) {
  try reserve(bytes.count, buffer, capacity, needed)
  guard let buffer else { return }
  for (index, byte) in bytes.enumerated() { buffer[index] = CChar(bitPattern: byte) }
  if bytes.count < capacity { buffer[bytes.count] = 0 }
}

func copy(
  _ text: String, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int, _ needed: UnsafeMutablePointer<Int>?
) throws(ABIError) {
  try copy(Array(text.utf8), buffer, capacity, needed)
}
