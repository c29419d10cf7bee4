// How the conversion spreads its work over threads. What the work is, it does not know.
import Glibc
import Synchronization

/// Runs pieces of work, on one thread or several. Whoever has a pool of threads wraps it; the results never depend on
/// how many there are.
public struct Workers: Sendable {
  /// Calls the closure once for each number below `count`, in any order and on any threads, and returns when all
  /// calls have returned.
  public typealias Loop = @Sendable (_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> Void

  /// How many threads take part, at least 1: work is cut into pieces by it.
  public let count: Int
  let loop: Loop

  public init(count: Int, loop: @escaping Loop) {
    self.count = max(1, count)
    self.loop = loop
  }

  /// The calling thread alone.
  public static let serial = Workers(count: 1) { count, body in
    for index in 0..<count { body(index) }
  }

  /// Threads that live as long as one loop: a loop of the conversion takes tens of milliseconds, starting a thread
  /// tens of microseconds, and no runtime need be there to convert a file.
  ///
  /// - Parameter count: nil for the processors that this process may run on; at most 256.
  public static func threads(_ count: Int? = nil) -> Workers {
    let count = min(max(1, count ?? processors), 256)
    if count == 1 { return serial }
    return Workers(count: count) { pieces, body in
      let work = SharedWork(pieces: pieces, body: body)
      var threads: [pthread_t] = []
      for _ in 1..<min(count, max(1, pieces)) {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(work)
        let status = pthread_create(
          &thread, nil,
          { argument in
            if let argument { Unmanaged<SharedWork>.fromOpaque(argument).takeRetainedValue().run() }
            return nil
          }, argument.toOpaque())
        // Fewer threads than asked for do the same work.
        if status == 0 { threads.append(thread) } else { argument.release() }
      }
      work.run()
      for thread in threads { pthread_join(thread, nil) }
    }
  }

  /// Processors that are online; the C library counts those that the process may run on.
  private static var processors: Int { sysconf(Int32(_SC_NPROCESSORS_ONLN)) }
}

/// Pieces of a loop, taken one after another by whoever is free.
private final class SharedWork: Sendable {
  private let pieces: Int
  private let body: @Sendable (Int) -> Void
  private let next = Atomic<Int>(0)

  init(pieces: Int, body: @escaping @Sendable (Int) -> Void) {
    self.pieces = pieces
    self.body = body
  }

  func run() {
    while true {
      let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard piece < pieces else { return }
      body(piece)
    }
  }
}
