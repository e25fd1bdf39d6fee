// swift-tools-version: 6.2
// SPDX-License-Identifier: LGPL-2.1-or-later

import PackageDescription

let package = Package(
  name: "arfs",
  dependencies: [
    // Outside of this tree: .package(url: "…", from: "0.1.0").
    .package(name: "fuservicemount3", path: "../..")
  ],
  targets: [
    .systemLibrary(name: "CFuse", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
    .executableTarget(
      name: "arfs",
      dependencies: ["CFuse", .product(name: "FuseService", package: "fuservicemount3")]),
  ],
  swiftLanguageModes: [.v6]
)
