// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
