// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The system calls that each process may make once it has given up what it does not need. Tables in
// C, because which calls exist depends on the architecture; SyscallFilter.swift makes a program of
// them. Some lines name two or three calls of which a C library uses one, so that another version of
// it finds its own.
#ifndef CLINUX_FILTER_H
#define CLINUX_FILTER_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CLinuxMount.h"

#if defined(__x86_64__)
#define CLINUX_AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define CLINUX_AUDIT_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define CLINUX_AUDIT_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__)
#define CLINUX_AUDIT_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define CLINUX_AUDIT_ARCH AUDIT_ARCH_S390X
#else
#error "name this architecture's AUDIT_ARCH"
#endif

// Memory, time, signals, the end: what any process needs.
static const int clinux_common_calls[] = {
	SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_futex,
	SYS_clock_gettime, SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_getpid, SYS_exit,
	SYS_exit_group, SYS_restart_syscall,
};

// The worker, once it has called the service: it speaks with that and with the monitor, and looks at
// and opens files. It reaches no other socket.
static const int clinux_worker_calls[] = {
	SYS_read, SYS_write, SYS_close, SYS_fcntl, SYS_sendmsg, SYS_recvmsg, SYS_ppoll,
	SYS_openat, SYS_openat2, SYS_statx, SYS_fstat, SYS_fstatfs, SYS_memfd_create,
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
#ifdef SYS_poll
	SYS_poll,
#endif
};

// Looking at the services' sockets (--check, --list): it reads one directory, looks at what is in it and
// writes to the caller's descriptors. It opens no connection, and starts nothing.
static const int clinux_inspector_calls[] = {
	SYS_write, SYS_sendto, SYS_close, SYS_fcntl, SYS_ioctl, SYS_ppoll,
	SYS_openat, SYS_getdents64, SYS_fstat, SYS_statx, SYS_readlinkat, SYS_faccessat,
	SYS_faccessat2,
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
#ifdef SYS_poll
	SYS_poll,
#endif
#ifdef SYS_open
	SYS_open, SYS_stat, SYS_access, SYS_readlink,
#endif
};

// The monitor and its children: the mount calls, ids and capabilities, and what the companion does,
// which is executed with this filter: the loader, libmount, and a name lookup. No execve(2) but that of
// the companion, by the place in memory of its name.
static const int clinux_monitor_calls[] = {
	SYS_read, SYS_write, SYS_pread64, SYS_lseek, SYS_close, SYS_close_range, SYS_fcntl,
	SYS_sendmsg, SYS_recvmsg, SYS_ppoll, SYS_dup3, SYS_ioctl,
	SYS_clone, SYS_wait4, SYS_pidfd_send_signal, SYS_pidfd_open, SYS_getppid, SYS_setsid,
	SYS_set_robust_list, SYS_prctl, SYS_capget, SYS_capset,
	SYS_setresuid, SYS_setresgid, SYS_getresuid, SYS_getresgid,
	SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_gettid, SYS_tgkill,
	SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_move_mount, SYS_open_tree,
	SYS_mount_setattr, SYS_mount, SYS_umount2, SYS_unshare, SYS_name_to_handle_at,
	CLINUX_SYS_statmount, CLINUX_SYS_listmount,
	SYS_statx, SYS_fstat, SYS_fstatfs, SYS_statfs, SYS_readlinkat, SYS_openat,
	SYS_faccessat, SYS_faccessat2, SYS_getdents64,
	SYS_socketpair,
	// Loop devices: opening them as root, and the list of a user's; a bound on it all.
	SYS_setfsuid, SYS_setfsgid, SYS_pwrite64, SYS_setitimer,
	// The companion, which is executed by a rule of its own, and the loader in it.
	SYS_set_tid_address,
	// Recording: libmount; a second name for the table as it was.
	SYS_linkat, SYS_flock, SYS_fchmod, SYS_fchown, SYS_ftruncate, SYS_fsync, SYS_renameat,
	SYS_renameat2,
	SYS_unlinkat, SYS_mkdirat, SYS_umask, SYS_getcwd, SYS_uname, SYS_getrandom,
	SYS_prlimit64, SYS_utimensat, SYS_fdatasync, SYS_sysinfo, SYS_rt_sigaction,
	SYS_sched_getaffinity, SYS_clock_nanosleep, SYS_nanosleep,
	// The name lookup: nsswitch.conf(5) may send it to a daemon.
	SYS_socket, SYS_connect, SYS_sendto, SYS_recvfrom, SYS_getsockname, SYS_getpeername,
	SYS_getsockopt, SYS_setsockopt, SYS_bind, SYS_sendmmsg, SYS_writev, SYS_readv,
	SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_eventfd2, SYS_timerfd_create,
	SYS_timerfd_settime, SYS_inotify_init1, SYS_inotify_add_watch, SYS_shutdown,
	SYS_gettimeofday, SYS_clock_getres, SYS_memfd_create,
#ifdef SYS_rseq
	SYS_rseq,
#endif
#ifdef SYS_clone3
	SYS_clone3,
#endif
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
#ifdef SYS_poll
	SYS_poll,
#endif
#ifdef SYS_dup2
	SYS_dup2,
#endif
#ifdef SYS_fork
	SYS_fork,
#endif
#ifdef SYS_open
	SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_link, SYS_rename, SYS_unlink,
	SYS_mkdir, SYS_rmdir, SYS_chmod, SYS_epoll_wait, SYS_time,
#endif
#ifdef SYS_arch_prctl
	SYS_arch_prctl,
#endif
};

static inline int clinux_seccomp_filter(const struct sock_filter *instructions, uint16_t count)
{
	struct sock_fprog program = { count, (struct sock_filter *)instructions };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &program);
}

static const uint32_t clinux_execve = SYS_execve;

// Where struct seccomp_data has the halves of a call's first argument.
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static const uint32_t clinux_first_argument_low = 16, clinux_first_argument_high = 20;
#else
static const uint32_t clinux_first_argument_low = 20, clinux_first_argument_high = 16;
#endif

static const uint32_t clinux_audit_architecture = CLINUX_AUDIT_ARCH;
static const uint32_t clinux_seccomp_kill = SECCOMP_RET_KILL_PROCESS;
static const uint32_t clinux_seccomp_allow = SECCOMP_RET_ALLOW;

static const uint16_t clinux_bpf_load = BPF_LD | BPF_W | BPF_ABS;
static const uint16_t clinux_bpf_jump_if_equal = BPF_JMP | BPF_JEQ | BPF_K;
static const uint16_t clinux_bpf_jump_if_bits = BPF_JMP | BPF_JSET | BPF_K;
static const uint16_t clinux_bpf_jump = BPF_JMP | BPF_JA;
static const uint16_t clinux_bpf_and = BPF_ALU | BPF_AND | BPF_K;
static const uint16_t clinux_bpf_shift_right = BPF_ALU | BPF_RSH | BPF_K;
static const uint16_t clinux_bpf_shift_right_by_index = BPF_ALU | BPF_RSH | BPF_X;
static const uint16_t clinux_bpf_set_index = BPF_MISC | BPF_TAX;
static const uint16_t clinux_bpf_load_constant = BPF_LD | BPF_IMM;
static const uint16_t clinux_bpf_return = BPF_RET | BPF_K;

#endif
