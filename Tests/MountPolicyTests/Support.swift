// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy
import MountProtocol

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
func list(_ words: String...) -> [[UInt8]] { words.map { bytes($0) } }

let root = Caller(userID: 0, groupID: 0)
let user = Caller(userID: 1000, groupID: 100)

/// What `body` is refused for; `nil` when it is not.
func refusal<T>(_ body: () throws(Refusal) -> T) -> Refusal? {
  do {
    _ = try body()
    return nil
  } catch {
    return error
  }
}

/// The words of one `-o`, read for a caller.
func options(_ argument: String, caller: Caller = user) throws -> CallerOptions {
  try CallerOptions(arguments: [bytes(argument)], caller: caller)
}
