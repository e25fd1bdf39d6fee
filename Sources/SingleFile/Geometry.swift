// SPDX-License-Identifier: LGPL-2.1-or-later

internal import ServerSupport

/// What the kernel tells of an opened source.
struct SourceFacts: Equatable {
  /// The size in bytes.
  var size: Int64
  /// The smallest unit that a device reads and writes, in bytes; 1 for a regular file.
  var sectorSize: UInt32
  /// Whether writing would fail, whatever the descriptor was asked for.
  var isReadOnly = false
}

/// How large the one file is and in what blocks.
struct Geometry: Equatable {
  /// In bytes.
  var size: Int64
  /// In bytes, a power of two.
  var blockSize: UInt32
}

/// Why a source cannot be shown as it was asked for.
enum GeometryError: Error, Equatable {
  /// The source has no byte.
  case empty
  /// `size=` asks for more than there is.
  case beyondSource(requested: Int64, available: Int64)
  /// A block is smaller than the device's sector.
  case blockBelowSector(block: UInt32, sector: UInt32)
  /// The size is no multiple of `blocksize=`.
  case unevenSize(size: Int64, block: UInt32)

  /// The error in plain words, without the source's name.
  var message: [UInt8] {
    switch self {
    case .empty:
      return text("it is empty")
    case .beyondSource(let requested, let available):
      return text("size=\(requested) is more than its \(available) bytes")
    case .blockBelowSector(let block, let sector):
      return text("blocksize=\(block) is below the device's sector of \(sector) bytes")
    case .unevenSize(let size, let block):
      return text("\(size) bytes are no multiple of blocksize=\(block)")
    }
  }
}

extension Geometry {
  /// Decides on the size and the block size. Without `blocksize=` every byte is shown, whether or
  /// not the last block is full, so that the file is the image.
  init(
    of facts: SourceFacts, size requested: Int64?, blockSize: UInt32?
  ) throws(GeometryError) {
    guard facts.size > 0 else { throw .empty }
    let size = requested ?? facts.size
    guard size <= facts.size else {
      throw .beyondSource(requested: size, available: facts.size)
    }
    guard let blockSize else {
      self.init(size: size, blockSize: max(4096, facts.sectorSize))
      return
    }
    guard blockSize >= facts.sectorSize else {
      throw .blockBelowSector(block: blockSize, sector: facts.sectorSize)
    }
    guard size % Int64(blockSize) == 0 else { throw .unevenSize(size: size, block: blockSize) }
    self.init(size: size, blockSize: blockSize)
  }

  /// How many blocks of the block size the file has; the last one may be short.
  var blocks: UInt64 {
    (UInt64(size) + UInt64(blockSize) - 1) / UInt64(blockSize)
  }

  /// How many of `count` bytes at `offset` there are: fewer at the end, none behind it.
  func available(_ count: Int, at offset: Int64) -> Int {
    guard offset >= 0, offset < size, count > 0 else { return 0 }
    return Int(min(Int64(count), size - offset))
  }
}
