// SPDX-License-Identifier: LGPL-2.1-or-later

/// The `O_*` flags of open(2) that a request may carry, with the host's numbers.
///
/// The pure modules import no C library, so the numbers are written down; a test compares them with
/// the headers.
public struct HostOpenFlags: OptionSet, Equatable, Sendable {
  /// The bits as open(2) takes them.
  public let rawValue: UInt32

  /// Wraps bits as open(2) takes them.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// `O_ACCMODE`: a number from 0 to 3, not a set of bits.
  public static let accessMode = HostOpenFlags(rawValue: 0o3)
  /// `O_WRONLY`.
  public static let writeOnly = HostOpenFlags(rawValue: 0o1)
  /// `O_RDWR`.
  public static let readWrite = HostOpenFlags(rawValue: 0o2)
  /// `O_CREAT`.
  public static let create = HostOpenFlags(rawValue: 0o100)
  /// `O_EXCL`: claims a block device, or with `O_CREAT` insists on creating.
  public static let exclusive = HostOpenFlags(rawValue: 0o200)
  /// `O_NOCTTY`.
  public static let noControllingTerminal = HostOpenFlags(rawValue: 0o400)
  /// `O_TRUNC`.
  public static let truncate = HostOpenFlags(rawValue: 0o1000)
  /// `O_APPEND`.
  public static let append = HostOpenFlags(rawValue: 0o2000)
  /// `O_NONBLOCK`.
  public static let nonblocking = HostOpenFlags(rawValue: 0o4000)
  /// `O_DSYNC`.
  public static let dataSync = HostOpenFlags(rawValue: 0o10000)
  /// `O_NOATIME`.
  public static let noAccessTime = HostOpenFlags(rawValue: 0o1_000_000)
  /// `O_CLOEXEC`.
  public static let closeOnExec = HostOpenFlags(rawValue: 0o2_000_000)
  /// `O_SYNC`, which contains `O_DSYNC`.
  public static let sync = HostOpenFlags(rawValue: 0o4_010_000)

  // The kernel's asm/fcntl.h: these three differ where an architecture brought its own numbers.
  #if arch(arm64) || arch(arm)
    /// `O_NOFOLLOW`.
    public static let noFollow = HostOpenFlags(rawValue: 0o100_000)
    /// `O_DIRECT`.
    public static let direct = HostOpenFlags(rawValue: 0o200_000)
    /// `O_LARGEFILE` as the kernel has it; 0 in 64-bit C libraries.
    public static let largeFile = HostOpenFlags(rawValue: 0o400_000)
  #elseif arch(powerpc64) || arch(powerpc64le)
    /// `O_NOFOLLOW`.
    public static let noFollow = HostOpenFlags(rawValue: 0o100_000)
    /// `O_DIRECT`.
    public static let direct = HostOpenFlags(rawValue: 0o400_000)
    /// `O_LARGEFILE` as the kernel has it; 0 in 64-bit C libraries.
    public static let largeFile = HostOpenFlags(rawValue: 0o200_000)
  #else
    /// `O_NOFOLLOW`.
    public static let noFollow = HostOpenFlags(rawValue: 0o400_000)
    /// `O_DIRECT`.
    public static let direct = HostOpenFlags(rawValue: 0o40000)
    /// `O_LARGEFILE` as the kernel has it; 0 in 64-bit C libraries.
    public static let largeFile = HostOpenFlags(rawValue: 0o100_000)
  #endif

  /// What goes into the open of the pinned file as it came.
  static let kept: HostOpenFlags = [
    .accessMode, .exclusive, .sync, .dataSync, .direct, .truncate, .append, .noAccessTime,
    .largeFile,
  ]

  /// What the helper acts on itself.
  static let handled: HostOpenFlags = [
    .create, .noFollow, .noControllingTerminal, .nonblocking, .closeOnExec,
  ]
}
