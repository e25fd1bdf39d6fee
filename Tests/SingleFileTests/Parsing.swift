// SPDX-License-Identifier: LGPL-2.1-or-later

import ServerSupport

@testable import SingleFile

/// What root may do.
let everyRight = CallerRights(mayAllowOther: true, mayUseFuseblk: true)

func parse(
  _ arguments: [String], rights: CallerRights = everyRight
) throws(OptionError) -> ServerOptions {
  try ServerOptions(arguments: arguments.map(text), rights: rights)
}

func parse(options: String, rights: CallerRights = everyRight) throws(OptionError)
  -> ServerOptions
{
  try parse(["disk.img", "/mnt", "-o", options], rights: rights)
}
