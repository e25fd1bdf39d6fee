// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The places that a packager may change, and nowhere else: give the compiler
// -DPACKAGER_FUSE_SERVICE_SOCKET_DIR='"…"' and the like (packaging/build takes them from its
// environment). They are compiled in, because a set-id program must not be told by its caller where
// its configuration lies.
#ifndef CLINUX_BUILD_CONFIGURATION_H
#define CLINUX_BUILD_CONFIGURATION_H

// Where services listen: one socket a subtype. libfuse's fuse3.pc publishes it as
// service_socket_dir.
#ifdef PACKAGER_FUSE_SERVICE_SOCKET_DIR
#define FUSE_SERVICE_SOCKET_DIR PACKAGER_FUSE_SERVICE_SOCKET_DIR
#else
#define FUSE_SERVICE_SOCKET_DIR "/run/filesystems"
#endif

// Shared with fusermount3.
#ifdef PACKAGER_FUSE_CONF
#define FUSE_CONF PACKAGER_FUSE_CONF
#else
#define FUSE_CONF "/etc/fuse.conf"
#endif

// This program's own. fusermount3 would complain of words in the other one that it does not know.
#ifdef PACKAGER_FUSERVICEMOUNT_CONF
#define FUSERVICEMOUNT_CONF PACKAGER_FUSERVICEMOUNT_CONF
#else
#define FUSERVICEMOUNT_CONF "/etc/fuservicemount3.conf"
#endif

// What the helper executes where it needs the machine's shared libraries.
#ifdef PACKAGER_FUSERVICEMOUNT_COMPANION
#define FUSERVICEMOUNT_COMPANION PACKAGER_FUSERVICEMOUNT_COMPANION
#else
#define FUSERVICEMOUNT_COMPANION "/usr/libexec/fuservicemount3-companion"
#endif

#define FUSERVICEMOUNT_VERSION "0.1.0"

// The same for Swift, to which a macro is a String.
static inline const char *clinux_socket_directory(void) { return FUSE_SERVICE_SOCKET_DIR; }
static inline const char *clinux_configuration_path(void) { return FUSE_CONF; }
static inline const char *clinux_own_configuration_path(void) { return FUSERVICEMOUNT_CONF; }
static inline const char *clinux_version(void) { return FUSERVICEMOUNT_VERSION; }

#endif
