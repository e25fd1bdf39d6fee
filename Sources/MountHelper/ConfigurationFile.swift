// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import Literals
internal import MountPolicy

/// Far more than a file can sensibly have, in bytes.
private let maximumSize = 1 << 20

/// Reads fuse.conf with the caller's rights, as fusermount3 does. A file that is not there, that the
/// caller may not read, or that is not root's alone to write leaves the defaults.
///
/// - Throws: any error that says nothing about the file: who uses up the system's descriptors or its
///   memory must not be able to lift a limit that stands in it.
func readConfiguration(_ diagnostics: inout Diagnostics) throws(Errno) -> FuseConfiguration {
  let path = BuildConfiguration.configurationPath
  let content: [UInt8]?
  do throws(Errno) {
    content = try trustworthyContent(path, &diagnostics)
  } catch {
    switch error {
    case .permissionDenied, .notDirectory, .tooManyLinks, .overflow:
      diagnostics.report(describe(path, error, advice: "going on with the defaults"))
      return FuseConfiguration()
    default:
      throw error
    }
  }
  guard let content else { return FuseConfiguration() }
  let (configuration, warnings) = FuseConfiguration.parse(content)
  for warning in warnings { diagnostics.report(warning.line(path: path)) }
  return configuration
}

/// Reads fuservicemount3.conf with the caller's rights. A file that is not there, or not root's alone
/// to write, leaves the defaults.
///
/// - Throws: why the file cannot be read. No other program follows it, so there is no reason to guess
///   what a file says that the caller may not read.
func readOwnConfiguration(_ diagnostics: inout Diagnostics) throws(Errno) -> OwnConfiguration {
  let path = BuildConfiguration.ownConfigurationPath
  do throws(Errno) {
    guard let content = try trustworthyContent(path, &diagnostics) else {
      return OwnConfiguration()
    }
    let (configuration, warnings) = OwnConfiguration.parse(content)
    for warning in warnings { diagnostics.report(warning.line(path: path)) }
    return configuration
  } catch {
    diagnostics.report(describe(path, error, advice: "it has to be a file that everybody may read"))
    throw error
  }
}

/// The content of a configuration file; `nil` when there is none, or none to be followed.
private func trustworthyContent(
  _ path: [UInt8], _ diagnostics: inout Diagnostics
) throws(Errno) -> [UInt8]? {
  do throws(Errno) {
    let file = try openFile(path, [.nonblocking, .noControllingTerminal])
    let status = try file.status()
    guard
      ConfigurationText.isTrustworthy(
        isRegularFile: status.isRegularFile, owner: status.owner, mode: status.mode)
    else {
      diagnostics.report(
        path + text(": not followed, because it is not a file that only root can write to"))
      return nil
    }
    return try file.readToEnd(limit: maximumSize)
  } catch {
    guard error == .noSuchFile else { throw error }
    return nil
  }
}
