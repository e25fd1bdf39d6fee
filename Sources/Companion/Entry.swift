// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux
internal import LinuxPrimitives

/// The whole program: what the helper asks of the machine's shared libraries. It is not set-user-ID;
/// the helper starts it with the ids that it needs and no capability.
///
/// `argc` may be 0 (CVE-2021-4034).
@c(fuservicemount3_companion_main)
public func companionMain(
  _ argc: Int32, _ argv: UnsafePointer<UnsafePointer<CChar>?>
) -> Int32 {
  var words: [[UInt8]] = []
  for index in 0..<Int(max(0, argc)) {
    // The kernel's argument vector: argc pointers to terminated strings.
    guard let word = unsafe argv[index] else { break }
    words.append(unsafe bytes(ofCString: word))
  }
  let input = FileDescriptor(owning: 0)
  guard input.isConnectedPacketSocket() else { return refuse() }
  let line = PacketSocket(input)
  do throws(Errno) {
    // Executing made it dumpable again; the caller, whose ids it may have, has no business in it.
    guard clinux_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 else { throw .last }
    guard words.count == 2 else { return refuse() }
    if words[1] == CompanionLine.record { return try recordMount(line) }
    if words[1] == CompanionLine.userName { return try sayUserName(line) }
  } catch {
    // The helper hears why; it is not told twice where it is gone.
    try? line.send([UInt8(clamping: error.rawValue)], until: .after(seconds: 1))
    return 1
  }
  return refuse()
}

/// For a person who starts it.
private func refuse() -> Int32 {
  let line = ": started by fuservicemount3(8) alone, to record a mount or to look a user up\n"
  try? writeAll(CompanionLine.program + line.utf8, to: 2)
  return 1
}
