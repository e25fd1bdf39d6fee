// SPDX-License-Identifier: LGPL-2.1-or-later

internal import FuseService
internal import ServerSupport

/// What the caller may do, as the hello tells.
struct CallerRights: Equatable {
  /// Mount with `allow_other`.
  var mayAllowOther = false
  /// Mount as `fuseblk`.
  var mayUseFuseblk = false
}

/// A command line as this server understands it.
struct ServerOptions: Equatable {
  /// The image or block device, as named.
  var source: [UInt8] = []
  /// The mount point, as named.
  var mountPoint: [UInt8] = []
  /// The name of the one file.
  var fileName = text("image")
  /// How much of the source to show, in bytes; `nil` is all of it.
  var size: Int64?
  /// The block size to report and to set on a device, in bytes; `nil` leaves the choice.
  var blockSize: UInt32?
  /// The source has to be a block device.
  var requireBlockDevice = false
  /// Ask for a loop device in the place of a regular file.
  var loopDevice = false
  /// Files may be opened with `O_DIRECT`.
  var allowsDirectIO = true
  /// Other users may use the mount.
  var allowOther = false
  /// Mount as `fuseblk`.
  var fuseblk = false
  /// The largest read in bytes; 0 leaves the choice to the kernel.
  var maxRead: UInt32 = 0
  /// Serve one request at a time.
  var singleThreaded = false
  /// Log every request.
  var debug = false
  /// The source's name in the mount table, where `fsname=` gives one.
  var sourceName: [UInt8]?
  /// The mount's flags.
  var flags: FuseMountFlags = [.noSetId, .noDevices]
  /// Options for FUSE's superblock.
  var superblockWords: [[UInt8]] = []
  /// Options for the mount table.
  var userspaceWords: [[UInt8]] = []

  /// Never write to the source.
  var isReadOnly: Bool { flags.contains(.readOnly) }
  /// Wait for the medium after every write.
  var isSynchronous: Bool { flags.contains(.synchronous) }

  /// Reads the arguments behind the subtype.
  init(arguments: [[UInt8]], rights: CallerRights) throws(OptionError) {
    var operands: [[UInt8]] = []
    for argument in try read(arguments) {
      switch argument {
      case .operand(let operand): operands.append(operand)
      case .option(let option): try take(option: option)
      case .word(let word): try take(word: word)
      }
    }
    if operands.count > 2 { throw .extraOperand(operands[2]) }
    guard operands.count == 2, !operands[0].isEmpty, !operands[1].isEmpty else {
      throw .missingOperand
    }
    source = operands[0]
    mountPoint = operands[1]
    if allowOther && !rights.mayAllowOther { throw .allowOtherNotPermitted }
    if fuseblk && !rights.mayUseFuseblk { throw .fuseblkNotPermitted }
  }

  private mutating func take(option: [UInt8]) throws(OptionError) {
    if equals(option, "--help") { throw .help }
    if equals(option, "--version") { throw .version }
    for letter in option.dropFirst() {
      switch letter {
      case UInt8(ascii: "d"): debug = true
      case UInt8(ascii: "s"): singleThreaded = true
      case UInt8(ascii: "r"): flags.insert(.readOnly)
      case UInt8(ascii: "n"): userspaceWords.append(text("-n"))
      // A service is in the foreground, and its log tells all there is.
      case UInt8(ascii: "f"), UInt8(ascii: "v"): break
      case UInt8(ascii: "h"): throw .help
      case UInt8(ascii: "V"): throw .version
      default: throw .unknownOption(option)
      }
    }
  }

  private mutating func take(word: [UInt8]) throws(OptionError) {
    if flags.apply(word) { return }
    if isSuperblockWord(word) {
      superblockWords.append(word)
    } else if isUserspaceWord(word) {
      userspaceWords.append(word)
    } else if !take(plainWord: word), try !take(valueWord: word) {
      throw .unknownOption(word)
    }
  }

  private mutating func take(plainWord word: [UInt8]) -> Bool {
    if equals(word, "require_bdev") {
      requireBlockDevice = true
    } else if equals(word, "loop") {
      loopDevice = true
    } else if equals(word, "dio") {
      allowsDirectIO = true
    } else if equals(word, "nodio") {
      allowsDirectIO = false
    } else if equals(word, "blkdev") {
      fuseblk = true
    } else if equals(word, "debug") {
      debug = true
    } else if equals(word, "allow_other") {
      if !allowOther { superblockWords.append(word) }
      allowOther = true
    } else {
      return equals(word, "defaults")
    }
    return true
  }

  private mutating func take(valueWord word: [UInt8]) throws(OptionError) -> Bool {
    if let name = value(of: word, after: "name=") {
      guard isFileName(name) else {
        throw .badValue(
          option: word,
          rule: text("a file name has 1 to 255 bytes, no slash and no control character"))
      }
      fileName = name
    } else if let size = value(of: word, after: "size=") {
      guard let bytes = byteCount(size), bytes > 0 else {
        throw .badValue(option: word, rule: text("a size is a number of bytes above 0, as 512M"))
      }
      self.size = bytes
    } else if let size = value(of: word, after: "blocksize=") {
      guard let bytes = byteCount(size), let blockSize = validBlockSize(bytes) else {
        throw .badValue(option: word, rule: text("a block size is a power of two from 512 to 1G"))
      }
      self.blockSize = blockSize
    } else if let size = value(of: word, after: "max_read=") {
      guard let bytes = byteCount(size), bytes > 0, bytes <= Int64(UInt32.max),
        size.last.map({ $0 <= 0x39 }) == true
      else {
        throw .badValue(option: word, rule: text("the largest read is a number of bytes above 0"))
      }
      maxRead = UInt32(bytes)
      superblockWords.append(word)
    } else if let name = value(of: word, after: "fsname=") {
      guard isSourceName(name) else {
        throw .badValue(
          option: word, rule: text("a source name has 1 to 255 bytes and no control character"))
      }
      sourceName = name
    } else {
      return false
    }
    return true
  }
}

/// Whether bytes can name a file in a directory (`path_resolution(7)`), and a log can show them.
func isFileName(_ name: [UInt8]) -> Bool {
  isSourceName(name) && !name.contains(UInt8(ascii: "/")) && !equals(name, ".")
    && !equals(name, "..")
}

private func read(_ arguments: [[UInt8]]) throws(OptionError) -> [CallerArgument] {
  do throws(CallerArgumentError) {
    return try callerArguments(arguments)
  } catch {
    switch error {
    case .missingValue(let option): throw .missingValue(option)
    case .openQuote(let word): throw .openQuote(word)
    }
  }
}

/// A block size, if it can be one.
private func validBlockSize(_ bytes: Int64) -> UInt32? {
  guard (512...1 << 30).contains(bytes), bytes & (bytes - 1) == 0 else { return nil }
  return UInt32(bytes)
}
