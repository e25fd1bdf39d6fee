// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// Far more than the file can sensibly have, in bytes.
private let maximumSize = 1 << 20

/// Reads fuse.conf with the caller's rights, as fusermount3 does. A file that is not there, that the
/// caller may not read, or that is not root's alone to write leaves the defaults.
///
/// - Throws: any error that says nothing about the file: who uses up the system's descriptors or its
///   memory must not be able to lift a limit that stands in it.
func readConfiguration(_ diagnostics: inout Diagnostics) throws(Errno) -> FuseConfiguration {
  let path = BuildConfiguration.configurationPath
  let content: [UInt8]
  do throws(Errno) {
    let file = try openFile(path, [.nonblocking, .noControllingTerminal])
    let status = try file.status()
    guard
      FuseConfiguration.isTrustworthy(
        isRegularFile: status.isRegularFile, owner: status.owner, mode: status.mode)
    else {
      diagnostics.report(
        path + text(": not followed, because it is not a file that only root can write to"))
      return FuseConfiguration()
    }
    content = try file.readToEnd(limit: maximumSize)
  } catch {
    switch error {
    case .noSuchFile:
      break
    case .permissionDenied, .notDirectory, .tooManyLinks, .overflow:
      diagnostics.report(describe(path, error, advice: "going on with the defaults"))
    default:
      throw error
    }
    return FuseConfiguration()
  }
  let (configuration, warnings) = FuseConfiguration.parse(content)
  for warning in warnings { diagnostics.report(warning.text(path: path)) }
  return configuration
}
