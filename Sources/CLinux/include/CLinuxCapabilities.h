// SPDX-License-Identifier: LGPL-2.1-or-later

#ifndef CLINUX_CAPABILITIES_H
#define CLINUX_CAPABILITIES_H

#include <linux/capability.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// The three sets of a process, a bit for each capability. The kernel's interface has them in halves
// (capget(2), version 3).
struct clinux_capabilities {
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
};

static inline int clinux_capset(struct clinux_capabilities sets)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)sets.effective, (uint32_t)sets.permitted, (uint32_t)sets.inheritable },
		{ (uint32_t)(sets.effective >> 32), (uint32_t)(sets.permitted >> 32),
		  (uint32_t)(sets.inheritable >> 32) },
	};

	return (int)syscall(SYS_capset, &header, data);
}

static inline int clinux_capget(struct clinux_capabilities *sets)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	int result = (int)syscall(SYS_capget, &header, data);

	sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	sets->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return result;
}

#endif
