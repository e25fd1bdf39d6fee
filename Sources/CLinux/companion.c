// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The only program that the helper executes. Its name is in one place of memory, that cannot be
// written to, by which the monitor's filter knows it.
#include "CLinux.h"

const char clinux_companion_path[] = FUSERVICEMOUNT_COMPANION;
