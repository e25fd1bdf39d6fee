// SPDX-License-Identifier: LGPL-2.1-or-later

internal import LinuxPrimitives
internal import Literals
internal import MountPolicy

/// What a root caller named, held by descriptors (`O_PATH`) from the start of the run: each file, or
/// where there is none, the directory in which a server may create it; or why there is neither.
struct PinnedFiles: ~Copyable {
  private enum Pin {
    case file(Int32)
    case missing(directory: Int32)
    case missingDirectory(Errno)
    case failed(Errno)
  }

  /// How many names need no look at what they leave of the descriptors: `setLimits` sees to 64.
  private static let fewNames = 32
  /// What the rest of the run needs, in descriptors.
  private static let reserve = 16

  private var paths: [[UInt8]] = []
  private var pins: [Pin] = []

  /// Pins what there is of `names`. What the caller cannot reach stays without a pin, and its error
  /// is what a server hears that asks for it.
  ///
  /// - Throws: `EMFILE`, `ENFILE`, `ENOMEM` when the machine cannot hold so many: none of the names
  ///   may count as not named for that.
  init(_ names: NamedFiles) throws(Errno) {
    var reserved: [Int32] = []
    defer { for number in reserved { _ = FileDescriptor(owning: number) } }
    if names.all.count > Self.fewNames {
      for _ in 0..<Self.reserve { reserved.append(try duplicateDescriptor(0).release()) }
    }
    for path in names.all {
      let pin = PinnedFiles.pin(path)
      paths.append(path)
      pins.append(pin)
      switch pin {
      case .failed(let error), .missingDirectory(let error):
        if error == .tooManyOpenFiles || error == .tooManyOpenFilesInSystem || error == .noMemory {
          throw error
        }
      case .file, .missing: break
      }
    }
  }

  private static func pin(_ path: [UInt8]) -> Pin {
    do throws(Errno) {
      return .file(try openFile(path, .path, resolve: .noMagicLinks).release())
    } catch {
      guard error == .noSuchFile else { return .failed(error) }
    }
    do throws(Errno) {
      let directory = splitPath(path).directory
      return .missing(directory: try openFile(directory, .path, resolve: .noMagicLinks).release())
    } catch {
      return .missingDirectory(error)
    }
  }

  deinit {
    for pin in pins {
      switch pin {
      case .file(let number), .missing(let number): _ = FileDescriptor(owning: number)
      case .missingDirectory, .failed: break
      }
    }
  }

  /// Another descriptor for the file pinned under `path`.
  ///
  /// - Throws: why there was none at the start.
  func file(_ path: [UInt8]) throws(Errno) -> FileDescriptor {
    switch pin(under: path) {
    case .file(let number): return try duplicateDescriptor(number)
    case .failed(let error): throw error
    case .missing, .missingDirectory, nil: throw .noSuchFile
    }
  }

  /// Another descriptor for the directory in which the file `path` was missing at the start.
  ///
  /// - Throws: why there was none.
  func directory(ofMissing path: [UInt8]) throws(Errno) -> FileDescriptor {
    switch pin(under: path) {
    case .missing(let number): return try duplicateDescriptor(number)
    case .missingDirectory(let error), .failed(let error): throw error
    case .file, nil: throw .noSuchFile
    }
  }

  private func pin(under path: [UInt8]) -> Pin? {
    paths.firstIndex(of: path).map { pins[$0] }
  }
}

/// The directory that a path leads to and the last component in it.
///
/// Without array literals on purpose. The optimizer makes static objects of them, numbers them within
/// a function, and emits them as weak symbols; a second copy of the function, specialized in another
/// module, numbered its two the other way round, and the linker gave one copy the other's `/` for `.`.
func splitPath(_ path: [UInt8]) -> (directory: [UInt8], name: [UInt8]) {
  guard let last = path.lastIndex(of: UInt8(ascii: "/")) else { return (text("."), path) }
  return (last == 0 ? text("/") : Array(path[..<last]), Array(path[(last + 1)...]))
}
