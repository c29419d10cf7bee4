// The instruction sets that kernels were compiled for, as the C list has them. Chooses nothing.
import CKernels

/// An instruction set with kernels of its own.
public struct ISA: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  public let rawValue: Int32

  public init?(rawValue: Int32) {
    guard rawValue >= 0, rawValue < Int32(CK_ISA_COUNT.rawValue) else { return nil }
    self.rawValue = rawValue
  }

  /// The instruction set of this name, such as `avx512vnni`.
  public init?(name: String) { self.init(rawValue: ck_isa_named(name).rawValue) }

  /// Every instruction set that the list names, best first; the last runs everywhere.
  public static var all: [ISA] { (0..<Int32(CK_ISA_COUNT.rawValue)).compactMap(ISA.init(rawValue:)) }
  /// Those that this binary holds kernels for and this processor runs.
  public static var available: [ISA] { all.filter(\.isAvailable) }

  public var name: String { String(cString: ck_isa_name(ck_isa(rawValue: rawValue))) }
  public var isAvailable: Bool { ck_isa_available(ck_isa(rawValue: rawValue)) }
  public var description: String { name }
}
