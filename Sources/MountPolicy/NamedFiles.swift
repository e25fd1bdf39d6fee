// SPDX-License-Identifier: LGPL-2.1-or-later

/// The files that the caller named on the command line: all that a server may ask for.
public struct NamedFiles: Equatable, Sendable {
  /// The names in the order of the command line, each once.
  public let all: [[UInt8]]
  /// The same names sorted, so that thousands of requests do not cost as many long searches.
  private let sorted: [[UInt8]]

  /// The names in `operands`, the positional arguments other than the mount point, and in
  /// `optionValues`, the values of `key=value` elements of `-o`. An empty one names nothing.
  public init(operands: [[UInt8]], optionValues: [[UInt8]]) {
    let names = operands + optionValues
    var sorted: [[UInt8]] = []
    var isFirst = [Bool](repeating: false, count: names.count)
    for index in byteOrder(of: names) where !names[index].isEmpty && sorted.last != names[index] {
      sorted.append(names[index])
      isFirst[index] = true
    }
    self.sorted = sorted
    all = names.indices.filter { isFirst[$0] }.map { names[$0] }
  }

  /// Whether the caller named `path`, byte for byte: another spelling of it is another name.
  public func contains(_ path: [UInt8]) -> Bool {
    var low = 0
    var high = sorted.count
    while low < high {
      let middle = low + (high - low) / 2
      if sorted[middle].lexicographicallyPrecedes(path) { low = middle + 1 } else { high = middle }
    }
    return low < sorted.count && sorted[low] == path
  }
}
