// SPDX-License-Identifier: LGPL-2.1-or-later
//
// libfuse's low-level API, and a function for what newer versions of it have as a macro.
#ifndef CFUSE_SHIM_H
#define CFUSE_SHIM_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

// A session without options: a service's are the server's own, and the kernel's go to the helper.
static inline struct fuse_session *cfuse_session_new(const struct fuse_lowlevel_ops *operations,
						     void *userdata)
{
	char *words[2] = { (char *)"arfs", 0 };
	struct fuse_args arguments = FUSE_ARGS_INIT(1, words);

	return fuse_session_new(&arguments, operations, sizeof *operations, userdata);
}

#endif
