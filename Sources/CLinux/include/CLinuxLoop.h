// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Loop devices (loop(4)). The ioctls take structures of which a few fields matter; none of them needs
// a capability, only a descriptor of the device.
#ifndef CLINUX_LOOP_H
#define CLINUX_LOOP_H

#include <linux/loop.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

// What the kernel says of an attached device: the file behind it, and the device's own number.
struct clinux_loop_status {
	uint64_t device;
	uint64_t inode;
	uint32_t number;
	uint32_t flags;
};

static inline int clinux_loop_free_number(int control)
{
	return ioctl(control, LOOP_CTL_GET_FREE);
}

// LOOP_CONFIGURE (kernel 5.8): everything at once, so that a device is never attached without
// LO_FLAGS_AUTOCLEAR. Direct I/O is a wish, which the kernel drops where the file cannot.
static inline int clinux_loop_attach(int device, int file, int read_only)
{
	struct loop_config configuration;

	memset(&configuration, 0, sizeof configuration);
	configuration.fd = (uint32_t)file;
	configuration.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO |
				      (read_only ? LO_FLAGS_READ_ONLY : 0);
	// For who looks at the device with an old losetup(8); newer ones show the file's path.
	strcpy((char *)configuration.info.lo_file_name, "fuservicemount3");
	return ioctl(device, LOOP_CONFIGURE, &configuration);
}

static inline int clinux_loop_status(int device, struct clinux_loop_status *status)
{
	struct loop_info64 info;

	memset(&info, 0, sizeof info);
	if (ioctl(device, LOOP_GET_STATUS64, &info))
		return -1;
	status->device = info.lo_device;
	status->inode = info.lo_inode;
	status->number = info.lo_number;
	status->flags = info.lo_flags;
	return 0;
}

// Detaches a device that nobody else has open; of any other, sets LO_FLAGS_AUTOCLEAR.
static inline int clinux_loop_detach(int device) { return ioctl(device, LOOP_CLR_FD, 0); }

// The number of this attachment (kernel 5.15); no other has it until the machine starts again.
// linux/fs.h clashes with sys/mount.h.
static inline int clinux_disk_sequence(int device, uint64_t *sequence)
{
	return ioctl(device, _IOR(0x12, 128, uint64_t), sequence);
}

#endif
