// SPDX-License-Identifier: LGPL-2.1-or-later

#include "CServiceAdapter.h"

_Static_assert(sizeof(struct service_shim_mount) == 8 + SERVICE_SHIM_OPTIONS, "one packet, no holes");
_Static_assert(SERVICE_SHIM_MOST_FILES <= 10, "a file has one digit");
