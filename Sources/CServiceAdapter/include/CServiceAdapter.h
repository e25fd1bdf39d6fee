// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What fuse-service-adapter and the shim in its server agree on, and the calls that Swift cannot make
// by itself because C has them with a variable number of arguments.
#ifndef CSERVICEADAPTER_H
#define CSERVICEADAPTER_H

#include <stdint.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/types.h>

// The server's descriptors. The first file is the source; the others are those that the caller named
// in options.
enum {
  SERVICE_SHIM_SOCKET = 3,
  SERVICE_SHIM_FUSE_DEVICE = 4,
  SERVICE_SHIM_FIRST_FILE = 5,
  SERVICE_SHIM_MOST_FILES = 10,
};

// The name that the server knows a file by: this, and one digit.
#define SERVICE_SHIM_PATH "/fuse-service-file-"

// The longest text of options that a server may ask the kernel to mount with; mount(2) takes a page.
enum { SERVICE_SHIM_OPTIONS = 4096 };

// The server called mount(2); the adapter answers with an errno, or 0, as an int32_t.
struct service_shim_mount {
  uint64_t flags;
  char options[SERVICE_SHIM_OPTIONS];
};

// The server answered the kernel's first request, FUSE_INIT, with this error, or 0. One packet, told
// from a mount by its size; there is no answer.
struct service_shim_answered {
  int32_t error;
};

// FUSE_DEV_IOC_SYNC_INIT of <linux/fuse.h> (kernel 6.18): a mount waits for the answer to FUSE_INIT.
static inline int service_wait_for_init(int fuse_device) { return ioctl(fuse_device, _IO(229, 3)); }

static inline int service_lock(int fd, int exclusive)
{
  return flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
}

#endif
