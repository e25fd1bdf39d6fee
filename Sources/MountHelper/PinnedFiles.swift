// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import MountPolicy

/// Files held by descriptors (`O_PATH`) from the start of the run.
struct PinnedFiles: ~Copyable {
  private var paths: [[UInt8]] = []
  private var numbers: [Int32] = []

  /// Pins those of `names` that there are. One that is missing, or that the caller cannot reach,
  /// stays without a pin and cannot be opened later.
  init(_ names: NamedFiles) {
    for path in names.all {
      guard let descriptor = try? openFile(path, .path, resolve: .noMagicLinks) else { continue }
      paths.append(path)
      numbers.append(descriptor.release())
    }
  }

  deinit {
    for number in numbers { _ = FileDescriptor(owning: number) }
  }

  /// Another descriptor for the file pinned under `path`; `nil` when there is none.
  func descriptor(for path: [UInt8]) throws(Errno) -> FileDescriptor? {
    guard let index = paths.firstIndex(of: path) else { return nil }
    return try duplicateDescriptor(numbers[index])
  }
}
