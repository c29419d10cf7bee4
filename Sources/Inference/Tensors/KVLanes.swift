// How a model's layers share out over lanes of blocks: layers that see everything, and layers with a window, whose
// blocks are given back once no query can see them. Counts; holds no memory.

/// Where a layer's keys and values lie.
package struct KVPlace: Sendable, Equatable {
  package let lane: Int
  /// Of the lane's layers.
  package let layer: Int
}

/// A sequence has one list of blocks a lane. All lanes have equally many layers, so that all blocks are of one size, and
/// what one lane gives back any other can take. A model without windows has one lane.
package struct KVLanes: Sendable, Equatable {
  /// Lanes of layers without a window; they come first.
  package let full: Int
  /// Lanes of layers with one.
  package let windowed: Int
  /// Of the layers with a window the largest; 0 where there are none.
  package let window: Int
  /// Layers of a lane.
  package let layers: Int
  package let places: [KVPlace]

  /// Positions that windowed layers keep beyond their window, so that a sequence can go back a little: a draft that is
  /// turned down, an answer's last tokens.
  package static let slack = 64

  package var count: Int { full + windowed }

  /// - Parameter windows: of each layer its window, 0 for none.
  package init(windows: [Int]) {
    let seeing = windows.count { $0 == 0 }
    layers = max(Self.commonDivisor(seeing, windows.count - seeing), 1)
    full = seeing / layers
    windowed = (windows.count - seeing) / layers
    window = windows.max() ?? 0
    var next = (full: 0, windowed: 0)
    var places: [KVPlace] = []
    for size in windows {
      if size == 0 {
        places.append(KVPlace(lane: next.full / layers, layer: next.full % layers))
        next.full += 1
      } else {
        places.append(KVPlace(lane: full + next.windowed / layers, layer: next.windowed % layers))
        next.windowed += 1
      }
    }
    self.places = places
  }

  /// One lane without a window.
  package static let single = KVLanes(windows: [0])

  private static func commonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : commonDivisor(b, a % b) }

  // MARK: Counting blocks of so many positions

  /// The first block that a windowed lane needs once `position` positions are there: the next query's window begins in
  /// it.
  package func firstBlock(at position: Int, of size: Int) -> Int { max(position - window + 1, 0) / size }

  /// The most blocks that `count` positions in a row can touch.
  private static func touched(by count: Int, of size: Int) -> Int { (count + size - 2) / size + 1 }

  /// Blocks that a windowed lane holds at most while it grows token by token.
  private func mostWindowed(of size: Int) -> Int {
    let (positions, overflow) = window.addingReportingOverflow(Self.slack)
    return overflow ? .max : Self.touched(by: positions, of: size)
  }

  /// Blocks of all lanes that a sequence of `positions` takes at most, if it grew in small steps.
  package func blocks(for positions: Int, of size: Int) -> Int {
    let whole = (positions + size - 1) / size
    return full * whole + windowed * min(whole, mostWindowed(of: size))
  }

  /// The same if it grew by `chunk` positions a pass, whatever step these belonged to: what was there before the step
  /// stays until its end.
  package func blocks(for positions: Int, chunk: Int, of size: Int) -> Int {
    let whole = (positions + size - 1) / size
    guard windowed > 0, window < positions else { return count * whole }
    let most = Self.touched(by: window + Self.slack, of: size) + Self.touched(by: window + Self.slack + chunk, of: size)
    return full * whole + windowed * min(whole, most)
  }

  /// The most positions whose ``blocks(for:of:)`` are no more than `blocks`.
  package func positions(within blocks: Int, of size: Int) -> Int {
    let most = windowed > 0 ? mostWindowed(of: size) : .max
    if blocks / count < most { return blocks / count * size }
    return full == 0 ? .max : (blocks - windowed * most) / full * size
  }
}
