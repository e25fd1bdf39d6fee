// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// A type that has a service.
public struct ServiceEntry: Equatable, Sendable {
  /// The type, as `-t` takes it.
  public var type: [UInt8]
  /// The path of the service's socket.
  public var socket: [UInt8]
  /// Whether the caller may use the service.
  public var access: ServiceAccess
}

/// The types that have a service, in the order of their bytes.
public struct ServiceList: Equatable, Sendable {
  /// The types.
  public let entries: [ServiceEntry]

  /// The services among the `names` that `directory` holds. What cannot be a subtype of at most
  /// `maximumLength` bytes is none, and neither is what `access` says is no socket; it is asked for
  /// paths.
  public init(
    names: [[UInt8]], directory: [UInt8], maximumLength: Int,
    access: ([UInt8]) -> ServiceAccess
  ) {
    var entries: [ServiceEntry] = []
    for name in names {
      guard let type = Subtype.type(ofService: name, maximumLength: maximumLength) else {
        continue
      }
      let socket = directory + text("/") + name
      let access = access(socket)
      guard access.isOfService else { continue }
      entries.append(ServiceEntry(type: type, socket: socket, access: access))
    }
    self.entries = byteOrder(of: entries.map { $0.type }).map { entries[$0] }
  }

  /// A table for people, without a line break at its end: type, whether it is usable, socket, and
  /// why it is not. Whatever could act on a terminal is escaped.
  public var table: [UInt8] {
    var rows = [[text("TYPE"), text("USABLE"), text("SOCKET")]]
    for entry in entries {
      var row = [escaped(entry.type), text("yes"), escaped(entry.socket)]
      if let reason = entry.access.reason {
        row[1] = text("no")
        row[2] += text("  (") + escaped(reason) + text(")")
      }
      rows.append(row)
    }
    let widths = (0..<2).map { column in rows.map { width($0[column]) }.max() ?? 0 }
    var lines: [UInt8] = []
    for row in rows {
      if !lines.isEmpty { lines.append(UInt8(ascii: "\n")) }
      for (cell, wanted) in zip(row, widths) {
        lines += cell
        lines += [UInt8](repeating: UInt8(ascii: " "), count: wanted - width(cell) + 2)
      }
      lines += row[2]
    }
    return lines
  }

  /// A JSON array with an object for each type, one a line, without a line break at its end: `type`,
  /// `usable`, `socket`, and, when it is not usable, `reason`. See `jsonMembers(_:_:)` for what is no
  /// UTF-8.
  public var json: [UInt8] {
    if entries.isEmpty { return text("[]") }
    var lines = text("[")
    for (index, entry) in entries.enumerated() {
      var members = jsonMembers(text("type"), entry.type)
      members.append(jsonMember(text("usable"), text(entry.access == .usable ? "true" : "false")))
      members += jsonMembers(text("socket"), entry.socket)
      if let reason = entry.access.reason { members += jsonMembers(text("reason"), reason) }
      lines += text(index == 0 ? "\n  {" : ",\n  {")
      for (index, member) in members.enumerated() {
        if index > 0 { lines += text(", ") }
        lines += member
      }
      lines += text("}")
    }
    return lines + text("\n]")
  }
}

/// The characters of a text that is UTF-8.
private func width(_ text: [UInt8]) -> Int { text.count { $0 & 0xc0 != 0x80 } }
