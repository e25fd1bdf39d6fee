// SPDX-License-Identifier: LGPL-2.1-or-later

import ServerSupport
import Testing

@testable import SingleFile

@Suite struct GeometryTests {
  @Test(
    arguments: [
      (1, 1, nil, nil, 1, 4096), (4097, 1, nil, nil, 4097, 4096), (8192, 512, nil, nil, 8192, 4096),
      (65536, 8192, nil, nil, 65536, 8192), (10_000, 1, 5000, nil, 5000, 4096),
      (10_000, 1, 10_000, nil, 10_000, 4096), (8192, 512, nil, 512, 8192, 512),
      (10_000, 1, 8192, 1024, 8192, 1024),
    ] as [(Int64, UInt32, Int64?, UInt32?, Int64, UInt32)])
  func `A source is shown to its last byte unless less is asked for`(
    available: Int64, sector: UInt32, size: Int64?, block: UInt32?, shown: Int64, blockSize: UInt32
  ) throws {
    let geometry = try Geometry(
      of: SourceFacts(size: available, sectorSize: sector), size: size, blockSize: block)
    #expect(geometry == Geometry(size: shown, blockSize: blockSize))
  }

  @Test(
    arguments: [
      (0, 1, nil, nil, GeometryError.empty), (0, 1, 1, nil, .empty),
      (100, 1, 101, nil, .beyondSource(requested: 101, available: 100)),
      (8192, 4096, nil, 512, .blockBelowSector(block: 512, sector: 4096)),
      (1000, 1, nil, 512, .unevenSize(size: 1000, block: 512)),
      (1024, 1, 1000, 512, .unevenSize(size: 1000, block: 512)),
    ] as [(Int64, UInt32, Int64?, UInt32?, GeometryError)])
  func `A source that cannot be shown so is refused`(
    available: Int64, sector: UInt32, size: Int64?, block: UInt32?, error: GeometryError
  ) {
    #expect(throws: error) {
      try Geometry(
        of: SourceFacts(size: available, sectorSize: sector), size: size, blockSize: block)
    }
    #expect(!error.message.isEmpty)
  }

  @Test(
    arguments: [
      (10, 0, 10), (200, 0, 100), (1, 99, 1), (2, 99, 1), (1, 100, 0), (1, 101, 0), (0, 0, 0),
      (1, -1, 0), (.max, 50, 50), (10, .max, 0),
    ] as [(Int, Int64, Int)])
  func `Nothing is read or written behind the end`(count: Int, offset: Int64, available: Int) {
    #expect(Geometry(size: 100, blockSize: 4096).available(count, at: offset) == available)
  }

  @Test(arguments: [(1, 1), (4096, 1), (4097, 2), (Int64.max, 1 << 51)] as [(Int64, UInt64)])
  func `The last block may be short`(size: Int64, blocks: UInt64) {
    #expect(Geometry(size: size, blockSize: 4096).blocks == blocks)
  }
}
