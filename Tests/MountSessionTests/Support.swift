// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol
import MountSession

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

let root = Caller(userID: 0, groupID: 0)
let user = Caller(userID: 1000, groupID: 100)

/// `fuservicemount3 disk.img mnt -t ext4`.
func rules(caller: Caller = user) -> MountRules {
  guard let options = try? CallerOptions(arguments: [], caller: caller) else { fatalError() }
  return MountRules(
    caller: caller, configuration: FuseConfiguration(), options: options,
    subtype: bytes("ext4"),
    namedFiles: NamedFiles(operands: [bytes("disk.img")], optionValues: []),
    mountPoint: bytes("mnt"))
}

func newSession(caller: Caller = user) -> MountSession {
  MountSession(rules: rules(caller: caller), mountPointKind: .directory)
}

extension MountSession {
  mutating func handle(_ command: Command) -> SessionAction { handle(command.encoded()) }

  mutating func handle(all commands: [Command]) -> [SessionAction] {
    commands.map { handle($0) }
  }
}

extension SessionAction {
  var isFailure: Bool {
    if case .fail = self { return true }
    return false
  }

  var isMount: Bool {
    if case .mount = self { return true }
    return false
  }
}

/// A packet of `magic` and then `body`.
func packet(_ magic: Magic, _ body: [UInt8] = []) -> [UInt8] {
  var writer = ByteWriter()
  writer.write(magic.rawValue)
  return writer.bytes + body
}

/// The commands that an ordinary server sends before DOIT.
enum Setting: CaseIterable {
  case type, name, options, table, mountPoint, ioMapping

  var command: Command {
    switch self {
    case .type: return .filesystemContext([])
    case .name: return .source(bytes("ext4"))
    case .options: return .superblockOptions(bytes("default_permissions"))
    case .table: return .userspaceOptions(bytes("x-a=b"))
    case .mountPoint: return .mountPoint(expectedFormat: 0o040000, path: bytes("mnt"))
    case .ioMapping: return .ioMapping(.optional)
    }
  }

  /// The five that have a part in the mount.
  static let ofMount: [Setting] = [.type, .name, .options, .table, .mountPoint]

  /// What the five and DOIT ask for together.
  static let request = MountRequest(
    source: bytes("ext4"), superblockOptions: bytes("default_permissions"),
    userspaceOptions: bytes("x-a=b"), flags: 6)
}

/// All subsets of `elements`, each in the order of the elements.
func subsets<Element>(of elements: [Element]) -> [[Element]] {
  elements.reduce([[]]) { subsets, element in subsets + subsets.map { $0 + [element] } }
}

/// All orders of `elements`.
func permutations<Element>(of elements: [Element]) -> [[Element]] {
  if elements.isEmpty { return [[]] }
  return elements.indices.flatMap { index in
    var rest = elements
    let element = rest.remove(at: index)
    return permutations(of: rest).map { [element] + $0 }
  }
}
