// Many nodes through a launcher: one that hangs, one that dies and one that lies are told by name, the rest measured.
import Capacity
import Foundation
import TestSupport
import Testing

private let hasOpenMPI =
  (try? ChildProcess.run(["mpirun", "--version"], seconds: 10).contains("Open MPI")) == true
  && !["localhost", "127.0.0.1"].contains(ProcessInfo.processInfo.hostName)

@Suite struct FleetRunTests {
  /// Writes a program and waits until it can be started: a process that another test starts meanwhile holds the file
  /// open for writing until it is another program itself, and "Text file busy" is the answer.
  private static func program(_ text: String, at path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, 0o755)
    for _ in 0..<200 {
      if (try? ChildProcess.run([path, "probe"], seconds: 10)) != nil { return }
      usleep(20_000)
    }
    Issue.record("\(path) cannot be started")
  }

  /// A folder with a program named ssh that answers for nodes: good-*, hangs, dies, lies, wrong.
  private static func launcher() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    _ = try SmallReport().write(to: folder.path("good.json"))
    var wrong = try SmallReport().report()
    wrong.kernels[0].rate.mark(.numericFail)
    wrong.kernels[0].share = wrong.roofs.limit(.s8, intensity: 800).map {
      wrong.kernels[0].rate.share(of: $0.value, measuredAs: $0, protocol: "gemm-share")
    }
    try wrong.json().write(to: URL(fileURLWithPath: folder.path("wrong.json")))
    // ssh -o a -o b NODE COMMAND
    let script = """
      #!/bin/sh
      [ "$1" = probe ] && exit
      echo "$5 $6" >>"\(folder.path("calls"))"
      case "$5" in
        hangs) echo '{"schema":'; sleep 100 ;;
        dies) kill -9 $$ ;;
        lies) sed 's/"value" : /"value" : 1/' "\(folder.path("good.json"))" ;;
        wrong) cat "\(folder.path("wrong.json"))"; exit 1 ;;
        away) exit 255 ;;
        *) cat "\(folder.path("good.json"))" ;;
      esac
      """
    try program(script, at: folder.path("ssh"))
    return folder
  }

  private func fleet(_ nodes: [String], timeout: Double, atOnce: Int = 64) throws -> (FleetOutcome, TemporaryFolder) {
    let folder = try Self.launcher()
    var run = FleetRun(launcher: .ssh, timeout: timeout)
    run.launcherPath = folder.path("ssh")
    run.atOnce = atOnce
    return (try run.run(nodes: nodes, into: folder.path("out")), folder)
  }

  @Test func oneThatHangsAndOneThatDiesCostTheOthersNothing() throws {
    let begin = FigureSampler.now()
    let (found, folder) = try fleet(
      ["good-1", "hangs", "dies", "good-2", "lies", "wrong", "away"], timeout: 3)
    #expect(FigureSampler.now() - begin < 30)
    #expect(
      found.nodes.map(\.state) == [.measured, .timedOut, .failed, .measured, .failed, .unfit, .failed],
      "\(found.nodes)")
    #expect(!found.isWhole)
    #expect(found.nodes[5].why == "NUMERIC_FAIL")
    #expect(found.nodes[6].why?.contains("255") == true)
    for node in ["good-1", "good-2"] {
      #expect(try CapacityReport(path: folder.path("out/\(node)/capacity.json")) == SmallReport().report())
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path("out/lies")))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let summary = try Data(contentsOf: URL(fileURLWithPath: folder.path("out/fleet.json")))
    #expect(try decoder.decode(FleetOutcome.self, from: summary) == found)
    let calls = try String(contentsOfFile: folder.path("calls"), encoding: .utf8)
    #expect(
      calls.contains("good-1 'timeout' '--kill-after=5' '3' 'gobi' 'capacity' '--level' 'quick' '--json' '-o' '-'"))
  }

  @Test func moreNodesThanAtOnce() throws {
    let (found, _) = try fleet((1...9).map { "good-\($0)" }, timeout: 60, atOnce: 2)
    #expect(found.isWhole && found.nodes.count == 9)
  }

  @Test func namesThatAreNoneAreRefused() throws {
    let folder = try TemporaryFolder()
    let run = FleetRun(launcher: .srun, timeout: 5)
    for nodes in [[], ["a", "a"], ["../a"], ["-oProxyCommand=x"], ["a b"]] {
      #expect(throws: CapacityError.self) { _ = try run.run(nodes: nodes, into: folder.path("out")) }
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path("out")))
  }

  @Test func aLauncherThatIsNotThereIsTold() throws {
    let folder = try TemporaryFolder()
    var run = FleetRun(launcher: .srun, timeout: 5)
    run.launcherPath = folder.path("none")
    let found = try run.run(nodes: ["a"], into: folder.path("out"))
    #expect(found.nodes[0].state == .failed && found.nodes[0].why?.contains("cannot be started") == true)
  }

  /// Four ranks under Open MPI's own launcher, told apart by how many have started: two answer, one hangs, one dies.
  @Test(.enabled(if: hasOpenMPI, "mpirun of Open MPI is not installed, or this machine has no name"))
  func underOpenMPI() throws {
    let folder = try TemporaryFolder()
    _ = try SmallReport().write(to: folder.path("good.json"))
    let script = """
      #!/bin/sh
      [ "$1" = probe ] && exit
      n=1; until mkdir "\(folder.url.path)/turn$n" 2>/dev/null; do n=$((n + 1)); done
      case $n in
        2) sleep 100 ;;
        3) kill -9 $$ ;;
        *) cat "\(folder.path("good.json"))" ;;
      esac
      """
    try Self.program(script, at: folder.path("gobi"))
    // What Open MPI would ask another node's shell for, this one's does: for the name that it does not know as its own.
    let agent = "#!/bin/sh\nwhile [ \"${1#-}\" != \"$1\" ]; do shift; done\nshift\nexec sh -c \"$*\"\n"
    try Self.program(agent, at: folder.path("agent"))
    setenv("OMPI_MCA_plm_rsh_agent", folder.path("agent"), 1)
    // Open MPI refuses root else.
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1)
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1)
    var run = FleetRun(launcher: .mpirun, timeout: 20)
    run.program = folder.path("gobi")
    run.atOnce = 4
    // Open MPI takes the first three for this machine.
    let names = ["localhost", "127.0.0.1", ProcessInfo.processInfo.hostName, "127.0.0.2"]
    let found = try run.run(nodes: names, into: folder.path("out"))
    #expect(found.nodes.map(\.node) == names)
    let states = found.nodes.map(\.state.rawValue).sorted()
    #expect(states == ["failed", "measured", "measured", "timed_out"] && !found.isWhole, "\(found.nodes)")
  }

  @Test func commandLines() {
    let words = { (launcher: FleetLauncher) in
      launcher.command(node: "n", program: "/a b/gobi", level: .quick, seconds: 9).joined(separator: " ")
    }
    #expect(
      words(.mpirun).hasPrefix("mpirun --host n -np 1 --bind-to none timeout --kill-after=5 9 /a b/gobi capacity"))
    #expect(words(.srun).contains("--nodelist=n --cpu-bind=none timeout"))
    #expect(words(.ssh).contains("'/a b/gobi' 'capacity'"))
  }
}
