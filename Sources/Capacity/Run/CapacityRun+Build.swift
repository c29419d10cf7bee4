// What of the build goes into the manifest.
import CKernels
import Foundation

extension CapacityRun {
  func build(_ runtime: KernelRuntime) -> NodeManifest.Build {
    var blas = ck_blas_info()
    let hasBLAS = ck_blas_describe(&blas) == CK_OK
    let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    var build = NodeManifest.Build(
      version: options.version, binaryHash: executable.flatMap(FileHash.ofFile), isa: runtime.isa,
      threads: runtime.threads, blas: hasBLAS ? String(cString: blas.library) : nil,
      blasCore: hasBLAS ? Self.blasCore(String(cString: blas.core), chosen: getenv("OPENBLAS_CORETYPE") != nil) : nil,
      blasThreads: hasBLAS ? Int(blas.threads) : nil)
    build.libc = Self.libc
    return build
  }

  /// A core that the environment names may be another than this processor's, with half of its speed: whoever compares
  /// nodes must see it.
  static func blasCore(_ core: String, chosen: Bool) -> String { chosen ? core + ", by OPENBLAS_CORETYPE" : core }

  /// "glibc 2.36"; nil on a library that does not tell.
  static var libc: String? {
    #if canImport(Glibc)
      let code = Int32(_CS_GNU_LIBC_VERSION)
      var text = [CChar](repeating: 0, count: 64)
      guard confstr(code, &text, text.count) > 0 else { return nil }
      return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    #else
      return nil
    #endif
  }
}
