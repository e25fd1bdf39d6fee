// SPDX-License-Identifier: LGPL-2.1-or-later

import Foundation
import LinuxPrimitives
import Testing

@testable import MountHelper

@Suite("Finding a service")
struct ServiceConnectionTests {
  @Test func `A service's socket has its name in the directory of sockets`() {
    #expect(
      ServiceConnection.socketPath(subtype: bytes("ext4"))
        == BuildConfiguration.socketDirectory + bytes("/ext4"))
  }

  @Test func `A socket that does not exist is no service, also with the longest name`() {
    let longest = ServiceConnection.maximumSubtypeLength
    for length in [36, longest] {
      let name = bytes(
        String((UUID().uuidString + String(repeating: "x", count: 100)).prefix(length)))
      do throws(WorkerError) {
        _ = try ServiceConnection.connect(subtype: name) {}
        Issue.record("there is a service")
      } catch {
        guard case .noService = error else {
          Issue.record("\(error)")
          return
        }
      }
    }
  }

  @Test func `A name that does not fit an address is a failure, not a missing service`() {
    let name = [UInt8](repeating: 0x61, count: ServiceConnection.maximumSubtypeLength + 1)
    do throws(WorkerError) {
      _ = try ServiceConnection.connect(subtype: name) {}
      Issue.record("there is a service")
    } catch {
      guard case .failed(let line) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(text(line).hasSuffix("File name too long"))
    }
  }
}
