// SPDX-License-Identifier: LGPL-2.1-or-later

import FuseService
import LinuxPrimitives
import MountProtocol

extension FuzzTarget {
  /// The input is the memory file with the command line, as a server receives it from a helper that
  /// it does not trust.
  public static let arguments = FuzzTarget(name: "arguments") { (bytes) throws(BrokenPromise) in
    let decoded = try? ArgumentsFile.decode(bytes)
    if let decoded {
      let total = decoded.reduce(0) { $0 + $1.count + 1 }
      try promise(total <= bytes.count, "\(total) bytes come out of \(bytes.count)")
      try promiseReadsAsInC(decoded, from: bytes)
    }
    try promiseServerReads(decoded, from: bytes)
    var input = FuzzInput(bytes)
    try promiseRoundTrip(input.fields())
  }

  private static func promiseRoundTrip(_ arguments: [[UInt8]]) throws(BrokenPromise) {
    let file = ArgumentsFile.encode(arguments)
    let again = try? ArgumentsFile.decode(file)
    try promise(again == arguments, "\(arguments.map(shown)) reads back as something else")
    try promiseReadsAsInC(arguments, from: file)
  }

  // MARK: As a C program does

  private static func promiseReadsAsInC(
    _ arguments: [[UInt8]], from file: [UInt8]
  ) throws(BrokenPromise) {
    for (index, argument) in arguments.enumerated() {
      try promise(
        argument == element(index, of: file), "element \(index) reads as \(shown(argument))")
    }
  }

  /// An element as a C program finds it: so many bytes from its place in the table, the last of them
  /// NUL, up to the first NUL. Slicing traps where the table leads out of the file.
  private static func element(_ index: Int, of file: [UInt8]) -> [UInt8]? {
    func integer(at offset: Int) -> Int {
      file[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) }
    }
    let start = integer(at: 8 + 8 * index)
    let length = integer(at: 12 + 8 * index)
    let element = file[start..<(start + length)]
    return element.last == 0 ? Array(element.prefix { $0 != 0 }) : nil
  }

  // MARK: As this project's servers do

  /// A server takes the file when, and only when, it holds a command line of some words.
  private static func promiseServerReads(
    _ arguments: [[UInt8]]?, from file: [UInt8]
  ) throws(BrokenPromise) {
    var pair = try onThisMachine { () throws(Errno) in try PacketSocket.pair() }
    guard let helper = pair.first.take(), let server = pair.second.take() else {
      throw BrokenPromise(description: "half a pair")
    }
    let socket = try onThisMachine { () throws(Errno) in
      try sendUpToFuseDevice(file, on: helper)
      return try server.descriptor.duplicate()
    }
    let isCommandLine = arguments?.isEmpty == false
    var read: [[UInt8]]?
    var refusal: FuseServiceError?
    do throws(FuseServiceError) {
      read = try FuseServiceConnection.begin(over: socket).arguments
    } catch {
      refusal = error
    }
    helper.shutDown()
    switch refusal {
    case nil: try promise(isCommandLine && read == arguments, "\(shown(file)) is read otherwise")
    // What comes after the command line.
    case .wrongFuseDevice?: try promise(isCommandLine, "\(shown(file)) is taken")
    case .badArguments?: try promise(!isCommandLine, "\(shown(file)) is not taken")
    case let other?: throw BrokenPromise(description: "\(other) for \(shown(file))")
    }
  }

  /// Says all that a helper says unasked.
  private static func sendUpToFuseDevice(
    _ file: [UInt8], on helper: borrowing PacketSocket
  ) throws(Errno) {
    let soon = Deadline.after(seconds: 20)
    let arguments = try memoryFile(file)
    // Where there is no such device a server gives up, but only after the command line.
    let device = try fuseDevice(orElse: arguments)
    try helper.send(Hello(flags: []).encoded(), until: soon)
    try helper.send(
      Reply.file(error: nil, path: ProtocolLimits.argumentsPath).encoded(),
      passing: arguments.rawValue, until: soon)
    try helper.send(
      Reply.file(error: nil, path: ProtocolLimits.fuseDevicePath).encoded(),
      passing: device.rawValue, until: soon)
  }

  private static func fuseDevice(
    orElse other: borrowing FileDescriptor
  ) throws(Errno) -> FileDescriptor {
    do throws(Errno) {
      return try openFile(Array("/dev/fuse".utf8), .readWrite)
    } catch {
      return try other.duplicate()
    }
  }
}
