// swift-tools-version: 6.2
// SPDX-License-Identifier: LGPL-2.1-or-later

import PackageDescription

// What ships is Embedded Swift: no runtime, no SWIFT_* variable read in a set-id process, and the
// start-up time of C. Tests build the same sources as ordinary Swift. The trait chooses;
// `packaging/build` sets it.
let embedded = BuildSettingCondition.when(traits: ["Embedded"])

let strict: [SwiftSetting] = [
  .enableExperimentalFeature("Embedded", embedded),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "fuservicemount3",
  traits: [
    .trait(name: "Embedded", description: "Embedded Swift, for the programs that ship.")
  ],
  targets: [
    // The borders of docs/architecture.md: imports go one way, and Tests/MountHelperTests checks it.
    .target(name: "CLinux"),
    .target(name: "MountProtocol", swiftSettings: strict),
    .target(name: "MountPolicy", dependencies: ["MountProtocol"], swiftSettings: strict),
    .target(name: "LinuxPrimitives", dependencies: ["CLinux"], swiftSettings: strict),
    .testTarget(name: "MountProtocolTests", dependencies: ["MountProtocol"]),
  ],
  swiftLanguageModes: [.v6]
)
