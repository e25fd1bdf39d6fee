// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

extension FileDescriptor {
  /// Whether the file was opened for reading only.
  ///
  /// The corresponding system call is `fcntl(2)` with `F_GETFL`.
  public func isReadOnly() throws(Errno) -> Bool {
    try statusFlags() & clinux_access_mode == O_RDONLY
  }
}
