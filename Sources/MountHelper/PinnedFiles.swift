// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// What a root caller named, held by descriptors (`O_PATH`) from the start of the run: each file, or
/// where there is none, the directory in which a server may create it.
struct PinnedFiles: ~Copyable {
  private var paths: [[UInt8]] = []
  private var files: [Int32?] = []
  private var directories: [Int32?] = []

  /// Pins what there is of `names`. What the caller cannot reach stays without a pin and cannot be
  /// opened later.
  init(_ names: NamedFiles) {
    for path in names.all {
      let file = try? openFile(path, .path, resolve: .noMagicLinks).release()
      let directory =
        file == nil
        ? try? openFile(splitPath(path).directory, .path, resolve: .noMagicLinks).release() : nil
      paths.append(path)
      files.append(file)
      directories.append(directory)
    }
  }

  deinit {
    for case .some(let number) in files + directories { _ = FileDescriptor(owning: number) }
  }

  /// Another descriptor for the file pinned under `path`; `nil` when there is none.
  func file(_ path: [UInt8]) throws(Errno) -> FileDescriptor? {
    try duplicate(files, path)
  }

  /// Another descriptor for the directory in which the file `path` was missing at the start; `nil`
  /// when there is none.
  func directory(ofMissing path: [UInt8]) throws(Errno) -> FileDescriptor? {
    try duplicate(directories, path)
  }

  private func duplicate(_ numbers: [Int32?], _ path: [UInt8]) throws(Errno) -> FileDescriptor? {
    guard let index = paths.firstIndex(of: path), let number = numbers[index] else { return nil }
    return try duplicateDescriptor(number)
  }
}

/// The directory that a path leads to and the last component in it.
func splitPath(_ path: [UInt8]) -> (directory: [UInt8], name: [UInt8]) {
  let slash = UInt8(ascii: "/")
  guard let last = path.lastIndex(of: slash) else { return ([UInt8(ascii: ".")], path) }
  return (last == 0 ? [slash] : Array(path[..<last]), Array(path[(last + 1)...]))
}
