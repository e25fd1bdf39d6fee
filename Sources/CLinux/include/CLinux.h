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

// open(2) and its kin are variadic. By openat(2), which is one call on every architecture and in every
// C library.
static inline int clinux_open(const char *path, int flags, unsigned mode)
{
	return openat(AT_FDCWD, path, flags, mode);
}

// fcntl(2) F_GETFL. musl's O_ACCMODE has O_PATH in it, and as an expression Swift does not read it.
static const int clinux_access_mode = O_RDONLY | O_WRONLY | O_RDWR;

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

static inline dev_t clinux_device(unsigned major_number, unsigned minor_number)
{
	return makedev(major_number, minor_number);
}

static inline int clinux_close_range(unsigned first, unsigned last)
{
	return (int)syscall(SYS_close_range, first, last, 0U);
}

// readdir(3): the name is as long as the record says, not as its declaration does.
static inline const char *clinux_entry_name(const struct dirent *entry) { return entry->d_name; }

// fork(2) that gives the parent a descriptor of the child in the same moment (clone(2) with
// CLONE_PIDFD, kernel 5.2), so that there is no child which cannot be watched. musl keeps nothing that
// a copy of a process with one thread would have to put right but its thread id, which raise(3) and
// abort(3) take: what ships ends itself by a trap. glibc's locks are more, and the tests have threads.
static inline pid_t clinux_fork(int *descriptor)
{
#if defined(__GLIBC__)
	pid_t child = fork();

	if (child > 0 && (*descriptor = (int)syscall(SYS_pidfd_open, child, 0U)) < 0) {
		int error = errno;

		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		errno = error;
		return -1;
	}
	return child;
#elif defined(__s390x__)
	return (pid_t)syscall(SYS_clone, NULL, 0x1000 | SIGCHLD, descriptor, NULL, 0);
#else
	return (pid_t)syscall(SYS_clone, 0x1000 | SIGCHLD, NULL, descriptor, NULL, 0);
#endif
}

extern const char clinux_companion_path[];

static inline const char *clinux_companion_name(void) { return clinux_companion_path; }

static inline uint64_t clinux_companion_path_address(void)
{
	return (uint64_t)(uintptr_t)clinux_companion_path;
}

// execve(2) of the companion with an empty environment.
static inline int clinux_execute_companion(const char *name, const char *verb)
{
	char *arguments[] = { (char *)name, (char *)verb, NULL };
	char *environment[] = { NULL };

	return execve(clinux_companion_path, arguments, environment);
}

static inline int clinux_pidfd_send_signal(int pidfd, int signal_number)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0U);
}

// flock(2) shares its name with a structure of fcntl(2).
static inline int clinux_lock(int fd) { return flock(fd, LOCK_EX); }

// setresuid(2) and setresgid(2) themselves: what a C library makes of them is for all threads of a
// process, with the signals kept back, and this one has one thread.
static inline int clinux_setresuid(uid_t real, uid_t effective, uid_t saved)
{
	return (int)syscall(SYS_setresuid, real, effective, saved);
}

static inline int clinux_setresgid(gid_t real, gid_t effective, gid_t saved)
{
	return (int)syscall(SYS_setresgid, real, effective, saved);
}

// How long one connect(2) of a socket may wait for its listener (SO_SNDTIMEO of socket(7)).
static inline int clinux_set_connect_timeout(int fd, long milliseconds)
{
	struct timeval limit = {milliseconds / 1000, milliseconds % 1000 * 1000};

	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

// Ends the process on the spot and without a word, however it was compiled: Swift's fatalError() writes
// one where nothing is optimized, which is a call made with the privilege that could not be given up. A
// trap, because abort(3) takes the thread's id, which clinux_fork leaves to be the parent's.
_Noreturn static inline void clinux_trap(void) { __builtin_trap(); }

static inline int clinux_exited(int status) { return WIFEXITED(status); }
static inline int clinux_exit_status(int status) { return WEXITSTATUS(status); }

static inline int clinux_prctl(int option, unsigned long a, unsigned long b, unsigned long c,
			       unsigned long d)
{
	return prctl(option, a, b, c, d);
}

// sigaddset(3) of any number: a C library keeps back those that are its own, 32 to 34, but who sends
// one of these to this program ends it all the same.
static inline void clinux_add_signal(sigset_t *set, int signal_number)
{
	unsigned long *words = (unsigned long *)set;
	unsigned bit = (unsigned)signal_number - 1, size = 8 * sizeof *words;

	words[bit / size] |= 1UL << bit % size;
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

// getrlimit(2) and setrlimit(2). In some C libraries the first argument is an enum, which Swift does not
// convert; in others there are ways for old kernels in it.
static inline int clinux_getrlimit(int resource, struct rlimit *limit)
{
	return (int)syscall(SYS_prlimit64, 0, resource, NULL, limit);
}

static inline int clinux_setrlimit(int resource, const struct rlimit *limit)
{
	return (int)syscall(SYS_prlimit64, 0, resource, limit, NULL);
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
