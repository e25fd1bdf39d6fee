// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The mount system calls and their constants. They are called by number: Debian 12's kernel
// headers lack listmount(2) and statmount(2) (kernel 6.8), and whether the running kernel has one
// is asked at run time, never decided by #ifdef.
#ifndef CLINUX_MOUNT_H
#define CLINUX_MOUNT_H

#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CLinuxExtensions.h"

#define CLINUX_SYS_statmount 457
#define CLINUX_SYS_listmount 458

static inline int clinux_fsopen(const char *name, unsigned flags)
{
	return (int)syscall(SYS_fsopen, name, flags);
}

static inline int clinux_fsconfig(int fd, unsigned command, const char *key, const void *value,
				  int aux)
{
	return (int)syscall(SYS_fsconfig, fd, command, key, value, aux);
}

static inline int clinux_fsmount(int fd, unsigned flags, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, fd, flags, attributes);
}

static inline int clinux_move_mount(int from, const char *from_path, int to, const char *to_path,
				    unsigned flags)
{
	return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int clinux_open_tree(int directory, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, directory, path, flags);
}

// struct mount_attr of mount_setattr(2): four 64-bit words.
static inline int clinux_mount_setattr(int fd, const char *path, unsigned flags, uint64_t set,
				       uint64_t clear)
{
	uint64_t attributes[4] = { set, clear, 0, 0 };

	return (int)syscall(SYS_mount_setattr, fd, path, flags, attributes, sizeof attributes);
}

// struct mnt_id_req, its first version: size, spare, mnt_id, param.
struct clinux_mount_id_request {
	uint32_t size;
	uint32_t spare;
	uint64_t mount_id;
	uint64_t parameter;
};

// statmount(2)'s answer up to and including what STATMOUNT_SB_BASIC and STATMOUNT_MNT_BASIC fill in
// (linux/mount.h).
struct clinux_statmount {
	uint32_t size;
	uint32_t mount_options;
	uint64_t mask;
	uint32_t device_major;
	uint32_t device_minor;
	uint64_t filesystem_magic;
	uint32_t superblock_flags;
	uint32_t filesystem_type;
	uint64_t mount_id;
	uint64_t parent_id;
	uint32_t mount_id_old;
	uint32_t parent_id_old;
	uint64_t attributes;
	uint64_t propagation;
	uint64_t peer_group;
	uint64_t master;
	uint64_t propagate_from;
	uint32_t root;
	uint32_t mount_point;
	uint64_t spare[50];
};

#define CLINUX_STATMOUNT_SB_BASIC 0x1U
#define CLINUX_STATMOUNT_MNT_BASIC 0x2U

static inline int clinux_statmount(uint64_t mount_id, uint64_t mask,
				   struct clinux_statmount *result)
{
	struct clinux_mount_id_request request = { sizeof request, 0, mount_id, mask };

	return (int)syscall(CLINUX_SYS_statmount, &request, result, sizeof *result, 0U);
}

// Lists up to `capacity` mounts below the root, beginning after `last`.
static inline long clinux_listmount(uint64_t last, uint64_t *ids, size_t capacity)
{
	struct clinux_mount_id_request request = { sizeof request, 0, UINT64_MAX, last };

	return syscall(CLINUX_SYS_listmount, &request, ids, capacity, 0U);
}

// name_to_handle_at(2) tells a mount's 64-bit id without asking the file system, which a hostile
// server could leave unanswered. AT_HANDLE_MNT_ID_UNIQUE is kernel 6.12. The handle itself is not
// wanted: with room for none the call fails with EOVERFLOW and the id is filled in.
static inline int clinux_unique_mount_id(int fd, uint64_t *id)
{
	struct { unsigned bytes; int type; } handle = { 0, 0 };

	return (int)syscall(SYS_name_to_handle_at, fd, "", &handle, id, 0x1000 | 0x0001);
}

// statx(2) of what a descriptor names, from what the kernel knows already (AT_STATX_DONT_SYNC). By its
// number, because musl has it since 1.2.4 only.
static inline int clinux_statx(int fd, unsigned mask, struct statx *status)
{
	return (int)syscall(SYS_statx, fd, "", 0x1000 | 0x4000, mask, status);
}

// faccessat2(2) with W_OK of what a descriptor names, by the effective ids (AT_EMPTY_PATH, AT_EACCESS;
// kernel 5.8). By its number, because a C library without it would guess.
static inline int clinux_is_writable(int fd)
{
	return (int)syscall(SYS_faccessat2, fd, "", 2, 0x1000 | 0x200);
}

// statx(2) with an empty mask: the mount's id (kernel 5.8) and the device, without asking the file
// system. Returns -1 with errno, or 0; *known tells whether the kernel gave the id.
static inline int clinux_mount_id(int fd, uint64_t *id, int *known)
{
	struct statx status;

	memset(&status, 0, sizeof status);
	if (clinux_statx(fd, 0, &status))
		return -1;
	*known = (status.stx_mask & 0x1000U) != 0;
	// stx_mnt_id follows stx_dev_minor; glibc 2.36 names it, older ones do not.
	memcpy(id, (const char *)&status + 0x90, sizeof *id);
	return 0;
}

// statx(2) of STATX_ATTR_MOUNT_ROOT (kernel 5.8), without asking the file system.
static inline int clinux_is_mount_root(int fd, int *result)
{
	struct statx status;

	memset(&status, 0, sizeof status);
	if (clinux_statx(fd, 0, &status))
		return -1;
	*result = (status.stx_attributes & 0x2000U) != 0;
	return 0;
}

// statx(2) of the type alone, from what the kernel knows already, without asking the file system.
static inline int clinux_known_mode(int fd, uint32_t *mode)
{
	struct statx status;

	memset(&status, 0, sizeof status);
	if (clinux_statx(fd, STATX_TYPE, &status))
		return -1;
	*mode = status.stx_mode;
	return 0;
}

// statx(2) with an empty mask again: the device of the superblock.
static inline int clinux_superblock_device(int fd, uint32_t *major, uint32_t *minor)
{
	struct statx status;

	memset(&status, 0, sizeof status);
	if (clinux_statx(fd, 0, &status))
		return -1;
	*major = status.stx_dev_major;
	*minor = status.stx_dev_minor;
	return 0;
}

// struct mnt_ns_info and NS_MNT_GET_INFO of linux/nsfs.h, which are of kernel 6.12: how many mounts the
// namespace has that the descriptor stands for.
static inline int clinux_mount_count(int mount_namespace, uint32_t *count)
{
	struct {
		uint32_t size;
		uint32_t number_of_mounts;
		uint64_t identifier;
	} information = {.size = sizeof information};
	int result = ioctl(mount_namespace, _IOR(0xb7, 10, information), &information);
	*count = information.number_of_mounts;
	return result;
}

// linux/fs.h clashes with sys/mount.h in Debian 12, so the block device ioctls stand here.
static const unsigned long clinux_BLKBSZSET = _IOW(0x12, 113, size_t);
static const unsigned long clinux_BLKBSZGET = _IOR(0x12, 112, size_t);
static const unsigned long clinux_BLKGETSIZE64 = _IOR(0x12, 114, size_t);

static inline int clinux_ioctl_int(int fd, unsigned long request, int *value)
{
	return ioctl(fd, request, value);
}

static inline int clinux_ioctl_u64(int fd, unsigned long request, uint64_t *value)
{
	return ioctl(fd, request, value);
}

#endif
