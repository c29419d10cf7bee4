// The standard set's files: made before a run where they are missing, and removed after it.
import Capacity
import Foundation
import Inference

final class StandardSet {
  private let folder: String
  private let seconds: Double
  private let memory: Int
  private var made: [String] = []

  init(folder: String, seconds: Double, memory: Int) {
    self.folder = folder
    self.seconds = seconds
    self.memory = memory
  }

  /// The models that can be measured; `omitted` gets the others, with the reason.
  func prepared(_ omitted: inout [CapacityReport.Omission]) throws -> [MeasuredModel] {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var models: [MeasuredModel] = []
    for standard in StandardModel.all {
      let path = "\(folder)/\(standard.fileName)"
      let isThere = FileManager.default.fileExists(atPath: path)
      if let why = standard.refusal(memory: memory, disk: freeDisk, seconds: seconds, isThere: isThere) {
        omitted.append(.init(what: standard.label, why: why))
        continue
      }
      if !isThere, let model = standard.synthetic {
        let bar = ProgressBar("generating \(standard.fileName)")
        defer { bar.finish() }
        do {
          try model.write(to: path) { fraction in
            bar.update(fraction)
            return !Interrupt.isRequested
          }
        } catch ConversionError.cancelled {
          removeMade()
          throw Interrupt.failure
        }
        made.append(path)
      }
      var measured = MeasuredModel(path: path, label: standard.label, options: .init(isGenerated: true))
      measured.isLarge = standard.isLarge
      models.append(measured)
    }
    return models
  }

  /// Removes what `prepared` made.
  func removeMade() {
    for path in made { try? FileManager.default.removeItem(atPath: path) }
    made = []
  }

  private var freeDisk: Int {
    let facts = try? FileManager.default.attributesOfFileSystem(forPath: folder)
    return (facts?[.systemFreeSize] as? NSNumber)?.intValue ?? 0
  }
}
