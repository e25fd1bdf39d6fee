// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the shims assume of the kernel's structures, checked when they are compiled. With
// _GNU_SOURCE, so that what CLinuxExtensions.h says is compared with the C library's own words.
#define _GNU_SOURCE 1

#include "CLinux.h"

_Static_assert(sizeof(struct clinux_mount_id_request) == 24, "MNT_ID_REQ_SIZE_VER0");
_Static_assert(offsetof(struct clinux_statmount, parent_id) == 48, "statmount.mnt_parent_id");
_Static_assert(offsetof(struct clinux_statmount, parent_id_old) == 60, "statmount.mnt_parent_id_old");
_Static_assert(sizeof(struct clinux_statmount) == 512, "struct statmount");
_Static_assert(offsetof(struct statx, stx_dev_minor) + 4 == 0x90, "statx.stx_mnt_id");
_Static_assert(sizeof(struct open_how) == 24, "OPEN_HOW_SIZE_VER0");
_Static_assert(AT_EMPTY_PATH == 0x1000, "AT_EMPTY_PATH");
_Static_assert(sizeof(FUSE_SERVICE_SOCKET_DIR) < 90, "a socket's name needs room in sun_path");
