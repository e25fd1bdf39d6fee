// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLibfuse3
internal import CLinux
internal import LinuxPrimitives

/// libfuse's session for one mount, and the file that it serves.
@safe struct FuseSession: ~Copyable {
  private let session: OpaquePointer
  private let file: UnsafeMutablePointer<ServedFile>

  /// Prepares everything that can fail, so that nothing does after the mount: the table of
  /// operations, the handlers for SIGTERM, SIGINT and SIGHUP. The session owns the descriptor `device` of `/dev/fuse`.
  ///
  /// - Throws: what duplicating the descriptor says, or `ENOMEM`; libfuse has then logged why.
  init(
    serving served: consuming ServedFile, on device: Int32, debug: Bool
  ) throws(Errno) {
    let maxRead = served.maxRead
    let file = UnsafeMutablePointer<ServedFile>.allocate(capacity: 1)
    unsafe file.initialize(to: served)
    var table = operations()
    // libfuse copies the table; the file is freed after the session, in deinit or below.
    let session = unsafe clibfuse_session_new(&table, file, debug ? 1 : 0, maxRead)
    do throws(Errno) {
      guard let session = unsafe session else { throw .noMemory }
      try unsafe Self.bind(session, to: device)
      unsafe self.session = session
      unsafe self.file = file
    } catch {
      if let session = unsafe session { unsafe fuse_session_destroy(session) }
      unsafe file.deinitialize(count: 1)
      unsafe file.deallocate()
      throw error
    }
  }

  deinit {
    unsafe fuse_remove_signal_handlers(session)
    // Closes the descriptor of /dev/fuse.
    unsafe fuse_session_destroy(session)
    unsafe file.deinitialize(count: 1)
    unsafe file.deallocate()
  }

  /// Serves the kernel until the mount is gone or a signal comes.
  ///
  /// - Throws: the error that ended serving.
  func serve(singleThreaded: Bool) throws(Errno) {
    let result =
      unsafe singleThreaded ? fuse_session_loop(session) : clibfuse_session_loop_threads(session)
    // A positive result is the signal that asked for the end.
    if result < 0 { throw Errno(rawValue: -result) }
  }

  private static func bind(
    _ session: OpaquePointer, to number: Int32
  ) throws(Errno) {
    // libfuse takes a descriptor that is mounted already by this name, and owns it from here on.
    guard unsafe fuse_session_mount(session, "/dev/fd/\(number)") == 0 else {
      _ = close(number)
      throw .invalidArgument
    }
    guard unsafe fuse_set_signal_handlers(session) == 0 else { throw .noMemory }
  }
}
