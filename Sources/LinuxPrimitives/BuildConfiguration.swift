// SPDX-License-Identifier: LGPL-2.1-or-later

internal import CLinux

/// The places that a packager may change; `Sources/CLinux/include/BuildConfiguration.h` has them.
public enum BuildConfiguration {
  /// The directory of the services' sockets.
  public static var socketDirectory: [UInt8] { unsafe bytes(ofCString: clinux_socket_directory()) }
  /// The configuration file that fusermount3 reads too.
  public static var configurationPath: [UInt8] {
    unsafe bytes(ofCString: clinux_configuration_path())
  }
  /// The configuration file of this program alone.
  public static var ownConfigurationPath: [UInt8] {
    unsafe bytes(ofCString: clinux_own_configuration_path())
  }
  /// The program that does what needs the machine's shared libraries.
  public static var companionPath: [UInt8] { unsafe bytes(ofCString: clinux_companion_name()) }
  /// The version of this program.
  public static var version: [UInt8] { unsafe bytes(ofCString: clinux_version()) }
}
