// A figure's samples, launch by launch. Measures nothing.

extension Figure {
  /// The samples of each launch, in order. Reports of one launch hold one.
  var samplesByLaunch: [[Double]] { [samples] }
}
