// SPDX-License-Identifier: LGPL-2.1-or-later

internal import FuseService

/// One thing that the caller wrote behind the type.
public enum CallerArgument: Equatable, Sendable {
  /// A word that is no option: the source, then the mount point.
  case operand([UInt8])
  /// An option such as `-r`, or `--help`, dashes and all.
  case option([UInt8])
  /// A word of an `-o`.
  case word([UInt8])
}

/// Why what the caller wrote cannot be read.
public enum CallerArgumentError: Error, Equatable, Sendable {
  /// An `-o` that stands last.
  case missingValue([UInt8])
  /// A double quote that is not closed.
  case openQuote([UInt8])
}

/// Takes the arguments of a service apart, in their order: operands, options with one dash or two,
/// and the words of each `-o`. Everything behind `--` is an operand, and so is a single dash.
public func callerArguments(
  _ arguments: [[UInt8]]
) throws(CallerArgumentError) -> [CallerArgument] {
  var found: [CallerArgument] = []
  var rest = arguments[...]
  var optionsEnded = false
  while let argument = rest.popFirst() {
    if optionsEnded || argument.first != UInt8(ascii: "-") || argument.count == 1 {
      found.append(.operand(argument))
    } else if equals(argument, "--") {
      optionsEnded = true
    } else if var list = value(of: argument, after: "-o") {
      if list.isEmpty {
        guard let next = rest.popFirst() else { throw .missingValue(argument) }
        list = next
      }
      found += try words(of: list)
    } else {
      found.append(.option(argument))
    }
  }
  return found
}

private func words(of list: [UInt8]) throws(CallerArgumentError) -> [CallerArgument] {
  do throws(OpenQuoteError) {
    return try optionWords(list).map { .word($0) }
  } catch {
    throw .openQuote(error.word)
  }
}

/// Whether the helper takes bytes as a mount's source: 255 bytes is the new mount API's limit.
public func isSourceName(_ name: [UInt8]) -> Bool {
  (1...255).contains(name.count) && !name.contains { $0 < 0x20 || $0 == 0x7f }
}
