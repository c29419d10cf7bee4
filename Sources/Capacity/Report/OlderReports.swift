// Keys that reports of the same schema did not have from the start: where one is missing, nothing was measured.

extension KeyedDecodingContainer {
  // Synthesised decoding prefers these to the standard library's generic method.

  func decode(_ type: [ServingResult].Type, forKey key: Key) throws -> [ServingResult] {
    try decodeIfPresent(type, forKey: key) ?? []
  }

  func decode(_ type: [Waterfall].Type, forKey key: Key) throws -> [Waterfall] {
    try decodeIfPresent(type, forKey: key) ?? []
  }
}
