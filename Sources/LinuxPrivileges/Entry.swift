// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountHelper

/// The whole program: the helper with the running kernel's privileged operations.
///
/// `argc` may be 0 (CVE-2021-4034).
@c(fuservicemount3_main)
public func fuservicemount3Main(
  _ argc: Int32, _ argv: UnsafePointer<UnsafePointer<CChar>?>
) -> Int32 {
  var arguments: [[UInt8]] = []
  for index in 0..<Int(max(0, argc)) {
    // The kernel's argument vector: argc pointers to terminated strings.
    guard let argument = unsafe argv[index] else { break }
    arguments.append(unsafe bytes(ofCString: argument))
  }
  return runHelper(arguments: arguments, operations: LinuxPrivilegedOperations()).rawValue
}
