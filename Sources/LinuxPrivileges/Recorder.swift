// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
public import LinuxPrimitives
internal import MountHelper
public import MountPolicy

/// How long a recorder that has the table's lock may take, in seconds. Nobody else can keep it
/// waiting, so it is not killed while it writes; only a machine in trouble is as slow.
private let timeToWrite: Int64 = 10

/// The child that records, and the line by which it hears when to begin, what to write, and what is to
/// become of it.
struct Recorder: ~Copyable {
  fileprivate let child: LinkedChild

  fileprivate func tell(_ packet: [UInt8]) throws(Errno) {
    try child.line.send(packet, until: .after(seconds: 1))
  }

  /// Waits for the one byte by which the recorder tells that a step is done, 0, or why not.
  fileprivate func hear(_ patience: Patience) throws(Errno) {
    var packet: ReceivedPacket?
    do throws(Errno) {
      packet = try child.receive(limit: 1, patience)
    } catch {
      guard error == .connectionReset else { throw error }
      // It has ended without reading all that it was told; what it said before comes behind that.
      packet = try? child.receive(limit: 1, patience)
    }
    guard let byte = packet?.bytes.first else { throw .inputOutput }
    guard byte == CompanionLine.done else { throw Errno(rawValue: Int32(byte)) }
  }

  /// Tells the recorder, and waits for it to have done so.
  fileprivate func settle(_ verdict: CompanionLine.Verdict) throws(Errno) {
    try tell([verdict.rawValue])
    let patience = Patience(cleaningUpUntil: .after(seconds: timeToWrite))
    // Its end, which takes longer than its work, is nothing to wait for.
    if (try? hear(patience)) != nil { return }
    // It may have been this process that could not hear; the verdict is carried out all the same. Of one
    // that has not come to an end by then nobody knows what it did.
    let longer = Patience(cleaningUpUntil: .after(seconds: timeToWrite))
    guard let status = try? longer.finalStatus(of: child.process) else { throw .timedOut }
    guard status == 0 else { throw .canceled }
  }

  /// Whether a recorder that has ended without a word was ended by the loader, which says so by its exit
  /// status: there is no libmount.
  fileprivate func lacksLibrary() -> Bool {
    (try? Patience(cleaningUpUntil: .after(seconds: 1)).status(of: child.process)) == 127
  }

  /// Waits for a recorder that may have written its entry to take it back, as it does when nobody is
  /// there any more to tell it otherwise.
  fileprivate func cutOff() {
    child.cut()
    _ = try? Patience(cleaningUpUntil: .after(seconds: timeToWrite)).finalStatus(of: child.process)
  }
}

extension LinuxPrivilegedOperations {
  /// See `PrivilegedOperations`.
  ///
  /// The recorder is the companion with root's ids and no capability. Any user may hold the table's
  /// lock for ever (flock(2) needs no right to write), so it is killed while it waits; once it writes,
  /// only when it comes to no end.
  public mutating func record(_ record: MountRecord, patience: Patience) throws(Errno) {
    guard let record = record.encoded() else { throw .invalidArgument }
    try prepareToRecord()
    guard let recorder = recorder.take() else { throw .noChildProcess }
    let limit = patience.deadline.later(byMilliseconds: 1000)
    do throws(Errno) {
      let time = digits(UInt64(max(0, limit.pollTimeout)))
      // One that could not become the companion has said why, and is gone.
      try? recorder.tell([CompanionLine.begin] + time)
      try recorder.hear(patience)
    } catch {
      if error == .inputOutput, recorder.lacksLibrary() { throw .notExecutable }
      recorder.child.process.killAndReap()
      throw error
    }
    do throws(Errno) {
      try recorder.tell([CompanionLine.goAhead] + record)
      try recorder.hear(Patience(cleaningUpUntil: .after(seconds: timeToWrite)))
    } catch {
      recorder.cutOff()
      throw error == .timedOut ? .inputOutput : error
    }
    self.recorder = consume recorder
  }

  /// See `PrivilegedOperations`.
  public mutating func keepRecord() throws(Errno) {
    guard let recorder = recorder.take() else { throw .noChildProcess }
    try recorder.settle(.keep)
  }

  /// See `PrivilegedOperations`.
  public mutating func takeBackRecord() throws(Errno) {
    guard let recorder = recorder.take() else { return }
    try recorder.settle(.takeBack)
  }

  /// See `PrivilegedOperations`.
  public mutating func prepareToRecord() throws(Errno) {
    if recorder == nil { recorder = try startRecorder() }
  }

  /// Starts the companion as root without any capability.
  private func startRecorder() throws(Errno) -> Recorder {
    let child = try LinkedChild.fork { line in
      do throws(Errno) {
        // A terminal sends its signals to whatever is in the foreground of its session, without asking
        // whose it is (credentials(7)).
        guard setsid() > 0 else { throw .last }
        let parent = parentProcess()
        try setIdentities(users: .root, groups: .root)
        try setCapabilities(permitted: [], effective: [])
        try hideProcess()
        dieWithParent(parent)
        throw becomeCompanion(CompanionLine.record, line: line.descriptor.rawValue)
      } catch {
        try? line.send([UInt8(clamping: error.rawValue)], until: .after(seconds: 1))
        return 1
      }
    }
    return Recorder(child: child)
  }
}
