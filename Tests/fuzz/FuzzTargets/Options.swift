// SPDX-License-Identifier: LGPL-2.1-or-later

import MountPolicy

extension FuzzTarget {
  /// The input is a setting, the flags of DOIT, and up to their NULs: the caller's `-o`, then OPTS,
  /// MTAB and NAME as a server could send them, a type, and bytes to be shown.
  public static let options = FuzzTarget(name: "options") { (bytes) throws(BrokenPromise) in
    var input = FuzzInput(bytes)
    let setting = input.byte()
    let limit = Int(input.byte())
    // The flags that the list has are as likely as all others.
    let raw = input.integer()
    let flags = setting & 0x10 != 0 ? raw : raw & MountFlags.serverMayAsk.rawValue
    let argument = input.field()
    let request = MountRequest(
      fuseblk: setting & 0x08 != 0, source: [], superblockOptions: input.field(),
      userspaceOptions: input.field(), flags: flags)
    let source = input.field()

    try promiseCallerWords(argument)
    try promiseServerWords(request.superblockOptions ?? [])
    try promiseUserspaceOptions(request.userspaceOptions ?? [])
    let named = Array("/dev/loop0".utf8)
    let scene = try Scene(
      setting: setting, optionArguments: [argument], operands: [named, source],
      mountPoint: Array("mnt".utf8))
    try promiseNames(scene, probe: source)
    for source in [source, named, Array("/dev/fuse".utf8), Array("fs".utf8), Array("/x".utf8)] {
      var request = request
      request.source = source
      _ = try scene.plan(for: request)
    }
    try promiseSubtype(input.field(), maximumLength: limit)
    let fields = input.fields()
    try promiseEscapes(Array(fields.joined(separator: [0])), limit: limit)
  }

  /// The words of a caller's `-o`: none empty, none with a NUL, and without quotes those
  /// that libfuse reads.
  private static func promiseCallerWords(_ argument: [UInt8]) throws(BrokenPromise) {
    let words = OptionList.words(ofArgument: argument)
    for word in words {
      try promise(!word.isEmpty && !word.contains(0), "\(shown(argument)): \(words.map(shown))")
      let (key, value) = OptionList.keyAndValue(word)
      let joined = key + (value.map { Array("=".utf8) + $0 } ?? [])
      try promise(joined == word, "\(shown(word)) is \(shown(joined))")
      _ = CallerOptions.isMountCommandOption(word)
    }
    if !argument.contains(UInt8(ascii: "\"")) {
      let reader = ListReader(escapes: .taken, quotes: .none, dropsQuotes: false)
      let read = reader.words(of: argument).filter { !$0.isEmpty }
      try promise(words == read, "\(shown(argument)): \(words.map(shown)), not \(read.map(shown))")
    }
  }

  /// The words of a server's list: put together again they are the same words, and nothing is lost
  /// but commas.
  private static func promiseServerWords(_ list: [UInt8]) throws(BrokenPromise) {
    guard let words = try? OptionList.words(ofServerList: list) else {
      let quotes = list.filter { $0 == UInt8(ascii: "\"") }.count
      return try promise(quotes % 2 == 1, "\(shown(list)) is refused")
    }
    let joined = Array(words.joined(separator: Array(",".utf8)))
    let again = try? OptionList.words(ofServerList: joined)
    try promise(again == words, "\(shown(list)) is not \(shown(joined))")
    let comma = UInt8(ascii: ",")
    try promise(
      joined.filter { $0 != comma } == list.filter { $0 != comma }, "\(shown(list)) lost bytes")
  }

  private static func promiseUserspaceOptions(_ list: [UInt8]) throws(BrokenPromise) {
    let options = UserspaceOptions(list)
    for (index, word) in options.words.enumerated() {
      try promise(!options.words[..<index].contains(word), "\(shown(word)) twice")
    }
    let length = options.words.reduce(0) { $0 + $1.count + 1 }
    try promise(length <= UserspaceOptions.maximumLength, "\(length) bytes are recorded")
    try promise(options.warnings.count <= 9, "\(options.warnings.count) warnings")
    for warning in options.warnings { try promiseIsShownSafely(warning.line) }
  }

  /// A name is found when and only when it was given.
  private static func promiseNames(_ scene: Scene, probe: [UInt8]) throws(BrokenPromise) {
    let names = NamedFiles(operands: scene.namedFiles, optionValues: [])
    for probe in scene.namedFiles + [probe, probe + [0x2f], Array(probe.dropLast())] {
      try promise(
        names.contains(probe) == scene.namedFiles.contains(probe),
        "\(shown(probe)) among \(scene.namedFiles.map(shown))")
    }
    for (index, name) in names.all.enumerated() {
      try promise(!names.all[..<index].contains(name), "\(shown(name)) twice")
    }
  }

  /// A service's name is one component of a path.
  private static func promiseSubtype(
    _ type: [UInt8], maximumLength: Int
  ) throws(BrokenPromise) {
    let name: [UInt8]
    do throws(Refusal) {
      name = try Subtype.parse(type, maximumLength: maximumLength)
    } catch {
      return try promiseIsShownSafely(error.explanation)
    }
    try promise(
      (1...max(1, maximumLength)).contains(name.count)
        && !name.contains { $0 < 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "/") }
        && name != Array(".".utf8) && name != Array("..".utf8), "a service named \(shown(name))")
  }
}
