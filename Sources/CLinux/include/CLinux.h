// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What Swift cannot import from libc's headers by itself: macros with casts, variadic functions,
// and system calls that the C library of Debian 12 has no wrapper for. Nothing here decides
// anything; LinuxPrimitives and LinuxPrivileges give each of these its types.
#ifndef CLINUX_H
#define CLINUX_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/openat2.h>
#include <linux/securebits.h>

#include "BuildConfiguration.h"
#include "CLinuxCapabilities.h"
#include "CLinuxExtensions.h"
#include "CLinuxFilter.h"
#include "CLinuxLoop.h"
#include "CLinuxMount.h"

static inline int clinux_errno(void) { return errno; }
static inline void clinux_set_errno(int value) { errno = value; }

// open(2) and its kin are variadic.
static inline int clinux_open(const char *path, int flags, unsigned mode)
{
	return open(path, flags, mode);
}

static inline int clinux_openat(int directory, const char *path, int flags)
{
	return openat(directory, path, flags | O_CLOEXEC);
}

static inline int clinux_fcntl(int fd, int command, long argument)
{
	return fcntl(fd, command, argument);
}

static inline int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode,
				 uint64_t resolve)
{
	struct open_how how;

	memset(&how, 0, sizeof how);
	how.flags = flags;
	how.mode = mode;
	how.resolve = resolve;
	return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static inline int clinux_close_range(unsigned first, unsigned last)
{
	return (int)syscall(SYS_close_range, first, last, 0U);
}

// readdir(3): the name is as long as the record says, not as its declaration does.
static inline const char *clinux_entry_name(const struct dirent *entry) { return entry->d_name; }

// fork(2) is hidden from Swift. The helper has one thread, so it is safe here.
static inline pid_t clinux_fork(void) { return fork(); }

static inline int clinux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0U); }

static inline int clinux_pidfd_send_signal(int pidfd, int signal_number)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0U);
}

// flock(2) shares its name with a structure of fcntl(2).
static inline int clinux_lock(int fd) { return flock(fd, LOCK_EX); }

static inline int clinux_exited(int status) { return WIFEXITED(status); }
static inline int clinux_exit_status(int status) { return WEXITSTATUS(status); }

static inline int clinux_prctl(int option, unsigned long a, unsigned long b, unsigned long c,
			       unsigned long d)
{
	return prctl(option, a, b, c, d);
}

// signal(7): SIG_DFL is a cast, so the disposition cannot be named in Swift.
static inline int clinux_default_signal(int signal_number)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_handler = SIG_DFL;
	return sigaction(signal_number, &action, NULL);
}

static inline int clinux_ignore_signal(int signal_number)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_handler = SIG_IGN;
	return sigaction(signal_number, &action, NULL);
}

// A timer survives execve(2) and would end the process by its signal.
static inline int clinux_disarm_timers(void)
{
	struct itimerval none;

	memset(&none, 0, sizeof none);
	return setitimer(ITIMER_REAL, &none, NULL) | setitimer(ITIMER_VIRTUAL, &none, NULL) |
	       setitimer(ITIMER_PROF, &none, NULL);
}

// The end of this process in some seconds, by a signal that nobody handles.
static inline int clinux_end_after(long seconds)
{
	struct itimerval timer;

	memset(&timer, 0, sizeof timer);
	timer.it_value.tv_sec = seconds;
	return setitimer(ITIMER_REAL, &timer, NULL);
}

// getrlimit(2)'s first argument is an enum in C that Swift does not convert.
static inline int clinux_getrlimit(int resource, struct rlimit *limit)
{
	return getrlimit((__rlimit_resource_t)resource, limit);
}

static inline int clinux_setrlimit(int resource, const struct rlimit *limit)
{
	return setrlimit((__rlimit_resource_t)resource, limit);
}

static const int clinux_RLIMIT_NOFILE = RLIMIT_NOFILE;
static const int clinux_RLIMIT_FSIZE = RLIMIT_FSIZE;
static const int clinux_RLIMIT_AS = RLIMIT_AS;
static const int clinux_RLIMIT_DATA = RLIMIT_DATA;
static const int clinux_RLIMIT_CPU = RLIMIT_CPU;
static const int clinux_RLIMIT_STACK = RLIMIT_STACK;
static const int clinux_RLIMIT_CORE = RLIMIT_CORE;
static const rlim_t clinux_RLIM_INFINITY = RLIM_INFINITY;

// cmsg(3): the macros walk raw memory.
static inline struct cmsghdr *clinux_cmsg_first(struct msghdr *message)
{
	return CMSG_FIRSTHDR(message);
}

static inline struct cmsghdr *clinux_cmsg_next(struct msghdr *message, struct cmsghdr *header)
{
	return CMSG_NXTHDR(message, header);
}

static inline unsigned char *clinux_cmsg_data(struct cmsghdr *header) { return CMSG_DATA(header); }
static inline size_t clinux_cmsg_space(size_t length) { return CMSG_SPACE(length); }
static inline size_t clinux_cmsg_length(size_t length) { return CMSG_LEN(length); }

// Kernel 6.16; absent from Debian 12's headers. asm-generic/socket.h.
#ifdef SO_PASSRIGHTS
static const int clinux_SO_PASSRIGHTS = SO_PASSRIGHTS;
#else
static const int clinux_SO_PASSRIGHTS = 83;
#endif

static const int clinux_SOCK_SEQPACKET = SOCK_SEQPACKET;
static const int clinux_SOCK_DGRAM = SOCK_DGRAM;
static const int clinux_SOCK_STREAM = SOCK_STREAM;
static const int clinux_SOCK_CLOEXEC = SOCK_CLOEXEC;
static const int clinux_SOCK_NONBLOCK = SOCK_NONBLOCK;
static const int clinux_MSG_CMSG_CLOEXEC = MSG_CMSG_CLOEXEC;
static const int clinux_MSG_DONTWAIT = MSG_DONTWAIT;
static const int clinux_MSG_NOSIGNAL = MSG_NOSIGNAL;
static const int clinux_MSG_EOR = MSG_EOR;
static const int clinux_MSG_TRUNC = MSG_TRUNC;
static const int clinux_MSG_CTRUNC = MSG_CTRUNC;
static const int clinux_SCM_RIGHTS = SCM_RIGHTS;

// A union in C; the address of a socket in the file system.
static inline int clinux_connect_unix(int fd, const struct sockaddr_un *address)
{
	return connect(fd, (const struct sockaddr *)address, sizeof *address);
}

static const int clinux_MFD_CLOEXEC = MFD_CLOEXEC;
static const int clinux_MFD_ALLOW_SEALING = MFD_ALLOW_SEALING;

// securebits(7): capabilities(7) explains each.
static const unsigned long clinux_SECBIT_NO_SETUID_FIXUP = SECBIT_NO_SETUID_FIXUP;
static const unsigned long clinux_SECBIT_NO_SETUID_FIXUP_LOCKED = SECBIT_NO_SETUID_FIXUP_LOCKED;
static const unsigned long clinux_SECBIT_NOROOT = SECBIT_NOROOT;
static const unsigned long clinux_SECBIT_NOROOT_LOCKED = SECBIT_NOROOT_LOCKED;

#endif
