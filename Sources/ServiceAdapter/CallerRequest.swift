// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CServiceAdapter
internal import FuseService
internal import ServerSupport

/// A file that the caller named in an option.
struct NamedFile: Equatable {
  /// The word up to its `=`, and with it.
  let word: [UInt8]
  /// The name.
  let path: [UInt8]
}

/// What the caller wants, of what the description permits.
struct CallerRequest: Equatable {
  /// The source, as named.
  var source: [UInt8] = []
  /// The mount point, as named.
  var mountPoint: [UInt8] = []
  /// The mount's flags.
  var flags: FuseMountFlags = [.noSetId, .noDevices]
  /// Other users may use the mount.
  var allowsOthers = false
  /// Words for the server.
  var serverWords: [[UInt8]] = []
  /// More files for the server.
  var files: [NamedFile] = []
  /// Options for FUSE's superblock.
  var superblockWords: [[UInt8]] = []
  /// Options for the mount table.
  var userspaceWords: [[UInt8]] = []
  /// The source's name in the mount table, where `fsname=` gives one.
  var sourceName: [UInt8]?

  /// Whether the source is only read.
  var isReadOnly: Bool { flags.contains(.readOnly) }

  /// Reads the arguments behind the subtype.
  init(
    arguments: [[UInt8]], description: ServiceDescription, mayAllowOther: Bool
  ) throws(RequestError) {
    var operands: [[UInt8]] = []
    for argument in try read(arguments) {
      switch argument {
      case .operand(let operand): operands.append(operand)
      case .option(let option): try take(option: option, description)
      case .word(let word): try take(word: word, description)
      }
    }
    if operands.count > 2 { throw .extraOperand(operands[2]) }
    guard operands.count == 2, !operands[0].isEmpty, !operands[1].isEmpty else {
      throw .missingOperand
    }
    source = operands[0]
    mountPoint = operands[1]
    if description.isOnTheWeb && !isAddress(source) { throw .noAddress(source) }
    if allowsOthers && !mayAllowOther { throw .allowOtherNotPermitted }
    if description.isReadOnly { flags.insert(.readOnly) }
  }

  private mutating func take(
    option: [UInt8], _ description: ServiceDescription
  ) throws(RequestError) {
    if equals(option, "--help") || equals(option, "-h") { throw .help(words(of: description)) }
    for letter in option.dropFirst() {
      switch letter {
      case UInt8(ascii: "r"): flags.insert(.readOnly)
      case UInt8(ascii: "w"): flags.remove(.readOnly)
      case UInt8(ascii: "n"): userspaceWords.append(text("-n"))
      // A service is in the foreground, and its log tells all there is.
      case UInt8(ascii: "f"), UInt8(ascii: "v"), UInt8(ascii: "s"): break
      default: throw .unknownOption(option, known: words(of: description))
      }
    }
  }

  private mutating func take(
    word: [UInt8], _ description: ServiceDescription
  ) throws(RequestError) {
    if flags.apply(word) || equals(word, "defaults") { return }
    if let file = namedFile(word, description) {
      guard files.count + 1 < Int(SERVICE_SHIM_MOST_FILES) else { throw .tooManyFiles }
      guard !file.path.isEmpty else { throw .badValue(word) }
      files.append(file)
    } else if description.callerWords.contains(where: { permits($0, word) }) {
      // It becomes one of several words of the server's -o.
      guard !word.contains(UInt8(ascii: ",")), !word.contains(UInt8(ascii: "\\")) else {
        throw .badValue(word)
      }
      serverWords.append(word)
    } else if equals(word, "allow_other") {
      allowsOthers = true
    } else if let name = value(of: word, after: "fsname=") {
      guard isSourceName(name) else { throw .badValue(word) }
      sourceName = name
    } else if isUserspaceWord(word) {
      userspaceWords.append(word)
    } else if isSuperblockWord(word) && !word.starts(with: "blksize=".utf8) {
      superblockWords.append(word)
    } else {
      throw .unknownOption(word, known: words(of: description))
    }
  }
}

/// Why what the caller wants is refused.
enum RequestError: Error, Equatable {
  /// An option that neither the adapter nor the description knows, and those that there are.
  case unknownOption([UInt8], known: [UInt8])
  /// An option whose value cannot be.
  case badValue([UInt8])
  /// More files in options than a server can have.
  case tooManyFiles
  /// An option that stands last but needs a value.
  case missingValue([UInt8])
  /// A double quote that is not closed.
  case openQuote([UInt8])
  /// Only a mount point, or nothing at all.
  case missingOperand
  /// More than a source and a mount point.
  case extraOperand([UInt8])
  /// A source that is no address of the web, where it has to be one.
  case noAddress([UInt8])
  /// The caller may not use `allow_other`.
  case allowOtherNotPermitted
  /// Help was asked for, which is no mount; the words that this file system adds.
  case help([UInt8])

  /// The error in plain words, one line.
  var message: [UInt8] {
    switch self {
    case .unknownOption(let word, let known):
      return text("unknown option '") + word + text("'; there are: ") + known
    case .badValue(let word):
      return text("'") + word + text("' has a value that it cannot have")
    case .tooManyFiles:
      return text("too many files in options")
    case .missingValue(let option):
      return text("'") + option + text("' needs a value")
    case .openQuote(let word):
      return text("a quote is not closed in '") + word + text("'")
    case .missingOperand:
      return text("give a source and a mount point")
    case .extraOperand(let word):
      return text("'") + word + text("' is one operand too many: give a source and a mount point")
    case .noAddress(let source):
      return text("'") + source + text("' is no http:// or https:// address")
    case .allowOtherNotPermitted:
      return text(
        "allow_other is for root, and for users where /etc/fuse.conf has user_allow_other")
    case .help(let words):
      return text("options: ") + words
    }
  }
}

private func read(_ arguments: [[UInt8]]) throws(RequestError) -> [CallerArgument] {
  do throws(CallerArgumentError) {
    return try callerArguments(arguments)
  } catch {
    switch error {
    case .missingValue(let option): throw .missingValue(option)
    case .openQuote(let word): throw .openQuote(word)
    }
  }
}

/// Whether a word of the caller's is one that the description names: the same, or, where that ends
/// in `=`, one that begins so.
private func permits(_ known: [UInt8], _ word: [UInt8]) -> Bool {
  known.last == equalsSign ? word.starts(with: known) : word == known
}

/// Whether a word is an address that a server may be given: it cannot be taken for an option.
private func isAddress(_ word: [UInt8]) -> Bool {
  ["http://", "https://"].contains { word.starts(with: $0.utf8) && word.count > $0.utf8.count }
    && word.allSatisfy { $0 > 0x20 && $0 != 0x7f }
}

private func namedFile(_ word: [UInt8], _ description: ServiceDescription) -> NamedFile? {
  guard let known = description.fileWords.first(where: { word.starts(with: $0) }) else {
    return nil
  }
  return NamedFile(word: known, path: Array(word.dropFirst(known.count)))
}

/// What a caller of this file system can write behind `-o`.
private func words(of description: ServiceDescription) -> [UInt8] {
  var words = [text(description.isReadOnly ? "ro" : "ro, rw")]
  words += description.callerWords + description.fileWords.map { $0 + text("FILE") }
  words.append(
    text(
      "allow_other, default_permissions, fsname=NAME, nosuid, nodev, noexec, sync, dirsync, "
        + "noatime, nodiratime, relatime, strictatime, nosymfollow, x-*"))
  return Array(words.joined(separator: text(", ")))
}
