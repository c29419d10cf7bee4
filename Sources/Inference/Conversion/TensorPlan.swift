// A tensor of a file to be written, and where each of its rows comes from. Chooses no format.
import Glibc

/// A tensor to be written: rows of source tensors, in another order or stacked, or values that were computed.
struct TensorPlan: Sendable {
  enum Content: Sendable {
    /// Tensors of one shape, stacked along a new first dimension where there are several.
    case stacked([WeightTensor])
    /// F32, in the order of the shape.
    case values([Float])
  }

  let name: String
  /// Outermost first.
  let shape: [Int]
  let content: Content
  /// Rows of one head, where a head's two halves are to be interleaved: row 2i of a head is row i of the source, row
  /// 2i + 1 is row i + half. GGUF's llama pairs neighbours in RoPE where Hugging Face's pairs halves.
  var interleavedHead: Int?
  /// Added to each value.
  var addend: Float = 0

  /// A source tensor as it is.
  init(copying tensor: WeightTensor, as name: String) {
    self.init(name: name, shape: tensor.shape, content: .stacked([tensor]))
  }

  init(name: String, shape: [Int], content: Content) {
    self.name = name
    self.shape = shape
    self.content = content
  }

  /// The unit that keeps its order: a row of a matrix, a single value of a vector whose values are reordered.
  var columns: Int { interleavedHead != nil && shape.count == 1 ? 1 : shape.last ?? 1 }
  var count: Int { shape.reduce(1, *) }
  var rows: Int { columns == 0 ? 0 : count / columns }

  /// What the source holds, or nil for computed values.
  var sourceFormat: Format? {
    guard case .stacked(let tensors) = content else { return nil }
    return tensors.first?.format
  }

  /// Whether rows can be copied as they are to a tensor of `format`.
  func isCopy(as format: Format) -> Bool {
    guard addend == 0, case .stacked(let tensors) = content else { return false }
    return tensors.allSatisfy { $0.format == format }
  }

  /// Where row `row` starts in its source, and in which format. Only for stacked tensors.
  func source(ofRow row: Int) -> (blocks: UnsafeRawPointer, format: Format, byteCount: Int)? {
    guard case .stacked(let tensors) = content, !tensors.isEmpty else { return nil }
    let rowsOfOne = rows / tensors.count
    let tensor = tensors[row / rowsOfOne]
    let bytes = columns / tensor.format.valuesPerBlock * tensor.format.bytesPerBlock
    guard let base = tensor.bytes.baseAddress else { return nil }
    return (base + sourceRow(row % rowsOfOne) * bytes, tensor.format, bytes)
  }

  private func sourceRow(_ row: Int) -> Int {
    guard let head = interleavedHead else { return row }
    let place = row % head
    return row - place + place / 2 + (place % 2 == 0 ? 0 : head / 2)
  }

  /// Writes row `row` as F32 to `values`; false if its format cannot be decoded.
  func read(row: Int, into values: UnsafeMutablePointer<Float>) -> Bool {
    switch content {
    case .values(let computed):
      for column in 0..<columns { values[column] = computed[row * columns + column] }
    case .stacked:
      guard let source = source(ofRow: row), source.format.decode(source.blocks, count: columns, into: values) else {
        return false
      }
    }
    if addend != 0 { for column in 0..<columns { values[column] += addend } }
    return true
  }

  /// Gives the source's pages back: what has been converted is not read again.
  func discard() {
    if case .stacked(let tensors) = content { tensors.forEach { $0.discard() } }
  }
}
