// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import Testing

/// What each target may import of the project; imports go one way.
private let allowedImports: [String: Set<String>] = [
  // System modules and shims.
  "CLinux": [], "CLibmount": [], "CLibfuse3": [],
  // Pure: no C library at all.
  "Literals": [],
  "MountProtocol": ["Literals"],
  "MountPolicy": ["MountProtocol", "Literals"],
  "MountSession": ["MountPolicy", "MountProtocol", "Literals"],
  // The helper.
  "LinuxPrimitives": ["CLinux", "Literals"],
  "MountHelper": [
    "MountSession", "MountPolicy", "MountProtocol", "LinuxPrimitives", "CLinux", "Literals",
  ],
  // The only one that raises privilege.
  "LinuxPrivileges": [
    "MountHelper", "MountPolicy", "MountProtocol", "LinuxPrimitives", "CLinux", "Literals",
  ],
  "fuservicemount3": ["LinuxPrivileges"],
  // What the helper executes: the only one with libmount.
  "Companion": ["MountPolicy", "LinuxPrimitives", "CLinux", "CLibmount", "Literals"],
  "fuservicemount3-companion": ["Companion"],
  // Servers.
  "FuseService": ["MountProtocol", "LinuxPrimitives", "CLinux"],
  "ServerSupport": ["FuseService", "LinuxPrimitives", "CLinux"],
  "SingleFile": [
    "ServerSupport", "FuseService", "MountProtocol", "LinuxPrimitives", "CLinux", "CLibfuse3",
  ],
  "singlefilefs": ["SingleFile"],
  "CServiceAdapter": [],
  "ServiceShim": ["CServiceAdapter"],
  "ServiceAdapter": [
    "ServerSupport", "FuseService", "LinuxPrimitives", "CLinux", "CServiceAdapter",
  ],
  "fuse-service-adapter": ["ServiceAdapter"],
]

/// Targets under Tests, which nothing that ships may depend on: no target of the table is permitted
/// to, and the table knows all others.
private let testSupport: Set = ["CFusermount", "FuzzTargets", "mirrorfs", "TestSupport"]

private let pureTargets = ["Literals", "MountProtocol", "MountPolicy", "MountSession"]

private let project = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

private func content(of url: URL) throws -> String {
  String(decoding: try Data(contentsOf: url), as: UTF8.self)
}

/// The names of the folders in `Sources`.
private func sourceFolders() throws -> [String] {
  try FileManager.default.contentsOfDirectory(
    atPath: project.appendingPathComponent("Sources").path
  ).sorted()
}

/// The paths of the files of a target, relative to its folder.
private func files(of target: String) throws -> [String] {
  try FileManager.default.subpathsOfDirectory(
    atPath: project.appendingPathComponent("Sources/\(target)").path
  ).sorted()
}

/// The module that a line of Swift imports, whatever stands before and behind it.
private func importedModule(_ line: String) -> String? {
  let words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
  let modifiers: Set = ["public", "package", "internal", "fileprivate", "private"]
  guard
    let index = words.firstIndex(where: { !modifiers.contains($0) && !$0.hasPrefix("@") }),
    words[index] == "import", index + 1 < words.count
  else { return nil }
  let kinds: Set = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
  let name = kinds.contains(words[index + 1]) ? words.last : words[index + 1]
  return name?.split { $0 == "." || $0 == ";" }.first.map(String.init)
}

/// The targets in Package.swift that are no tests nor support them, with their dependencies.
private func declaredTargets(in package: String) -> [String: Set<String>] {
  var targets: [String: Set<String>] = [:]
  let code = package.split(separator: "\n").filter {
    !$0.drop { $0 == " " }.hasPrefix("//")
  }.joined(separator: "\n")
  for kind in [".target(", ".executableTarget(", ".systemLibrary("] {
    for part in code.components(separatedBy: kind).dropFirst() {
      let declaration = part.components(separatedBy: "arget(").first ?? part
      let quoted = declaration.components(separatedBy: "\"")
      guard quoted.count > 1, !testSupport.contains(quoted[1]) else { continue }
      let lists = declaration.components(separatedBy: "dependencies: [")
      let list = lists.count > 1 ? lists[1].prefix { $0 != "]" } : ""
      let names = list.components(separatedBy: "\"").enumerated().filter { $0.offset % 2 == 1 }
      targets[quoted[1]] = Set(names.map { $0.element })
    }
  }
  return targets
}

@Suite("Imports go one way")
struct ImportRuleTests {
  @Test func `Every folder of Sources and every target stands in the table`() throws {
    #expect(try sourceFolders().filter { allowedImports[$0] == nil } == [])
    let targets = declaredTargets(
      in: try content(of: project.appendingPathComponent("Package.swift")))
    #expect(targets.keys.filter { allowedImports[$0] == nil } == [])
    #expect(Set(targets.keys).subtracting(try sourceFolders()) == [])
  }

  @Test func `Package.swift gives no target more than it may import`() throws {
    let targets = declaredTargets(
      in: try content(of: project.appendingPathComponent("Package.swift")))
    // The reader of Package.swift sees what there is.
    #expect(targets["MountSession"] == ["MountPolicy", "MountProtocol", "Literals"])
    #expect(targets["fuservicemount3"] == ["LinuxPrivileges"])
    for (target, dependencies) in targets {
      #expect(dependencies.subtracting(allowedImports[target] ?? []) == [], "\(target)")
    }
  }

  @Test func `Every import is one that its target may have`() throws {
    var count = 0
    for target in try sourceFolders() {
      for file in try files(of: target) where file.hasSuffix(".swift") {
        let path = project.appendingPathComponent("Sources/\(target)/\(file)")
        for line in try content(of: path).split(separator: "\n") {
          guard let module = importedModule(String(line)) else { continue }
          count += 1
          #expect(allowedImports[target]?.contains(module) == true, "\(target)/\(file): \(line)")
        }
      }
    }
    #expect(count > 50)
  }

  @Test func `The pure targets hold Swift files only`() throws {
    for target in pureTargets {
      #expect(try files(of: target).filter { !$0.hasSuffix(".swift") } == [])
    }
  }

  @Test func `By no way does a pure target or a server reach what it may not`() {
    func reached(from target: String) -> Set<String> {
      (allowedImports[target] ?? []).reduce(into: []) {
        $0.formUnion([$1])
        $0.formUnion(reached(from: $1))
      }
    }
    for target in pureTargets {
      #expect(reached(from: target).isSubset(of: Set(pureTargets)), "\(target)")
    }
    for target in [
      "FuseService", "SingleFile", "singlefilefs", "ServiceShim", "fuse-service-adapter",
    ] {
      let forbidden: Set = ["LinuxPrivileges", "MountHelper", "MountSession", "MountPolicy"]
      #expect(reached(from: target).isDisjoint(with: forbidden), "\(target)")
    }
    #expect(
      allowedImports.keys.filter { allowedImports[$0]?.contains("CLibmount") == true }
        == ["Companion"])
  }

  @Test(
    arguments: [
      ("import CLinux", "CLinux"), ("internal import CLinux", "CLinux"),
      ("public import LinuxPrimitives", "LinuxPrimitives"),
      ("@preconcurrency public import CLinux", "CLinux"),
      ("@_spi(X) import CLinux", "CLinux"), ("  import struct CLinux.stat", "CLinux"),
      ("import CLinux.mount", "CLinux"), ("\timport CLinux // why", "CLinux"),
      ("// import CLinux", nil), ("let import = 1", nil), ("important CLinux", nil), ("", nil),
    ] as [(String, String?)])
  func `An import is seen however it is written`(line: String, module: String?) {
    #expect(importedModule(line) == module)
  }
}
