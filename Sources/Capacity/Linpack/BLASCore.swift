// Which kernels OpenBLAS takes: a release that is older than a processor falls back to those of an old one.
import CKernels
import Glibc
import Inference

public enum BLASCore {
  private static let variable = "OPENBLAS_CORETYPE"
  /// OpenBLAS's names for cores whose kernels use AVX-512.
  private static let wide: Set<String> = ["SkylakeX", "Cooperlake", "SapphireRapids"]

  /// What `OPENBLAS_CORETYPE` should be for a processor with AVX-512 whose model `library` does not know: it would
  /// multiply with half of the width. nil where nothing is to be said, or `chosen` says it already.
  package static func correction(library: String, core: String, hasAVX512: Bool, chosen: String?) -> String? {
    // Only a build that holds the kernels of many cores can change them.
    guard hasAVX512, chosen == nil, library.contains("DYNAMIC_ARCH"), !wide.contains(core) else { return nil }
    return "SkylakeX"
  }

  /// Sees to it that OpenBLAS uses what the processor has. The library reads its variable while it is loaded, so the
  /// program starts anew, once, with the same arguments; where that can't be done it goes on as it is.
  public static func correct() {
    var blas = ck_blas_info()
    guard ck_blas_describe(&blas) == CK_OK,
      let core = correction(
        library: String(cString: blas.library), core: String(cString: blas.core),
        hasAVX512: ISA.available.contains { $0.name.hasPrefix("avx512") },
        chosen: getenv(variable).map { String(cString: $0) })
    else { return }
    setenv(variable, core, 1)
    execv("/proc/self/exe", CommandLine.unsafeArgv)
    unsetenv(variable)
  }
}
