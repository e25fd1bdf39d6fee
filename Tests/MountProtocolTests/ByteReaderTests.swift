// SPDX-License-Identifier: LGPL-2.1-or-later

import MountProtocol
import Testing

@Suite("Reading and writing bytes")
struct ByteReaderTests {
  @Test
  func `Integers of every width are big-endian`() {
    var writer = ByteWriter()
    writer.write(UInt8(0x01))
    writer.write(UInt16(0x0203))
    writer.write(UInt32(0x0405_0607))
    writer.write(UInt64(0x0809_0a0b_0c0d_0e0f))
    writer.write([0x10, 0x11])
    writer.writeTerminated([0x12])
    #expect(writer.bytes == Array(0x01...0x12) + [0])

    var reader = ByteReader(writer.bytes)
    #expect(reader.remaining == 19)
    #expect(reader.readUInt8() == 0x01)
    #expect(reader.readUInt16() == 0x0203)
    #expect(reader.readUInt32() == 0x0405_0607)
    #expect(reader.readUInt64() == 0x0809_0a0b_0c0d_0e0f)
    #expect(reader.readBytes(2) == [0x10, 0x11])
    #expect(reader.remaining == 2)
    #expect(reader.readTerminatedString() == [0x12])
    #expect(reader.remaining == 0)
  }

  @Test
  func `The largest integers survive`() {
    var writer = ByteWriter()
    writer.write(UInt64.max)
    writer.write(UInt32.max)
    writer.write(UInt16.max)
    writer.write(UInt8.max)
    var reader = ByteReader(writer.bytes)
    #expect(reader.readUInt64() == .max)
    #expect(reader.readUInt32() == .max)
    #expect(reader.readUInt16() == .max)
    #expect(reader.readUInt8() == .max)
  }

  @Test
  func `An integer that is cut short is nil and takes nothing`() {
    var reader = ByteReader([1, 2, 3])
    #expect(reader.readUInt64() == nil)
    #expect(reader.readUInt32() == nil)
    #expect(reader.remaining == 3)
    #expect(reader.readUInt16() == 0x0102)
    #expect(reader.readUInt16() == nil)
    #expect(reader.readUInt8() == 3)
    #expect(reader.readUInt8() == nil)
    #expect(reader.remaining == 0)
  }

  @Test(arguments: [-1, Int.min, 4, Int.max])
  func `A number of bytes that are not there is nil and takes nothing`(count: Int) {
    var reader = ByteReader([1, 2, 3])
    #expect(reader.readBytes(count) == nil)
    #expect(reader.readBytes(0) == [])
    #expect(reader.readBytes(3) == [1, 2, 3])
  }

  @Test(arguments: [[], [1], [1, 0, 2], [1, 0, 2, 0], [0, 0]] as [[UInt8]])
  func `A string that does not end at its only NUL is nil and takes nothing`(bytes: [UInt8]) {
    var reader = ByteReader(bytes)
    #expect(reader.readTerminatedString() == nil)
    #expect(reader.remaining == bytes.count)
  }

  @Test
  func `A NUL before the string is not the string's`() {
    var reader = ByteReader([0, 0x61, 0])
    #expect(reader.readUInt8() == 0)
    #expect(reader.readTerminatedString() == [0x61])
  }

  @Test
  func `An empty string is its terminator alone`() {
    var reader = ByteReader([0])
    #expect(reader.readTerminatedString() == [])
    #expect(reader.remaining == 0)
    #expect(reader.readTerminatedString() == nil)
  }
}
