// The matrices and heads of published models, from the library's table of shapes. No list of models of its own.
import Capacity
import Inference

extension SyntheticShape {
  /// Those of real models; the others are there for tests.
  static var published: [SyntheticShape] { all.filter { !$0.name.hasPrefix("tiny") } }

  /// The distinct products of a layer, and the output. V is as K, gate as up, and O is left out where it is as Q.
  var matrices: [MatrixShape] {
    let query = heads * headDimension
    var list = [
      MatrixShape(name: "q", n: query, k: width),
      MatrixShape(name: "k", n: keyValueHeads * headDimension, k: width),
    ]
    if query != width { list.append(MatrixShape(name: "o", n: width, k: query)) }
    if experts > 0 { list.append(MatrixShape(name: "router", n: experts, k: width)) }
    list += [
      MatrixShape(name: "up", n: feedForward, k: width), MatrixShape(name: "down", n: width, k: feedForward),
      MatrixShape(name: "output", n: vocabulary, k: width),
    ]
    return list
  }
}
