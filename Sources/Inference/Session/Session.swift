// A session: sequences of one model, their keys and values, and the memory to evaluate them. Evaluation itself,
// saved states and encoders are in Session+*.swift.
import Synchronization

public struct SessionOptions: Sendable {
  /// Positions that a sequence may have; nil for ``Model/defaultContext``. Nothing is reserved for them.
  public var context: Int?
  /// Rows that are worked on at once; results do not depend on it.
  public var chunk: Int
  /// What keys and values are kept as; nil for ``Model/defaultKVFormat``.
  public var kvFormat: KVFormat?
  /// The most bytes that keys and values may take, or nil.
  public var kvBudget: Int?

  public static let defaultChunk = Model.defaultChunk

  public init(
    context: Int? = nil, chunk: Int = SessionOptions.defaultChunk, kvFormat: KVFormat? = nil, kvBudget: Int? = nil
  ) {
    self.context = context
    self.chunk = chunk
    self.kvFormat = kvFormat
    self.kvBudget = kvBudget
  }
}

/// Sequences of one model that are evaluated together.
///
/// A session may move between threads but is used by one at a time: a call that meets another one throws
/// ``SessionError/busy``. Results depend on the weights, a sequence's tokens and the instruction set: never on chunks,
/// batch mates or threads. A call that throws leaves the session as it was.
public final class Session: @unchecked Sendable {
  public let model: Model
  public let kvFormat: KVFormat
  /// Positions that a sequence may have.
  public let context: Int
  /// Rows that are worked on at once.
  public let chunk: Int

  /// One sequence: its blocks and how many positions are valid in them.
  final class State {
    let serial: Int
    let kv: KVSequence
    var position: Int
    /// What its keys and values went through beside the weights.
    var adapter: AdapterUse?
    /// Whether the batch that is being checked has named it.
    var isInBatch = false

    init(serial: Int, kv: KVSequence, position: Int, adapter: AdapterUse?) {
      self.serial = serial
      self.kv = kv
      self.position = position
      self.adapter = adapter
    }
  }

  let shape: SessionShape
  let pool: KVBlocks
  let pass: Pass
  /// The greatest rank of adapters that the pass has memory for.
  var adapterRank = 0
  var slots: [State?] = []
  /// Whether layers with a window give back by themselves what it has passed. The engine first shows it to its cache.
  package var passesWindows = true
  /// Counts the sequences of all sessions, so that one session's are never taken for another's.
  private static let serials = Atomic<Int>(0)
  /// The last step's outputs: (rows, vocabulary), or hidden states (rows, width).
  var outputs: Tensor?
  var outputRows = 0
  private let inUse = Atomic<Bool>(false)

  /// A session without sequences.
  ///
  /// - Throws: ``SessionError`` if an option is out of range or there is no memory.
  public init(model: Model, options: SessionOptions = SessionOptions()) throws(SessionError) {
    let context = options.context ?? model.defaultContext
    guard context > 0, context <= Int(Int32.max) else {
      throw .invalidArgument(argument: "context", reason: "\(context) is not in 1…\(Int32.max)")
    }
    // Learnt positions end where the table ends.
    guard model.configuration.rope != nil || context <= model.configuration.context else {
      throw .contextExceeded(needed: context, limit: model.configuration.context)
    }
    guard options.chunk > 0, options.chunk <= 1 << 16 else {
      throw .invalidArgument(argument: "chunk", reason: "\(options.chunk) is not in 1…\(1 << 16)")
    }
    if let budget = options.kvBudget, budget < 0 {
      throw .invalidArgument(argument: "kvBudget", reason: "\(budget) is negative")
    }
    self.model = model
    self.context = context
    kvFormat = options.kvFormat ?? model.defaultKVFormat
    chunk = options.chunk
    do {
      shape = try model.sessionShape(context: context, chunk: options.chunk, kvFormat: kvFormat)
      pool = KVBlocks(
        blockBytes: shape.blockBytes, positions: KVLayout.blockPositions, budget: options.kvBudget, lanes: shape.lanes)
      pass = try Pass(
        runtime: model.runtime, workspace: Workspace(byteCount: shape.workspaceBytes), capacity: shape.rows,
        kvLayout: shape.kvLayout, lanes: shape.lanes, context: context, exact: model.exact)
    } catch let error as ModelError {
      throw SessionError(error)
    } catch let error as TensorError {
      throw SessionError(error)
    } catch {
      throw .kernel(KernelError(.unknown(0), "\(error)"))
    }
  }

  // MARK: Taking turns

  /// Runs `body` as the only call on this session.
  func exclusively<R>(_ body: () throws(SessionError) -> R) throws(SessionError) -> R {
    guard inUse.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else { throw .busy }
    defer { inUse.store(false, ordering: .releasing) }
    return try body()
  }

  // MARK: Sequences

  /// An empty sequence, whose tokens go through `adapter` beside the weights if there is one.
  ///
  /// - Parameter scale: multiplies the adapter's own scale; with 0 there is no adapter.
  public func makeSequence(adapter: Adapter? = nil, scale: Float = 1) throws(SessionError) -> SequenceID {
    try exclusively { () throws(SessionError) in
      insert(KVSequence(pool: pool), position: 0, adapter: try use(of: adapter, scale: scale))
    }
  }

  func insert(_ kv: KVSequence, position: Int, adapter: AdapterUse?) -> SequenceID {
    let serial = Self.serials.wrappingAdd(1, ordering: .relaxed).newValue
    let state = State(serial: serial, kv: kv, position: position, adapter: adapter)
    let slot = slots.firstIndex { $0 == nil } ?? slots.count
    if slot == slots.count { slots.append(state) } else { slots[slot] = state }
    return SequenceID(slot: slot, serial: state.serial)
  }

  func state(of sequence: SequenceID) throws(SessionError) -> State {
    guard slots.indices.contains(sequence.slot), let state = slots[sequence.slot], state.serial == sequence.serial
    else { throw .unknownSequence(sequence) }
    return state
  }

  /// Gives back what the sequence holds.
  public func remove(_ sequence: SequenceID) throws(SessionError) {
    try exclusively { () throws(SessionError) in
      _ = try state(of: sequence)
      slots[sequence.slot] = nil
    }
  }

  /// Positions that the sequence holds.
  public func position(of sequence: SequenceID) throws(SessionError) -> Int {
    try exclusively { () throws(SessionError) in try state(of: sequence).position }
  }

  /// Sequences that there are.
  public var sequenceCount: Int { get throws(SessionError) { try exclusively { slots.count { $0 != nil } } } }

  /// A new sequence that begins with the first `position` positions of `sequence`, nil for all of them, and has the same
  /// adapter. The two share memory until one of them writes.
  ///
  /// - Throws: ``SessionError/windowPassed(position:first:)`` as ``trim(_:to:)`` does.
  public func branch(_ sequence: SequenceID, at position: Int? = nil) throws(SessionError) -> SequenceID {
    try exclusively { () throws(SessionError) in
      let state = try state(of: sequence)
      let position = try checked(position ?? state.position, in: state)
      return insert(
        KVSequence(branchOf: state.kv, upTo: position), position: position, adapter: state.adapter)
    }
  }

  /// Drops all positions from `position` on.
  ///
  /// - Throws: ``SessionError/windowPassed(position:first:)`` where the model has layers with a window that have given
  ///   back what `position` needs. Going back by up to 64 positions from the furthest always works, and so does 0.
  public func trim(_ sequence: SequenceID, to position: Int) throws(SessionError) {
    try exclusively { () throws(SessionError) in
      let state = try state(of: sequence)
      state.position = try checked(position, in: state)
      state.kv.shrink(to: position)
    }
  }

  /// Drops all positions from `position` on, or all there are where layers with a window have given back what
  /// `position` needs. Returns how many positions are left: the caller evaluates what is missing.
  @discardableResult
  public func rewind(_ sequence: SequenceID, to position: Int) throws(SessionError) -> Int {
    do {
      try trim(sequence, to: position)
      return position
    } catch .windowPassed {
      try trim(sequence, to: 0)
      return 0
    }
  }

  private func checked(_ position: Int, in state: State) throws(SessionError) -> Int {
    guard position >= 0, position <= state.position else {
      throw .invalidArgument(argument: "position", reason: "\(position) is not in 0…\(state.position)")
    }
    guard position == state.position || state.kv.reaches(position) else {
      throw .windowPassed(position: position, first: state.kv.firstReachable)
    }
    return position
  }

  // MARK: Memory

  /// Bytes of keys and values in use.
  public var kvBytes: Int { get throws(SessionError) { try exclusively { pool.bytesInUse } } }
}
