// A model that a run is to measure: opened when its turn comes, and closed after it.

public struct MeasuredModel: Sendable {
  /// A model's file, as another process is told of it.
  public struct File: Codable, Sendable, Equatable {
    public var path: String
    public var isGenerated: Bool
    public var hashesFile: Bool
  }

  public var label: String
  /// nil for a model that no other process can open.
  public let file: File?
  /// Less is measured of a model that is slow on any node.
  public var isLarge = false
  let open: @Sendable (KernelRuntime) throws(CapacityError) -> any ModelUnderTest

  public init(label: String, open: @escaping @Sendable (KernelRuntime) throws(CapacityError) -> any ModelUnderTest) {
    self.label = label
    file = nil
    self.open = open
  }

  /// The model at `path`, opened when its turn comes.
  public init(path: String, label: String, options: SessionModel.Options = .init()) {
    self.label = label
    file = File(path: path, isGenerated: options.isGenerated, hashesFile: options.hashesFile)
    open = { runtime throws(CapacityError) in
      var options = options
      if options.threads == 0 { options.threads = runtime.threads }
      if options.isa == nil { options.isa = runtime.isa }
      return try SessionModel(path: path, label: label, options: options)
    }
  }
}
