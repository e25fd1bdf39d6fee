// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import CServiceAdapter
internal import LinuxPrimitives
internal import ServerSupport

/// The descriptors that a server gets, by their numbers here; it gets copies.
struct ServerDescriptors {
  /// `/dev/fuse`.
  let fuseDevice: Int32
  /// The source and the other files.
  let files: [Int32]
}

/// The server, a child of this process. It dies with it, and when this value ends.
struct RunningServer: ~Copyable {
  private let child: ChildProcess
  private let socket: PacketSocket
  private var shimIsThere = true
  /// What it writes.
  var output: ServerOutput

  /// What a server did, or what happened while it was waited for.
  enum Event {
    /// Its shim reported.
    case report(ShimReport)
    /// It ended.
    case ended
    /// One of the other descriptors is readable.
    case other
    /// The deadline came first.
    case late
  }

  /// Starts a server, with nothing of this process but what it is given: the descriptors, and a small
  /// environment.
  ///
  /// The corresponding system calls are `socketpair(2)`, `pipe(2)`, `fork(2)` and `execve(2)`.
  static func start(
    _ command: [[UInt8]], shim: [UInt8], _ descriptors: ServerDescriptors
  ) throws(Errno) -> RunningServer {
    var sockets = try PacketSocket.pair()
    var pipe = try Pipe()
    guard let near = sockets.first.take(), let far = sockets.second.take(),
      let reading = pipe.reading.take(), let writing = pipe.writing.take()
    else { throw .badFileDescriptor }
    let environment = [
      text("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), text("HOME=/"), text("LC_ALL=C.UTF-8"),
      text("LD_PRELOAD=") + shim,
    ]
    let numbers = [far.descriptor.rawValue, descriptors.fuseDevice] + descriptors.files
    let output = writing.rawValue
    // Neither /proc/PID/mem nor /proc/PID/fd of this process is the server's, which has the same user
    // id. A program that execve(2) starts is dumpable again, so a server's crash leaves its core.
    _ = clinux_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    let child = try ChildProcess.fork {
      resetSignals()
      // A server that signals its process group signals itself alone.
      _ = setsid()
      // ld.so(8) preloads nothing into a set-id program, which ntfs-3g is; without new privileges it
      // is none.
      _ = clinux_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
      guard arrange(numbers, output: output) else { return 127 }
      return execute(command, environment)
    }
    // The server has its own now; until here the numbers had to stay theirs.
    _ = consume far
    _ = consume writing
    try reading.setNonblocking(true)
    return RunningServer(child: child, socket: near, output: ServerOutput(reading))
  }

  private init(
    child: consuming ChildProcess, socket: consuming PacketSocket,
    output: consuming ServerOutput
  ) {
    self.child = child
    self.socket = socket
    self.output = output
  }

  deinit {
    child.kill()
    // What is killed ends, unless the kernel holds it; the service's other processes end with the
    // service then.
    _ = try? wait(for: [child.descriptor.rawValue], until: .after(seconds: 5))
  }

  /// Waits for what the server does next, and hands on what it writes meanwhile.
  mutating func next(orReadable others: [Int32], until deadline: Deadline) -> Event {
    while true {
      let shim = shimIsThere ? socket.descriptor.rawValue : -1
      let numbers = [shim, child.descriptor.rawValue, output.number] + others
      guard let ready = try? wait(for: numbers, until: deadline) else { return .ended }
      if ready[2] { output.handOn() }
      // A report may have come just before the end.
      if ready[0], let report = receivedReport() { return .report(report) }
      if ready[1] { return .ended }
      if ready[3...].contains(true) { return .other }
      // Not only where nothing is ready: a server may write without an end.
      if deadline.hasPassed { return .late }
    }
  }

  /// What the shim sent. Once it has closed its end, or sends what is no report, it is not listened to
  /// any more.
  private mutating func receivedReport() -> ShimReport? {
    let limit = MemoryLayout<service_shim_mount>.size
    if let packet = try? socket.receive(limit: limit, until: .after(seconds: 0)),
      !packet.isTruncated, let report = shimReport(packet.bytes)
    {
      return report
    }
    shimIsThere = false
    return nil
  }

  /// Answers the server's `mount(2)`: with `nil` it succeeds.
  func answerMount(_ error: Errno?) {
    let number = error?.rawValue ?? 0
    let bytes = unsafe withUnsafeBytes(of: number) { unsafe Array($0) }
    // A server that does not listen any more has ended, which is noticed anyway.
    try? socket.send(bytes, until: .after(seconds: 5))
  }

  /// Ends the server and takes up its last words.
  mutating func end() {
    child.kill()
    _ = try? wait(for: [child.descriptor.rawValue], until: .after(seconds: 5))
    output.handOn()
  }

  /// Asks the server to end (`SIGTERM`).
  func askToEnd() { _ = clinux_pidfd_send_signal(child.descriptor.rawValue, SIGTERM) }

  /// Hands on what the server writes until it ends or another descriptor is readable.
  ///
  /// - Returns: how it ended, or `nil` when it runs on.
  mutating func ending(orReadable other: Int32) -> ChildProcess.Ending? {
    while true {
      let numbers = [child.descriptor.rawValue, output.number, other]
      guard let ready = try? wait(for: numbers, until: .never) else { return .killed }
      if ready[1] { output.handOn() }
      if ready[0] {
        output.handOn()
        return (try? child.reap()) ?? .killed
      }
      if ready[2] { return nil }
    }
  }
}

/// Both ends of a pipe.
private struct Pipe: ~Copyable {
  var reading: FileDescriptor?
  var writing: FileDescriptor?

  /// The corresponding system call is `pipe(2)`.
  init() throws(Errno) {
    var numbers: (Int32, Int32) = (-1, -1)
    let result = unsafe withUnsafeMutableBytes(of: &numbers) { buffer in
      // pipe writes two integers, which is what the tuple holds.
      unsafe pipe(buffer.baseAddress?.assumingMemoryBound(to: Int32.self))
    }
    guard result == 0 else { throw .last }
    reading = FileDescriptor(owning: numbers.0)
    writing = FileDescriptor(owning: numbers.1)
  }
}

/// Gives the descriptors the numbers that the shim knows, makes `output` standard output and error,
/// and closes all others but standard input.
private func arrange(_ numbers: [Int32], output: Int32) -> Bool {
  let first = Int32(SERVICE_SHIM_SOCKET)
  // Out of the way first, since a number that is wanted may be one that is still needed.
  let apart = first + 2 + Int32(SERVICE_SHIM_MOST_FILES)
  let copies = ([output, output] + numbers).map { clinux_fcntl($0, F_DUPFD_CLOEXEC, Int(apart)) }
  for (index, copy) in copies.enumerated() where copy < 0 || dup2(copy, Int32(index + 1)) < 0 {
    return false
  }
  return clinux_close_range(UInt32(copies.count + 1), .max) == 0
}

/// Becomes the server. Returns only when that fails.
///
/// The corresponding system call is `execve(2)`.
private func execute(_ command: [[UInt8]], _ environment: [[UInt8]]) -> Int32 {
  let words = unsafe command.map { unsafe cString($0) } + [nil]
  let variables = unsafe environment.map { unsafe cString($0) } + [nil]
  // Both are vectors of terminated strings with a null at their end, as execve wants them.
  if let program = unsafe words.first ?? nil { _ = unsafe execve(program, words, variables) }
  log(text("running ") + (command.first ?? []) + text(": ") + Errno.last.message)
  return 127
}

/// A terminated copy that is never freed: the process becomes another one.
private func cString(_ bytes: [UInt8]) -> UnsafeMutablePointer<CChar>? {
  let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
  for (index, byte) in bytes.enumerated() {
    // Inside what has just been allocated.
    unsafe copy[index] = CChar(bitPattern: byte)
  }
  unsafe copy[bytes.count] = 0
  return unsafe copy
}
