// swift-tools-version: 6.2
// SPDX-License-Identifier: LGPL-2.1-or-later

import PackageDescription

// What ships is Embedded Swift: no runtime, no SWIFT_* variable read in a set-id process, and the
// start-up time of C. Tests build the same sources as ordinary Swift. The trait chooses;
// `packaging/build` sets it, and adds the flags for a small program: other packages depend on
// FuseService, so no flag stands here that SwiftPM calls unsafe, but for linking what ships.
let embedded = BuildSettingCondition.when(traits: ["Embedded"])

let strict: [SwiftSetting] = [
  .enableExperimentalFeature("Embedded", embedded),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

// Full RELRO, bind-now, no run path, stripped, unused sections dropped, equal functions folded into
// one, which takes the toolchain's own linker. PIE is the default.
let hardenedLink: [LinkerSetting] = [
  .unsafeFlags(
    [
      "-enable-experimental-feature", "Embedded", "-no-toolchain-stdlib-rpath",
      "-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "--icf=all",
      "-Xlinker", "-z", "-Xlinker", "now",
      "-Xlinker", "-z", "-Xlinker", "relro", "-Xlinker", "--as-needed", "-Xlinker", "-s",
    ], embedded)
]

// Without shared libraries and without the C library's own start files: packaging/build compiles this
// program with musl's headers and gives the linker musl's library (docs/decisions/0011).
let staticLink: [LinkerSetting] =
  hardenedLink + [
    .unsafeFlags(["-Xclang-linker", "-static-pie", "-Xclang-linker", "-nostdlib"], embedded)
  ]

let package = Package(
  name: "fuservicemount3",
  products: [
    .executable(name: "fuservicemount3", targets: ["fuservicemount3"]),
    .executable(name: "fuservicemount3-companion", targets: ["fuservicemount3-companion"]),
    .executable(name: "singlefilefs", targets: ["singlefilefs"]),
    .executable(name: "fuse-service-adapter", targets: ["fuse-service-adapter"]),
    .library(name: "fuse-service-shim", type: .dynamic, targets: ["ServiceShim"]),
    // With the modules whose types its interface shows.
    .library(
      name: "FuseService", targets: ["FuseService", "LinuxPrimitives", "MountProtocol"]),
  ],
  traits: [
    .trait(name: "Embedded", description: "Embedded Swift, for the programs that ship.")
  ],
  targets: [
    // The borders of docs/architecture.md: imports go one way, and Tests/MountHelperTests checks it.
    .target(name: "CLinux"),
    .systemLibrary(name: "CLibmount", pkgConfig: "mount", providers: [.apt(["libmount-dev"])]),
    .systemLibrary(name: "CLibfuse3", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),

    .target(name: "Literals", swiftSettings: strict),
    .target(name: "MountProtocol", dependencies: ["Literals"], swiftSettings: strict),
    .target(
      name: "MountPolicy", dependencies: ["MountProtocol", "Literals"], swiftSettings: strict),
    .target(
      name: "MountSession", dependencies: ["MountPolicy", "MountProtocol", "Literals"],
      swiftSettings: strict),
    .target(
      name: "LinuxPrimitives", dependencies: ["CLinux", "Literals"], swiftSettings: strict),
    .target(
      name: "MountHelper",
      dependencies: [
        "MountSession", "MountPolicy", "MountProtocol", "LinuxPrimitives", "CLinux", "Literals",
      ],
      swiftSettings: strict),
    .target(
      name: "LinuxPrivileges",
      dependencies: [
        "MountHelper", "MountPolicy", "MountProtocol", "LinuxPrimitives", "CLinux", "Literals",
      ],
      swiftSettings: strict),
    // What the helper executes where it needs the machine's shared libraries.
    .target(
      name: "Companion",
      dependencies: ["MountPolicy", "LinuxPrimitives", "CLinux", "CLibmount", "Literals"],
      swiftSettings: strict),
    .target(
      name: "FuseService", dependencies: ["MountProtocol", "LinuxPrimitives", "CLinux"],
      swiftSettings: strict),
    // What the servers that ship have in common.
    .target(
      name: "ServerSupport", dependencies: ["FuseService", "LinuxPrimitives", "CLinux"],
      swiftSettings: strict),
    .target(
      name: "SingleFile",
      dependencies: ["ServerSupport", "FuseService", "LinuxPrimitives", "CLinux", "CLibfuse3"],
      swiftSettings: strict),

    .target(name: "CServiceAdapter"),
    // Preloaded into the adapter's server, and linked with nothing.
    .target(
      name: "ServiceShim", dependencies: ["CServiceAdapter"], linkerSettings: hardenedLink),
    .target(
      name: "ServiceAdapter",
      dependencies: [
        "ServerSupport", "FuseService", "LinuxPrimitives", "CLinux", "CServiceAdapter",
      ],
      swiftSettings: strict),

    .executableTarget(
      name: "fuservicemount3", dependencies: ["LinuxPrivileges"], linkerSettings: staticLink),
    .executableTarget(
      name: "fuservicemount3-companion", dependencies: ["Companion"],
      linkerSettings: hardenedLink),

    .executableTarget(
      name: "singlefilefs", dependencies: ["SingleFile"], linkerSettings: hardenedLink),

    .executableTarget(
      name: "fuse-service-adapter", dependencies: ["ServiceAdapter"],
      linkerSettings: hardenedLink),

    .testTarget(
      name: "MountProtocolTests", dependencies: ["MountProtocol", "TestSupport"]),
    .testTarget(
      name: "MountPolicyTests", dependencies: ["MountPolicy", "MountProtocol", "Literals"]),
    .testTarget(
      name: "MountSessionTests",
      dependencies: ["MountSession", "MountPolicy", "MountProtocol", "TestSupport"]),
    .testTarget(
      name: "LinuxPrimitivesTests", dependencies: ["LinuxPrimitives", "CLinux", "TestSupport"]),
    .testTarget(
      name: "MountHelperTests",
      dependencies: [
        "MountHelper", "MountPolicy", "MountProtocol", "LinuxPrimitives", "TestSupport",
      ]),
    .testTarget(
      name: "FuseServiceTests",
      dependencies: ["FuseService", "MountProtocol", "LinuxPrimitives", "CLinux"]),
    .testTarget(
      name: "SingleFileTests",
      dependencies: ["SingleFile", "ServerSupport", "FuseService", "LinuxPrimitives", "CLinux"]),

    .testTarget(
      name: "ServiceAdapterTests",
      dependencies: ["ServiceAdapter", "ServerSupport", "FuseService", "CServiceAdapter"]),

    // What several test targets need. Nothing that ships depends on it.
    .target(
      name: "TestSupport", dependencies: ["LinuxPrimitives", "CLinux"], path: "Tests/TestSupport",
      swiftSettings: [.enableUpcomingFeature("InternalImportsByDefault")]),

    // A server for the integration tests, on FuseService alone. It does not ship.
    .executableTarget(
      name: "mirrorfs", dependencies: ["FuseService", "LinuxPrimitives"],
      path: "Tests/MirrorServer",
      swiftSettings: [.enableUpcomingFeature("InternalImportsByDefault")]),

    // The bodies of the fuzz targets, which packaging/fuzz runs under libFuzzer and CorpusTests on
    // the kept corpus. Nothing that ships depends on them.
    .target(
      name: "FuzzTargets",
      dependencies: [
        "MountHelper", "MountSession", "MountPolicy", "MountProtocol", "FuseService",
        "LinuxPrimitives", "TestSupport", "CFusermount",
      ],
      path: "Tests/fuzz/FuzzTargets",
      swiftSettings: [.enableUpcomingFeature("InternalImportsByDefault")]),
    .target(name: "CFusermount", path: "Tests/fuzz/CFusermount"),
    .testTarget(
      name: "CorpusTests", dependencies: ["FuzzTargets"]),
  ],
  swiftLanguageModes: [.v6]
)
