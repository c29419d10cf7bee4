// The matrix products of one layer of a published model, from the library's table of shapes. Dense models only.
import Inference

/// One weight matrix of a layer: W (n, k).
public struct MatrixShape: Codable, Sendable, Equatable {
  public var name: String
  public var n: Int
  public var k: Int

  public init(name: String, n: Int, k: Int) {
    self.name = name
    self.n = n
    self.k = k
  }

  /// 2nk for one row of x: a multiply and an add for each weight.
  public var operationsPerRow: Double { 2 * Double(n) * Double(k) }
}

/// The products of one layer in the order a token takes them; those of a group share their input and one call.
public struct LayerShape: Sendable, Equatable {
  public var model: String
  public var layers: Int
  public var groups: [[MatrixShape]]

  public var matrices: [MatrixShape] { groups.flatMap { $0 } }
  public var weights: Int { matrices.reduce(0) { $0 + $1.n * $1.k } }

  /// nil for a model of experts, whose layer has no fixed set of products.
  public init?(_ shape: SyntheticShape) {
    guard shape.experts == 0 else { return nil }
    let query = shape.heads * shape.headDimension
    let pair = shape.keyValueHeads * shape.headDimension
    model = shape.name
    layers = shape.layers
    groups = [
      [
        MatrixShape(name: "q", n: query, k: shape.width), MatrixShape(name: "k", n: pair, k: shape.width),
        MatrixShape(name: "v", n: pair, k: shape.width),
      ],
      [MatrixShape(name: "o", n: shape.width, k: query)],
      [
        MatrixShape(name: "gate", n: shape.feedForward, k: shape.width),
        MatrixShape(name: "up", n: shape.feedForward, k: shape.width),
      ],
      [MatrixShape(name: "down", n: shape.width, k: shape.feedForward)],
    ]
  }

  /// nil if there is no such model, or it is one of experts.
  public init?(model: String) {
    guard let shape = SyntheticShape(name: model) else { return nil }
    self.init(shape)
  }
}
