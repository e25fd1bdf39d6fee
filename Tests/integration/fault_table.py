# SPDX-License-Identifier: LGPL-2.1-or-later
"""With what each system call of a mount can fail: the ERRORS of its manual page in section 2.

Each line begins with what the program or its C library treats apart from the rest (a call that is
interrupted, would wait, or is not known to the kernel), then has what is most likely on a broken
machine; the quick run takes the first words only. ENOSYS is added where a kernel that the helper
supports (5.8 and later), or a sandbox, does not know the call.
"""

import errno

import tracer

PATH = "EACCES ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR"
CREATE = "EDQUOT EEXIST ENOSPC EPERM EROFS EINVAL EBADF EFAULT"
SOCKET = "EBADF EFAULT EINVAL ENOTSOCK"

TABLE = {
    # Files
    "access": f"ENOENT EACCES EIO {PATH} EPERM EROFS ETXTBSY EINVAL EFAULT EBADF",
    "faccessat2": f"ENOSYS EACCES EIO {PATH} EPERM EROFS ETXTBSY EINVAL EFAULT EBADF",
    "open": f"EINTR ENOENT EMFILE ENFILE {PATH} EBUSY EFBIG EOVERFLOW EISDIR ENODEV ENXIO EOPNOTSUPP "
            f"ETXTBSY EWOULDBLOCK {CREATE}",
    "openat2": f"ENOSYS EAGAIN EXDEV EMFILE E2BIG EINTR ENFILE {PATH} EBUSY EFBIG EOVERFLOW EISDIR "
               f"ENODEV ENXIO EOPNOTSUPP ETXTBSY {CREATE}",
    "close": "EINTR EIO EBADF ENOSPC EDQUOT",
    "close_range": "ENOSYS EINVAL EMFILE ENOMEM",
    "dup2": "EINTR EMFILE EBUSY EBADF EINVAL",
    "fcntl": "EINTR EINVAL EACCES EAGAIN EBADF EBUSY EDEADLK EFAULT EMFILE ENOLCK ENOTDIR EPERM",
    "read": "EINTR EIO EAGAIN EBADF EFAULT EINVAL EISDIR",
    "pread64": "EINTR EIO EAGAIN EBADF EFAULT EINVAL EISDIR ENXIO EOVERFLOW ESPIPE",
    "write": "EINTR ENOSPC EIO EPIPE EAGAIN EBADF EDESTADDRREQ EDQUOT EFAULT EFBIG EINVAL EPERM",
    "pwrite64": "ENOSPC EIO EINTR EAGAIN EBADF EDQUOT EFAULT EFBIG EINVAL ENXIO EPERM ESPIPE",
    "ftruncate": "EIO EINTR EBADF EFBIG EINVAL EPERM EROFS ETXTBSY",
    "getdents64": "ENOENT EBADF EFAULT EINVAL ENOTDIR EIO",
    "lseek": "EBADF EINVAL ENXIO EOVERFLOW ESPIPE",
    "newfstatat": f"ENOENT EACCES {PATH} EBADF EFAULT EINVAL EOVERFLOW",
    "statx": f"ENOSYS EACCES {PATH} EBADF EFAULT EINVAL",
    "statfs": f"EIO EINTR EACCES ENOSYS {PATH} EFAULT EOVERFLOW",
    "fstatfs": f"EIO EINTR EACCES ENOSYS {PATH} EFAULT EOVERFLOW EBADF",
    "readlink": f"EACCES ENOENT EIO {PATH} EBADF EFAULT EINVAL",
    "mkdir": f"EEXIST ENOSPC EACCES {PATH} EMLINK {CREATE}",
    "unlink": f"ENOENT EROFS EBUSY EIO EISDIR EPERM {PATH} EBADF EFAULT EINVAL",
    "rmdir": f"EBUSY EROFS EINVAL ENOTEMPTY EPERM {PATH} EFAULT",
    "link": f"EEXIST EPERM ENOSPC EIO EMLINK EROFS EXDEV {PATH} {CREATE}",
    "rename": f"ENOSPC EROFS EBUSY EISDIR EMLINK ENOTEMPTY EXDEV {PATH} {CREATE}",
    "fchmod": f"EPERM EROFS EIO ENOTSUP {PATH} EBADF EFAULT EINVAL",
    "fchown": f"EPERM EROFS EIO {PATH} EBADF EFAULT EINVAL",
    "flock": "EINTR ENOLCK EBADF EINVAL EWOULDBLOCK",
    "memfd_create": "EMFILE ENOMEM EFAULT EINVAL ENFILE ENOSYS",
    "ioctl": "EINVAL ENOTTY EBADF EFAULT EBUSY EACCES",
    # Sockets and waiting
    "socket": "EMFILE EAFNOSUPPORT EACCES EINVAL ENFILE ENOBUFS ENOMEM EPROTONOSUPPORT",
    "socketpair": "EMFILE EAFNOSUPPORT EFAULT ENFILE EOPNOTSUPP EPROTONOSUPPORT",
    "connect": f"ENOENT EAGAIN EINTR ECONNREFUSED EACCES EPERM EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT "
               f"EALREADY EINPROGRESS EISCONN ENETUNREACH EPROTOTYPE ETIMEDOUT {SOCKET}",
    "getsockopt": f"ENOPROTOOPT {SOCKET}",
    "setsockopt": f"ENOPROTOOPT {SOCKET}",
    "sendmsg": f"EAGAIN EINTR ENOBUFS EPIPE ECONNRESET EACCES EALREADY EDESTADDRREQ EISCONN EMSGSIZE "
               f"ENOMEM ENOTCONN EOPNOTSUPP ETOOMANYREFS {SOCKET}",
    "recvmsg": f"EAGAIN EINTR ECONNRESET ENOMEM ECONNREFUSED ENOTCONN {SOCKET}",
    "poll": "EINTR ENOMEM EINVAL EFAULT",
    "signalfd4": "EMFILE ENOMEM EBADF EINVAL ENFILE ENODEV",
    # Processes
    "clone": "EAGAIN ENOMEM ENOSYS EACCES EBUSY EEXIST EINVAL ENOSPC EUSERS EOPNOTSUPP EPERM",
    "pidfd_open": "EMFILE ENOMEM EINVAL ENFILE ENODEV ESRCH",
    "pidfd_send_signal": "ESRCH EPERM EBADF EINVAL",
    "wait4": "EINTR ECHILD EAGAIN EINVAL ESRCH",
    "setsid": "EPERM",
    "execve": "ENOENT EACCES ENOMEM EIO ELOOP E2BIG EINVAL EISDIR ELIBBAD EMFILE ENAMETOOLONG ENFILE "
              "ENOEXEC ENOTDIR EPERM ETXTBSY EAGAIN",
    # Starting a program; set_tid_address(2) cannot fail.
    "arch_prctl": "EINVAL EPERM EFAULT ENODEV",
    "rseq": "EINVAL EPERM EFAULT EBUSY ENOSYS",
    "uname": "EFAULT",
    "rt_sigprocmask": "EINVAL EFAULT",
    "rt_sigaction": "EINVAL EFAULT",
    "setitimer": "EINVAL EFAULT",
    "prlimit64": "EPERM EINVAL EFAULT ESRCH",
    "set_robust_list": "EINVAL EFAULT EPERM ESRCH",
    "getrandom": "ENOSYS EAGAIN EINTR EFAULT EINVAL",
    # Privilege
    "prctl": "EINVAL EPERM EACCES EBADF EBUSY EFAULT ENODEV ENXIO EOPNOTSUPP ERANGE",
    "setresuid": "EAGAIN EPERM EINVAL",
    "setresgid": "EAGAIN EPERM EINVAL",
    # They say nothing when they do nothing (their manual pages, BUGS).
    "setfsuid": "EPERM",
    "setfsgid": "EPERM",
    "getresuid": "EFAULT",
    "getresgid": "EFAULT",
    "capget": "EPERM EINVAL EFAULT ESRCH",
    "capset": "EPERM EINVAL EFAULT ESRCH",
    "seccomp": "EINVAL ENOSYS EACCES EBUSY EFAULT ENOMEM EOPNOTSUPP ESRCH",
    # Memory
    "brk": "ENOMEM",
    "mmap": "ENOMEM EAGAIN EACCES EBADF EEXIST EINVAL ENFILE ENODEV EOVERFLOW EPERM ETXTBSY",
    "munmap": "EINVAL ENOMEM",
    "mremap": "ENOMEM EAGAIN EFAULT EINVAL",
    "mprotect": "ENOMEM EACCES EINVAL EFAULT",
    # Mounts
    "fsopen": "ENOSYS EPERM ENODEV EMFILE ENFILE ENOMEM EINVAL EFAULT EBUSY",
    "fsconfig": "EINVAL ENOSYS EPERM EBUSY EOPNOTSUPP EACCES EBADF EFAULT ENODATA ENOENT ENOMEM "
                "ENOTBLK ENXIO EROFS",
    "fsmount": "ENOSYS EPERM EINVAL EBUSY EBADF EMFILE ENFILE ENOMEM",
    "move_mount": f"EPERM ENOSYS EINVAL EBUSY {PATH} EBADF EFAULT",
    "open_tree": f"ENOSYS EPERM EMFILE EINVAL ENFILE ENOSPC EBADF {PATH} EFAULT",
    "mount_setattr": "ENOSYS EPERM EINVAL EBADF EBUSY ENOENT ENOMEM ENOSPC",
    "mount": f"EPERM EBUSY EINVAL {PATH} EROFS EMFILE ENODEV ENOTBLK ENXIO EFAULT",
    # Never EBUSY with MNT_DETACH.
    "unshare": "EPERM ENOSPC EINVAL ENOMEM EUSERS",
    "umount2": "EPERM EINVAL EAGAIN EFAULT ENAMETOOLONG ENOENT ENOMEM",
    "name_to_handle_at": "EOPNOTSUPP ENOSYS EINVAL EFAULT ENOENT ENOTDIR EBADF ELOOP EPERM ESTALE",
    "statmount": "ENOSYS EPERM EINVAL EFAULT ENOENT ENOMEM EOVERFLOW",
    "listmount": "ENOSYS EPERM EINVAL EFAULT ENOENT ENOMEM EOVERFLOW",
}
TABLE.update(openat=TABLE["open"], stat=TABLE["newfstatat"], fstat=TABLE["newfstatat"],
             faccessat=TABLE["access"], readlinkat=TABLE["readlink"], mkdirat=TABLE["mkdir"],
             unlinkat=TABLE["unlink"], renameat=TABLE["rename"], renameat2=TABLE["rename"],
             linkat=TABLE["link"], fchmodat=TABLE["fchmod"],
             fork=TABLE["clone"], clone3=TABLE["clone"], ppoll=TABLE["poll"],
             dup3=TABLE["dup2"], sendto=TABLE["sendmsg"], recvfrom=TABLE["recvmsg"])

# These cannot fail (their manual pages say so), or do not return.
INFALLIBLE = {"exit", "exit_group", "getegid", "geteuid", "getgid", "getpid", "getppid", "gettid",
              "getuid", "restart_syscall", "rt_sigreturn", "set_tid_address", "umask"}


def failures(name, most=None):
    """How a call of this name can fail, the telling ways first."""
    if name in INFALLIBLE:
        return []
    codes = list(dict.fromkeys(getattr(errno, word) for word in TABLE[name].split()))[:most]
    if name == "brk":
        return [tracer.Pretend(0)]  # a break that is not where it was asked to be; brk(2), Notes
    # Whatever close(2) says, the descriptor is gone.
    return [tracer.Fail(code, made=name == "close") for code in codes]
