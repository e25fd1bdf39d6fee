// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// The name of a service, from the type that the caller gave.
public enum Subtype {
  /// Reads `fuse.X`, `fuseblk.X` or `X`. The name becomes the last component of the socket's path,
  /// so it must be one, of at most `maximumLength` bytes.
  /// - Throws: `emptyType`, `badType`, `typeTooLong`.
  public static func parse(
    _ typeArgument: [UInt8], maximumLength: Int
  ) throws(Refusal) -> [UInt8] {
    let subtype =
      typeArgument.rest(after: text("fuse.")) ?? typeArgument.rest(after: text("fuseblk."))
      ?? typeArgument
    guard !subtype.isEmpty else { throw .emptyType }
    guard subtype != ".", subtype != "..", !subtype.contains(UInt8(ascii: "/")),
      !subtype.holdsControlByte
    else { throw .badType(subtype) }
    guard subtype.count <= maximumLength else {
      throw .typeTooLong(subtype, maximumLength: maximumLength)
    }
    return subtype
  }
  /// The type that leads to the service `name`: what `parse` makes the name of; `nil` when nothing
  /// does.
  public static func type(ofService name: [UInt8], maximumLength: Int) -> [UInt8]? {
    for type in [name, text("fuse.") + name] {
      if let subtype = try? parse(type, maximumLength: maximumLength), subtype == name {
        return type
      }
    }
    return nil
  }
}
