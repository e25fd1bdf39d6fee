// SPDX-License-Identifier: LGPL-2.1-or-later

internal import ServerSupport

/// Why a command line cannot be served.
enum OptionError: Error, Equatable {
  /// A word of `-o`, or an option, that this server does not know.
  case unknownOption([UInt8])
  /// An option whose value is not what it has to be; `rule` says what that is.
  case badValue(option: [UInt8], rule: [UInt8])
  /// An option that stands last but needs a value.
  case missingValue([UInt8])
  /// A double quote that is not closed.
  case openQuote([UInt8])
  /// Only a mount point, or nothing at all.
  case missingOperand
  /// More than an image and a mount point.
  case extraOperand([UInt8])
  /// The caller may not use `allow_other`.
  case allowOtherNotPermitted
  /// The caller may not use `blkdev`.
  case fuseblkNotPermitted
  /// Help was asked for, which is no mount.
  case help
  /// The version was asked for, which is no mount.
  case version

  /// The error in plain words, one line.
  var message: [UInt8] {
    switch self {
    case .unknownOption(let word):
      return text("unknown option '") + word + text("' (see singlefilefs --help)")
    case .badValue(let option, let rule):
      return text("'") + option + text("': ") + rule
    case .missingValue(let option):
      return text("'") + option + text("' needs a value")
    case .openQuote(let word):
      return text("a quote is not closed in '") + word + text("'")
    case .missingOperand:
      return text("give an image or a block device, and a mount point")
    case .extraOperand(let word):
      return text("'") + word + text("' is one operand too many: give an image and a mount point")
    case .allowOtherNotPermitted:
      return text(
        "allow_other is for root, and for users where /etc/fuse.conf has user_allow_other")
    case .fuseblkNotPermitted:
      return text("blkdev is for root")
    case .help:
      return optionSummary
    case .version:
      return text("singlefilefs ") + programVersion
    }
  }
}
