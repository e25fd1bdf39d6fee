// SPDX-License-Identifier: LGPL-2.1-or-later

internal import ServerSupport

/// Writes one line to the service's log.
func log(_ message: [UInt8]) { log(message, from: "fuse-service-adapter") }
