// How a program is started on another node. Builds command lines and runs nothing.

public enum FleetLauncher: String, Sendable, CaseIterable {
  case mpirun, srun, ssh

  /// The command that runs `gobi capacity` of `program` on `node` and has its JSON on stdout. The node itself ends it
  /// after `seconds`: ending the launcher alone leaves a remote process running.
  public func command(node: String, program: String, level: CapacityLevel, seconds: Int) -> [String] {
    let work = [
      "timeout", "--kill-after=5", String(seconds), program, "capacity", "--level", level.rawValue, "--json", "-o", "-",
    ]
    switch self {
    // Open MPI ties a single rank to one core, which would measure that core.
    case .mpirun: return ["mpirun", "--host", node, "-np", "1", "--bind-to", "none"] + work
    case .srun: return ["srun", "--nodes=1", "--ntasks=1", "--nodelist=\(node)", "--cpu-bind=none"] + work
    // A shell is on the other side.
    case .ssh:
      return [
        "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", node, work.map(Self.quoted).joined(separator: " "),
      ]
    }
  }

  private static func quoted(_ word: String) -> String { "'" + word.replacing("'", with: "'\\''") + "'" }
}
