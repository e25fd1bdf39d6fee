// SPDX-License-Identifier: LGPL-2.1-or-later

import LinuxPrimitives
import MountPolicy

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// The words of a command line, written with single spaces; `''` is the word of no byte.
func words(_ line: String) -> [[UInt8]] {
  line.split(separator: " ").map { $0 == "''" ? [] : bytes(String($0)) }
}

let root = Caller(userID: 0, groupID: 0)
let user = Caller(userID: 1000, groupID: 100)

/// Every error number that Linux has (errno(3)).
let everyErrno = (1...133).map { Errno(rawValue: $0) }
