// Paths, methods, keys and labels: what is decided before a body is read.
import Serving
import Testing

@Suite struct EndpointTests {
  @Test func pathsAreFound() throws {
    #expect(try Endpoint(method: "GET", path: "/v1/models") == .models)
    #expect(try Endpoint(method: "HEAD", path: "/models/?a=b") == .models)
    #expect(try Endpoint(method: "GET", path: "/v1/models/a%20b/c") == .model("a b/c"))
    #expect(try Endpoint(method: "POST", path: "/v1/chat/completions") == .chat)
    #expect(try Endpoint(method: "POST", path: "/chat/completions") == .chat)
    #expect(try Endpoint(method: "POST", path: "/v2/rerank") == .rerank)
    #expect(try Endpoint(method: "GET", path: "/health?x") == .health)
  }

  @Test(arguments: [
    "", "/", "/v1", "/v1/", "/v1/model", "/v1/models/%zz", "/v1/models/%ff", "/v1/models/%", "//health",
  ])
  func otherPathsAreNot(path: String) {
    let error = #expect(throws: APIError.self) { try Endpoint(method: "GET", path: path) }
    #expect(error?.status == 404)
  }

  @Test func methodsAreHeldTo() {
    let error = #expect(throws: APIError.self) { try Endpoint(method: "GET", path: "/v1/completions") }
    #expect(error?.status == 405 && error?.allow == "POST")
    let other = #expect(throws: APIError.self) { try Endpoint(method: "DELETE", path: "/v1/models/x") }
    #expect(other?.status == 405 && other?.allow == "GET, HEAD")
  }

  @Test func keysOpen() {
    let keys = APIKeys(text: "# ours\n first \n\nsecond\n")
    #expect(keys.allow("Bearer first") && keys.allow("bearer  second ") && !keys.isEmpty)
    for wrong in [
      nil, "", "first", "Bearer", "Bearer ", "Bearer firs", "Bearer firstfirst", "Bearer # ours", "Basic first",
    ] {
      #expect(!keys.allow(wrong), "\(wrong ?? "none")")
    }
    #expect(APIKeys().allow(nil) && APIKeys(text: "\n#\n").isEmpty)
  }

  @Test func labels() {
    #expect(ModelSetting(argument: "a=/x/y.gguf") == ModelSetting(label: "a", path: "/x/y.gguf"))
    #expect(ModelSetting(argument: "/x/y.Q4_0.gguf") == ModelSetting(label: "y.Q4_0", path: "/x/y.Q4_0.gguf"))
    #expect(ModelSetting(argument: "x/model=1/") == ModelSetting(label: "model=1", path: "x/model=1/"))
    #expect(ModelSetting(argument: "=x") == nil && ModelSetting(argument: "") == nil)
  }
}
