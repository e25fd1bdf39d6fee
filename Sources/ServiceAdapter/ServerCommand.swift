// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CServiceAdapter
internal import ServerSupport

/// The server's command line for one mount.
///
/// The source and the other files stand in it by their made-up names, which only the shim knows; an
/// address stands in it as the caller wrote it.
func serverCommand(
  _ description: ServiceDescription, _ request: CallerRequest, mountPoint: [UInt8],
  isReadOnly: Bool
) -> [[UInt8]] {
  let options =
    [isReadOnly ? text("ro") : description.readWriteWord] + request.serverWords
    + request.files.enumerated().map { $1.word + madeUpName($0 + 1) }
  let source = description.isOnTheWeb ? request.source : madeUpName(0)
  let values = [
    Replacement(text("{source}"), by: source), Replacement(text("{mountpoint}"), by: mountPoint),
    Replacement(text("{options}"), by: Array(options.joined(separator: text(",")))),
  ]
  return description.command.map { replacing(values, in: $0) }
}

/// The name that the server knows a file by: 0 is the source.
func madeUpName(_ number: Int) -> [UInt8] {
  text(SERVICE_SHIM_PATH) + [UInt8(ascii: "0") + UInt8(number)]
}

/// What stands in the place of something else.
struct Replacement {
  /// What is replaced.
  let key: [UInt8]
  /// What comes in its place.
  let value: [UInt8]

  /// `value` in the place of `key`.
  init(_ key: [UInt8], by value: [UInt8]) {
    self.key = key
    self.value = value
  }
}

/// `bytes` with each part that is a key replaced by its value. A value is not looked at again, since
/// some are the caller's.
func replacing(_ values: [Replacement], in bytes: [UInt8]) -> [UInt8] {
  var result: [UInt8] = []
  var rest = bytes[...]
  while let byte = rest.first {
    if let found = values.first(where: { rest.starts(with: $0.key) }) {
      result += found.value
      rest = rest.dropFirst(found.key.count)
    } else {
      result.append(byte)
      rest = rest.dropFirst()
    }
  }
  return result
}
