// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the C library declares for _GNU_SOURCE only. No shim defines that macro: Swift's module of
// the C library is compiled without it, and several structures have other members with it. Two
// modules that declare a structure differently cannot be imported by one program, so a server that
// imports Foundation could not import FuseService.
#ifndef CLINUX_EXTENSIONS_H
#define CLINUX_EXTENSIONS_H

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/memfd.h>
#include <linux/stat.h>

#ifndef O_PATH
#define O_PATH __O_PATH
#endif
#ifndef O_DIRECT
#define O_DIRECT __O_DIRECT
#endif
#ifndef CLONE_NEWNS
#define CLONE_NEWNS 0x00020000
#endif

int getresgid(gid_t *real, gid_t *effective, gid_t *saved);
int getresuid(uid_t *real, uid_t *effective, uid_t *saved);
int memfd_create(const char *name, unsigned flags);
int unshare(int flags);

#endif
