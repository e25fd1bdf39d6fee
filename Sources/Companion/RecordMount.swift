// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives
internal import MountPolicy

/// Waits for the helper to need it, which it may never; then writes an entry into the userspace mount
/// table, keeps the table locked until the helper says what comes of the mount, and takes the entry back
/// when it ends without a word.
///
/// It is killed while it waits for the lock, which any user may hold for ever (flock(2) needs no right
/// to write).
func recordMount(_ line: borrowing PacketSocket) throws(Errno) -> Int32 {
  guard let word = try line.receive(limit: 11, until: .never)?.bytes else { return 1 }
  guard word.first == CompanionLine.begin, let wait = decimal(word.dropFirst()) else {
    throw .badMessage
  }
  let limit = Deadline.after(milliseconds: Int64(wait))
  var table = try UserspaceTable()
  // From here on the end of the helper is no reason to end, but to take the entry back.
  outliveParent()
  try line.send([CompanionLine.done], until: .after(seconds: 1))
  // Nothing is written before the helper has heard, so that one that is killed for being late, in the
  // moment in which it gets the lock, has written nothing.
  guard
    let order = (try? line.receive(limit: 1 + MountRecord.maximumSize, until: limit))?.bytes,
    order.first == CompanionLine.goAhead
  else { return 1 }
  guard let record = MountRecord(decoding: Array(order.dropFirst())) else { throw .badMessage }
  try table.add(record)
  // From here on only the verdict lets the entry stand.
  let isHeard = (try? line.send([CompanionLine.done], until: .after(seconds: 1))) != nil
  let verdict = isHeard ? (try? line.receive(limit: 1, until: limit))?.bytes.first : nil
  if verdict == CompanionLine.Verdict.keep.rawValue {
    table.keep()
  } else {
    try table.takeBack()
  }
  // Unlocked first: whoever hears that it is done may look.
  _ = consume table
  if verdict != nil { try? line.send([CompanionLine.done], until: .after(seconds: 1)) }
  return verdict == nil ? 1 : 0
}
