// SPDX-License-Identifier: LGPL-2.1-or-later

internal import Literals

/// The loop devices that were given to one user's servers, as a file that only root can write keeps
/// them: a line for each, `NUMBER SEQUENCE`.
///
/// A server may detach its device, clear its AUTOCLEAR, and attach what it likes to it, so nothing
/// that the kernel says of an attached device tells whose it is. What is charged stays charged until
/// the device is seen detached.
public struct LoopCharges: Equatable, Sendable {
  /// One device.
  public struct Device: Equatable, Sendable {
    /// N of `/dev/loopN`.
    public var number: UInt32
    /// The kernel's number for the attachment (`BLKGETDISKSEQ`); 0 where it is not known.
    public var sequence: UInt64

    /// A device.
    public init(number: UInt32, sequence: UInt64) {
      self.number = number
      self.sequence = sequence
    }
  }

  /// The devices, in the order in which they were charged.
  public private(set) var devices: [Device]

  /// Reads the file. A line that is none, as one cut short by a killed process may be, is left out.
  public init(parsing content: [UInt8]) {
    devices = []
    for line in content[...].split(separator: UInt8(ascii: "\n")) {
      let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      guard words.count == 2, let number = decimal(words[0]),
        number <= LoopNumber.largest, let sequence: UInt64 = decimalNumber(words[1])
      else { continue }
      charge(Device(number: number, sequence: sequence))
    }
  }

  /// Charges a device, once.
  public mutating func charge(_ device: Device) {
    release(device.number)
    devices.append(device)
  }

  /// Takes the charge of a device back.
  public mutating func release(_ number: UInt32) { devices.removeAll { $0.number == number } }

  /// The file's content. All lines are as long as each other, so that a file that was written over
  /// only in part has whole lines, of before or of now.
  public func encoded() -> [UInt8] {
    var content: [UInt8] = []
    for device in devices {
      content += padded(UInt64(device.number), to: 7) + text(" ")
      content += padded(device.sequence, to: 20) + text("\n")
    }
    return content
  }

  private func padded(_ value: UInt64, to width: Int) -> [UInt8] {
    let text = digits(value)
    return [UInt8](repeating: UInt8(ascii: "0"), count: max(0, width - text.count)) + text
  }
}

/// The numbers of loop devices.
public enum LoopNumber {
  /// The largest number that a device can have: 20 bits, as minor numbers have.
  public static let largest: UInt32 = (1 << 20) - 1

  /// The number of the loop device of this name, if it is one.
  public static func number(ofName name: [UInt8]) -> UInt32? {
    guard let digits = name.rest(after: text("loop")), let number = decimal(digits),
      number <= largest
    else { return nil }
    return number
  }
}
