// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import CServiceAdapter
internal import FuseService
internal import LinuxPrimitives
internal import ServerSupport

/// The source, and the other files that the caller named, as the helper opened them. Closes them.
struct SourceFiles: ~Copyable {
  /// Their numbers; the source is the first.
  let numbers: [Int32]
  /// Whether the source can only be read.
  let isReadOnly: Bool

  /// Asks the helper for all of them, tells the kernel that these were the last, and locks the
  /// source. An address of the web is no file.
  static func open(
    for request: CallerRequest, _ description: ServiceDescription,
    over connection: inout FuseServiceConnection
  ) throws(Failure) -> SourceFiles {
    if description.isOnTheWeb {
      try finish(&connection)
      return SourceFiles(numbers: [], isReadOnly: true)
    }
    let source: OpenedSource
    do throws(FuseServiceError) {
      source = try connection.openSource(
        SourceRequest(path: request.source, readWrite: !request.isReadOnly))
    } catch {
      throw .helper(request.source + text(": ") + error.message)
    }
    let isReadOnly = source.isReadOnly
    if isReadOnly && !request.isReadOnly {
      log(request.source + text(" may not be written to, so the mount is read-only"))
    }
    var numbers = [source.takeDescriptor().release()]
    do throws(Failure) {
      for file in request.files {
        numbers.append(try openFile(file, isReadOnly, &connection))
      }
      try finish(&connection)
      try lock(numbers[0], exclusively: !isReadOnly, request.source)
    } catch {
      for number in numbers { close(number) }
      throw error
    }
    return SourceFiles(numbers: numbers, isReadOnly: isReadOnly)
  }

  private init(numbers: [Int32], isReadOnly: Bool) {
    self.numbers = numbers
    self.isReadOnly = isReadOnly
  }

  deinit {
    for number in numbers { close(number) }
  }
}

private func openFile(
  _ file: NamedFile, _ isReadOnly: Bool, _ connection: inout FuseServiceConnection
) throws(Failure) -> Int32 {
  do throws(FuseServiceError) {
    let opened = try connection.requestFile(
      file.path, openFlags: isReadOnly ? O_RDONLY : O_RDWR)
    return opened.release()
  } catch {
    throw .helper(file.path + text(": ") + error.message)
  }
}

private func finish(_ connection: inout FuseServiceConnection) throws(Failure) {
  do throws(FuseServiceError) {
    try connection.finishRequests()
  } catch {
    throw .helper(error.message)
  }
}

/// Takes the lock that keeps a second writer away, for as long as any copy of the descriptor is open:
/// two servers that write to one image destroy it. The last mount of it may still be ending, so this
/// waits a little.
///
/// The corresponding system call is `flock(2)`.
private func lock(_ number: Int32, exclusively: Bool, _ source: [UInt8]) throws(Failure) {
  let deadline = Deadline.after(seconds: 5)
  while service_lock(number, exclusively ? 1 : 0) != 0 {
    let error = Errno.last
    guard error == .resourceTemporarilyUnavailable else {
      throw .own(source + text(": locking: ") + error.message)
    }
    guard !deadline.hasPassed else {
      throw .own(
        source
          + text(
            exclusively
              ? ": in use by another program or mount; with -o ro it can be shared with readers"
              : ": another program or mount writes to it"))
    }
    sleep(milliseconds: 200)
  }
}
