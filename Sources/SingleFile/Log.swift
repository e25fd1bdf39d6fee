// SPDX-License-Identifier: LGPL-2.1-or-later

internal import ServerSupport

/// How this program names itself.
var programName: String { "singlefilefs" }

/// Writes one line to this server's log.
func log(_ message: [UInt8]) { log(message, from: programName) }
