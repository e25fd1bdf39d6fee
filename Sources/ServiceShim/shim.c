// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an unmodified libfuse server sees in the place of the calls that a contained service cannot
// make. fuse-service-adapter preloads it (LD_PRELOAD of ld.so(8)). It has no rights: whatever a
// server does around it, by raw system calls for instance, the service's sandbox and the mount
// helper decide.
//
// - A file of the caller's has a made-up name, and opening that gives a copy of its descriptor. The
//   file itself could not be opened: it is another user's, in a place that the service does not see.
// - /dev/fuse is the one that the mount helper opened, because PrivateDevices= hides the real one.
// - mount(2) of a FUSE file system asks the adapter, which asks the mount helper. umount(2) does
//   nothing: the mount is in another mount namespace, and who mounted it unmounts it.
// - The first answer on /dev/fuse is reported, for kernels where a mount does not wait for it.
// - A dynamic user has no entry in passwd(5), and may be forbidden to set even its own ids.
// - /proc/filesystems is not there with ProcSubset=pid; only FUSE is of interest.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "CServiceAdapter.h"

#define EXPORT __attribute__((visibility("default")))
// The function that is stood in for: RTLD_NEXT finds it in the C library, once.
#define NEXT(name) \
  ({ \
    static __typeof__(&name) next; \
    if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
    next; \
  })

struct fuse_answer {  // struct fuse_out_header of <linux/fuse.h>
  uint32_t length;
  int32_t error;
  uint64_t unique;
};

static int fuse_copy = -1;  // the server's descriptor of /dev/fuse, until it has answered
static int mounted;         // whether the adapter has been asked

__attribute__((constructor)) static void begin(void)
{
  // Programs that the server runs get neither the shim nor its descriptors.
  unsetenv("LD_PRELOAD");
  for (int fd = SERVICE_SHIM_SOCKET; fd < SERVICE_SHIM_FIRST_FILE + SERVICE_SHIM_MOST_FILES; fd++)
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// The descriptor that a name stands for, or -1 for any other name.
static int known(const char *path)
{
  static const size_t length = sizeof SERVICE_SHIM_PATH - 1;
  if (!path) return -1;
  if (!strcmp(path, "/dev/fuse")) return SERVICE_SHIM_FUSE_DEVICE;
  if (strncmp(path, SERVICE_SHIM_PATH, length)) return -1;
  if (path[length] < '0' || path[length] > '9' || path[length + 1]) return -1;
  return SERVICE_SHIM_FIRST_FILE + path[length] - '0';
}

static int is_read_only(int fd) { return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY; }

// What open(2) gives for a known name.
static int copy(int fd, int flags)
{
  if ((flags & O_ACCMODE) != O_RDONLY && is_read_only(fd)) {
    errno = EROFS;
    return -1;
  }
  int result = fcntl(fd, flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD,
                     SERVICE_SHIM_FIRST_FILE + SERVICE_SHIM_MOST_FILES);
  if (result < 0) return -1;
  if (fd == SERVICE_SHIM_FUSE_DEVICE) {
    fuse_copy = result;
  } else {
    // The copies of a descriptor have one offset (open(2), "Open file descriptions").
    lseek(result, 0, SEEK_SET);
  }
  return result;
}

static unsigned mode_of(int flags, va_list rest)
{
  return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, unsigned) : 0;
}

EXPORT int open(const char *path, int flags, ...)
{
  va_list rest;
  va_start(rest, flags);
  unsigned mode = mode_of(flags, rest);
  va_end(rest);
  int fd = known(path);
  return fd >= 0 ? copy(fd, flags) : NEXT(open)(path, flags, mode);
}

EXPORT int openat(int directory, const char *path, int flags, ...)
{
  va_list rest;
  va_start(rest, flags);
  unsigned mode = mode_of(flags, rest);
  va_end(rest);
  int fd = known(path);
  return fd >= 0 ? copy(fd, flags) : NEXT(openat)(directory, path, flags, mode);
}

// What _FORTIFY_SOURCE makes of an open with two arguments, and of realpath.
int __open_2(const char *, int);
int __open64_2(const char *, int);
char *__realpath_chk(const char *, char *, size_t);

EXPORT int __open_2(const char *path, int flags) { return open(path, flags); }
EXPORT int __open64_2(const char *path, int flags) { return open(path, flags); }

// Where off_t has 64 bits, the names with 64 in them are the same functions.
_Static_assert(sizeof(off_t) == 8, "off_t has 64 bits");
EXPORT int open64(const char *, int, ...) __attribute__((alias("open")));
EXPORT int openat64(int, const char *, int, ...) __attribute__((alias("openat")));

static FILE *file_of(int fd, const char *mode)
{
  int flags = *mode == 'r' && !strchr(mode, '+') ? O_RDONLY : O_RDWR;
  int result = copy(fd, flags | (strchr(mode, 'e') ? O_CLOEXEC : 0));
  return result < 0 ? NULL : fdopen(result, mode);
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
  static char filesystems[] = "nodev\tfuse\n";
  int fd = known(path);
  if (fd >= 0) return file_of(fd, mode);
  if (!strcmp(path, "/proc/filesystems")) return fmemopen(filesystems, sizeof filesystems - 1, "r");
  return NEXT(fopen)(path, mode);
}

EXPORT FILE *fopen64(const char *, const char *) __attribute__((alias("fopen")));

EXPORT int stat(const char *path, struct stat *result)
{
  int fd = known(path);
  return fd >= 0 ? fstat(fd, result) : NEXT(stat)(path, result);
}

EXPORT int lstat(const char *path, struct stat *result)
{
  int fd = known(path);
  return fd >= 0 ? fstat(fd, result) : NEXT(lstat)(path, result);
}

EXPORT int fstatat(int directory, const char *path, struct stat *result, int flags)
{
  int fd = known(path);
  return fd >= 0 ? fstat(fd, result) : NEXT(fstatat)(directory, path, result, flags);
}

EXPORT int stat64(const char *path, struct stat64 *result)
{
  int fd = known(path);
  return fd >= 0 ? fstat64(fd, result) : NEXT(stat64)(path, result);
}

EXPORT int lstat64(const char *path, struct stat64 *result)
{
  int fd = known(path);
  return fd >= 0 ? fstat64(fd, result) : NEXT(lstat64)(path, result);
}

EXPORT int fstatat64(int directory, const char *path, struct stat64 *result, int flags)
{
  int fd = known(path);
  return fd >= 0 ? fstat64(fd, result) : NEXT(fstatat64)(directory, path, result, flags);
}

EXPORT int statx(int directory, const char *path, int flags, unsigned mask, struct statx *result)
{
  int fd = known(path);
  return fd >= 0 ? NEXT(statx)(fd, "", AT_EMPTY_PATH, mask, result)
                 : NEXT(statx)(directory, path, flags, mask, result);
}

// What access(2) says of a known name: it is there, and may be written if it was opened so.
static int allowed(int fd, int mode)
{
  if (!(mode & W_OK) || !is_read_only(fd)) return 0;
  errno = EROFS;
  return -1;
}

EXPORT int access(const char *path, int mode)
{
  int fd = known(path);
  return fd >= 0 ? allowed(fd, mode) : NEXT(access)(path, mode);
}

EXPORT int eaccess(const char *path, int mode)
{
  int fd = known(path);
  return fd >= 0 ? allowed(fd, mode) : NEXT(eaccess)(path, mode);
}

EXPORT int euidaccess(const char *, int) __attribute__((alias("eaccess")));

EXPORT int faccessat(int directory, const char *path, int mode, int flags)
{
  int fd = known(path);
  return fd >= 0 ? allowed(fd, mode) : NEXT(faccessat)(directory, path, mode, flags);
}

EXPORT char *realpath(const char *path, char *result)
{
  if (known(path) < 0) return NEXT(realpath)(path, result);
  return result ? strcpy(result, path) : strdup(path);
}

EXPORT char *__realpath_chk(const char *path, char *result, size_t size)
{
  if (size < PATH_MAX) abort();
  return realpath(path, result);
}

EXPORT char *canonicalize_file_name(const char *path) { return realpath(path, NULL); }

// Asks the adapter for the mount, once.
static int ask(unsigned long flags, const char *options)
{
  static struct service_shim_mount request;
  int32_t answer;
  if (mounted++) return EBUSY;
  size_t length = options ? strnlen(options, SERVICE_SHIM_OPTIONS) : 0;
  if (length == SERVICE_SHIM_OPTIONS) return EINVAL;
  request.flags = flags;
  if (length) memcpy(request.options, options, length);
  if (send(SERVICE_SHIM_SOCKET, &request, sizeof request, MSG_NOSIGNAL) != sizeof request) return EIO;
  // An adapter that does not answer has ended, or is about to end this process.
  if (recv(SERVICE_SHIM_SOCKET, &answer, sizeof answer, 0) != sizeof answer) return EIO;
  return answer;
}

EXPORT int mount(const char *source, const char *target, const char *type, unsigned long flags,
                 const void *data)
{
  if (!type || strncmp(type, "fuse", 4)) return NEXT(mount)(source, target, type, flags, data);
  int error = ask(flags, data);
  if (!error) return 0;
  errno = error;
  return -1;
}

EXPORT int umount2(const char *target, int flags)
{
  (void)target;
  (void)flags;
  return 0;
}

EXPORT int umount(const char *target) { return umount2(target, 0); }

// Reports the answer to the kernel's first request, which is FUSE_INIT.
static void report(int fd, const void *bytes, size_t length)
{
  struct service_shim_answered answered;
  struct fuse_answer answer;
  if (fd != fuse_copy || length < sizeof answer) return;
  memcpy(&answer, bytes, sizeof answer);
  fuse_copy = -1;
  answered.error = -answer.error;
  send(SERVICE_SHIM_SOCKET, &answered, sizeof answered, MSG_NOSIGNAL | MSG_DONTWAIT);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t length)
{
  ssize_t result = NEXT(write)(fd, bytes, length);
  if (fd == fuse_copy && result > 0) report(fd, bytes, length);
  return result;
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
  ssize_t result = NEXT(writev)(fd, parts, count);
  if (fd == fuse_copy && result > 0 && count > 0) report(fd, parts[0].iov_base, parts[0].iov_len);
  return result;
}

EXPORT struct passwd *getpwuid(uid_t user)
{
  static char name[] = "fuse-service", none[] = "*", root[] = "/", shell[] = "/usr/sbin/nologin";
  static struct passwd own;
  struct passwd *entry = NEXT(getpwuid)(user);
  if (entry || user != getuid()) return entry;
  own = (struct passwd){name, none, user, getgid(), name, root, shell};
  return &own;
}

EXPORT int setresuid(uid_t real, uid_t effective, uid_t saved)
{
  uid_t own = getuid();
  if ((real == own || real == (uid_t)-1) && (effective == own || effective == (uid_t)-1) &&
      (saved == own || saved == (uid_t)-1) && geteuid() == own)
    return 0;
  return NEXT(setresuid)(real, effective, saved);
}
