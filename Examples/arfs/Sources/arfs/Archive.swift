// SPDX-License-Identifier: LGPL-2.1-or-later

/// A file in an archive.
struct Member: Equatable {
  /// Its name: bytes, without a slash.
  var name: [UInt8]
  /// Where its content begins, in bytes from the archive's beginning.
  var offset: Int64
  /// How many bytes it has.
  var size: Int64
  /// When it was changed, in seconds since 1970.
  var changed: Int64
}

/// Why a file is no archive that can be shown.
enum ArchiveError: Error, Equatable {
  /// It does not begin as an archive does.
  case noArchive
  /// There is no header of a member at this offset.
  case badHeader(Int64)
  /// The member whose header is at this offset ends behind the archive.
  case cutShort(Int64)
  /// It has more members than a server will keep.
  case tooManyMembers
  /// Reading it failed.
  case unreadable

  /// The error in plain words.
  var message: String {
    switch self {
    case .noArchive: "it is no ar(5) archive"
    case .badHeader(let offset): "there is no member's header at offset \(offset)"
    case .cutShort(let offset): "the member at offset \(offset) is cut short"
    case .tooManyMembers: "it has more than \(mostMembers) members"
    case .unreadable: "it cannot be read"
    }
  }
}

/// The most members of an archive: a bound for the memory of whoever opens a hostile one.
let mostMembers = 100_000

/// Finds the members of an `ar(5)` archive, such as a Debian package or a static library.
///
/// The archive may be anybody's, so nothing in it is believed: each number is checked before it is
/// used. Members whose names cannot be a file's are left out, and so is the second of two of one
/// name.
///
/// - Parameters:
///   - size: the archive's size, in bytes.
///   - read: reads so many bytes at an offset, or fewer at the end; `nil` when that fails.
func members(
  ofArchiveWith size: Int64, read: (_ offset: Int64, _ count: Int) -> [UInt8]?
) throws(ArchiveError) -> [Member] {
  guard let beginning = read(0, 8) else { throw .unreadable }
  guard beginning.elementsEqual("!<arch>\n".utf8) else { throw .noArchive }
  var found: [Member] = []
  var names: Set<[UInt8]> = []
  var longNames: [UInt8] = []
  var offset: Int64 = 8
  var headers = 0
  // Every turn moves on by 60 bytes at least, and a member may be followed by a byte of padding.
  while offset < size {
    headers += 1
    guard headers <= mostMembers else { throw .tooManyMembers }
    guard let header = read(offset, 60) else { throw .unreadable }
    guard header.count == 60, header[58] == 0x60, header[59] == 0x0a,
      let length = decimal(header[48..<58])
    else { throw .badHeader(offset) }
    let content = offset + 60
    guard length <= size - content else { throw .cutShort(offset) }
    let word = trimmed(header[0..<16])
    if word.elementsEqual("//".utf8) {
      // GNU's table of the names that have more than 15 bytes.
      guard length <= 1 << 20 else { throw .badHeader(offset) }
      guard let table = read(content, Int(length)) else { throw .unreadable }
      longNames = table
    } else if let name = memberName(word, longNames), names.insert(name).inserted {
      found.append(
        Member(
          name: name, offset: content, size: length, changed: decimal(header[16..<28]) ?? 0))
    }
    offset = content + length + length % 2
  }
  return found
}

/// The name that a header's word stands for, or `nil` when it is no file's.
private func memberName(_ word: [UInt8], _ longNames: [UInt8]) -> [UInt8]? {
  var name = word
  if word.first == slash, let start = decimal(word.dropFirst()), start < longNames.count {
    name = Array(longNames[Int(start)...].prefix { $0 != 0x0a })
  }
  if name.last == slash { name.removeLast() }
  let isFileName =
    (1...255).contains(name.count) && !name.contains(slash) && !name.contains(0)
    && !name.elementsEqual(".".utf8) && !name.elementsEqual("..".utf8)
  return isFileName ? name : nil
}

/// A number of decimal digits that is followed by nothing but spaces.
private func decimal(_ field: ArraySlice<UInt8>) -> Int64? {
  let digits = trimmed(field)
  guard (1...15).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
    return nil
  }
  return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
}

private func trimmed(_ field: ArraySlice<UInt8>) -> [UInt8] {
  Array(field.prefix { $0 != 0x20 })
}

private let slash = UInt8(ascii: "/")
