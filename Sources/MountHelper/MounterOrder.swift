// SPDX-License-Identifier: LGPL-2.1-or-later

internal import MountPolicy
internal import MountProtocol

/// What the monitor has the mounter do: the worker's intent, and how long it may take.
struct MounterOrder: Equatable {
  static let maximumSize = 4 + Intent.maximumSize

  /// `mountPoint`, `mount` or `complete`.
  var intent: Intent
  /// The time it may take, in milliseconds; less than 0 is no limit.
  var milliseconds: Int32

  init(intent: Intent, milliseconds: Int32) {
    self.intent = intent
    self.milliseconds = milliseconds
  }

  init?(decoding bytes: [UInt8]) {
    guard bytes.count > 4, let intent = Intent(decoding: Array(bytes.dropFirst(4))) else {
      return nil
    }
    self.init(intent: intent, milliseconds: Int32(bitPattern: integer(bytes.prefix(4))))
  }

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    append(UInt32(bitPattern: milliseconds), to: &bytes)
    return bytes + intent.encoded()
  }
}

/// What the mounter says to the monitor.
enum MounterReport: Equatable {
  static let maximumSize = 8192

  /// The exit status of a mounter that has said why there is no mount; any other but 0 is an error
  /// number.
  static let saidWhy: Int32 = 255

  /// The mount is made; its descriptor comes with this.
  case made(isSuperblockNew: Bool)
  /// The kernel can only mount in one step, and nothing was done.
  case oneStepOnly
  /// The mount cannot be made.
  case failed(ErrorNumber, [UInt8])
  /// The mount is attached. The line has the steps, for a caller who asked for each.
  case done([UInt8])
  /// The mount was not attached, or taken away again.
  case refused([UInt8])

  init?(decoding bytes: [UInt8]) {
    guard let kind = bytes.first else { return nil }
    let rest = bytes.dropFirst()
    switch (kind, rest.count) {
    case (0, 1): self = .made(isSuperblockNew: rest.first == 1)
    case (1, 0): self = .oneStepOnly
    case (2, 4...):
      self = .failed(ErrorNumber(rawValue: integer(rest.prefix(4))), Array(rest.dropFirst(4)))
    case (3, _): self = .done(Array(rest))
    case (4, _): self = .refused(Array(rest))
    default: return nil
    }
  }

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    // By appending: packaging/check-objects.py says why no literal of several.
    switch self {
    case .made(let isNew):
      bytes.append(0)
      bytes.append(isNew ? 1 : 0)
    case .oneStepOnly:
      bytes.append(1)
    case .failed(let error, let why):
      bytes.append(2)
      append(error.rawValue, to: &bytes)
      bytes += why
    case .done(let steps):
      bytes.append(3)
      bytes += steps
    case .refused(let why):
      bytes.append(4)
      bytes += why
    }
    return bytes.count > Self.maximumSize ? Array(bytes.prefix(Self.maximumSize)) : bytes
  }
}

private func append(_ value: UInt32, to bytes: inout [UInt8]) {
  for shift in stride(from: 0, to: 32, by: 8) {
    bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
  }
}

private func integer(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
}
