// What every kind of weight file offers: tensors by name, mapped and never copied. One file a kind does the parsing.
import Glibc

/// A tensor in a mapped file.
public struct WeightTensor: Sendable {
  public let name: String
  /// Outermost dimension first: (rows, columns) of a matrix, whose rows are contiguous.
  public let shape: [Int]
  public let format: Format
  /// The file that holds the data. The tensor keeps it mapped.
  public let file: MappedFile
  /// Where the data starts in `file`, in bytes.
  public let fileOffset: Int
  /// How many bytes the data takes. The parser has checked that they lie in `file`.
  public let byteCount: Int

  /// The data, little-endian, in the format's blocks. Valid while `file` lives. Nothing promises alignment: safetensors
  /// files may place a float at any byte.
  public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file.bytes[fileOffset..<(fileOffset + byteCount)])
  }

  /// Values in the tensor: the product of its shape.
  public var count: Int { shape.reduce(1, *) }

  /// Gives the tensor's pages back to the system; see ``MappedFile/discard(_:)``.
  public func discard() { file.discard(fileOffset..<(fileOffset + byteCount)) }

  /// Throws unless the tensor has this shape.
  public func requireShape(_ expected: [Int]) throws(WeightError) {
    guard shape == expected else {
      throw .wrongShape(tensor: name, expected: expected, found: shape, path: file.path)
    }
  }
}

/// What a weight file says of one of its tensors, readable by this library or not.
public struct TensorDescription: Sendable, Equatable {
  public let name: String
  /// Outermost dimension first.
  public let shape: [Int]
  /// Values in the tensor: the product of its shape.
  public let count: Int
  /// The format's name, or the file's own designation where the library does not read it.
  public let formatName: String
  /// Nil if the library does not read this tensor.
  public let format: Format?
  /// The file of a split or sharded model that holds the data.
  public let path: String
  /// Where the data starts in that file, in bytes.
  public let fileOffset: Int
  /// Nil if the size of the format is not known.
  public let byteCount: Int?
}

/// A model's weights: one file, or several that belong together.
public protocol WeightFile: Sendable {
  /// What was opened: a file, or a folder.
  var path: String { get }
  /// The mapped files, in order.
  var files: [MappedFile] { get }
  /// Every tensor in the files' order, those included that the library does not read.
  var tensorDescriptions: [TensorDescription] { get }
  /// The tensor of this name.
  ///
  /// - Throws: ``WeightError/missingTensor(name:path:)``, or ``WeightError/unsupported(path:reason:)`` if the library
  ///   does not read its format.
  func tensor(_ name: String) throws(WeightError) -> WeightTensor
  /// The tensor of this name, or nil if there is none or the library does not read its format.
  func tensorIfPresent(_ name: String) -> WeightTensor?
}

extension WeightFile {
  public var tensorNames: [String] { tensorDescriptions.map(\.name) }
  /// Bytes of all the files together.
  public var totalBytes: Int { files.reduce(0) { $0 + $1.bytes.count } }
  /// Bytes of all tensors together, so far as their size is known.
  public var tensorBytes: Int { tensorDescriptions.reduce(0) { $0 + ($1.byteCount ?? 0) } }

  public func tensorIfPresent(_ name: String) -> WeightTensor? { try? tensor(name) }

  /// The tensor of this name, which must have this shape (outermost first).
  public func tensor(_ name: String, shape: [Int]) throws(WeightError) -> WeightTensor {
    let tensor = try tensor(name)
    try tensor.requireShape(shape)
    return tensor
  }
}

/// The tensors of one or several files, in order and by name. Names are unique.
struct TensorTable: Sendable {
  private(set) var descriptions: [TensorDescription] = []
  private var files: [MappedFile] = []
  private var indexByName: [String: Int] = [:]

  /// Adds a tensor that lies in `file`; false if there is one of this name already.
  mutating func add(_ description: TensorDescription, in file: MappedFile) -> Bool {
    guard indexByName.updateValue(descriptions.count, forKey: description.name) == nil else { return false }
    descriptions.append(description)
    files.append(file)
    return true
  }

  func tensor(_ name: String, path: String) throws(WeightError) -> WeightTensor {
    guard let index = indexByName[name] else { throw .missingTensor(name: name, path: path) }
    let found = descriptions[index]
    guard let format = found.format, let byteCount = found.byteCount else {
      throw .unsupported(
        path: found.path, reason: "tensor '\(name)' at byte \(found.fileOffset) has the format \(found.formatName)")
    }
    return WeightTensor(
      name: name, shape: found.shape, format: format, file: files[index], fileOffset: found.fileOffset,
      byteCount: byteCount)
  }
}

/// Opens weights of any kind.
public enum WeightFiles {
  /// Opens `path`: a GGUF file (one of a split set will do), a safetensors file, or a folder with safetensors.
  ///
  /// - Throws: ``WeightError`` if it is none of these or is malformed.
  public static func open(path: String) throws(WeightError) -> any WeightFile {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return try SafetensorsFile(path: path) }
    if path.hasSuffix(".safetensors") || path.hasSuffix(".safetensors.index.json") {
      return try SafetensorsFile(path: path)
    }
    return try GGUFFile(path: path)
  }
}
