// One piece of a weight file and the place that it will have in a model's memory. WeightLoader plans and runs these.

/// One contiguous piece of a file that becomes rows of a packed tensor, or a vector.
enum WeightJob {
  case pack(WeightTensor, offset: Int, rowBytes: Int, PackedTensor)
  case decode(WeightTensor, UnsafeMutablePointer<Float>)

  /// Bytes that are read from the file.
  var sourceBytes: Int {
    switch self {
    case .pack(_, _, let rowBytes, let packed): rowBytes * packed.rows
    case .decode(let tensor, _): tensor.byteCount
    }
  }

  /// The memory that the job fills.
  var target: UnsafeMutableRawBufferPointer {
    switch self {
    case .pack(_, _, _, let packed): packed.panels
    case .decode(let tensor, let values):
      UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(start: values, count: tensor.count))
    }
  }

  /// What the bytes of ``target`` are, in a form that tells layouts apart.
  func describe(to fingerprint: inout Fingerprint) {
    switch self {
    case .pack(let tensor, let offset, _, let packed):
      fingerprint.add(tensor.name)
      fingerprint.add(packed.format.name)
      for word in packed.layout { fingerprint.add(word) }
      for count in [offset, packed.rows, packed.columns, packed.byteCount] { fingerprint.add(UInt64(count)) }
    case .decode(let tensor, _):
      fingerprint.add(tensor.name)
      fingerprint.add("float32")
      fingerprint.add(UInt64(tensor.count))
    }
  }
}
