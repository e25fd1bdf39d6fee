// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Without _GNU_SOURCE: with it, glibc reads "0b1" as a number, which C has only had since C23.

#include "CFusermount.h"

#include <ctype.h>
#include <stdio.h>

int cfusermount_scan(const char *line, long *mount_max) {
  return sscanf(line, "mount_max = %li", mount_max);
}

int cfusermount_isspace(int byte) { return isspace(byte); }
