// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CFUSERMOUNT_H
#define CFUSERMOUNT_H

// sscanf(3) as fusermount3 reads mount_max with it, but for a type that does not overflow as soon.
// A variadic function cannot be called from Swift.
int cfusermount_scan(const char *line, long *mount_max);

// isspace(3), as it is in the C locale.
int cfusermount_isspace(int byte);

#endif
