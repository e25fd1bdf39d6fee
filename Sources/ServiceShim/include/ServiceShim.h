// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The shim is preloaded and has no interface of its own.
