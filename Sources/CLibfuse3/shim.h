// SPDX-License-Identifier: LGPL-2.1-or-later
//
// libfuse's low-level API, version 3.12 and later, and the few parts of it that Swift cannot reach:
// what newer libfuse has as macros, and what only some versions have.
#ifndef CLIBFUSE3_SHIM_H
#define CLIBFUSE3_SHIM_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
#include <linux/stat.h>
// The C library declares it for _GNU_SOURCE only, which CLinuxExtensions.h says why not to define.
int statx(int directory, const char *path, int flags, unsigned mask, struct statx *status);
#endif

static inline int clibfuse_errno(void) { return errno; }

// fuse_session_new is a function in libfuse 3.14 and a macro in 3.17. libfuse gets no option of the
// caller but these two: it must be told of max_read here as well as in init (fuse_common.h).
static inline struct fuse_session *clibfuse_session_new(const struct fuse_lowlevel_ops *operations,
							void *userdata, int debug, unsigned max_read)
{
	char option[32];
	char *words[4] = { (char *)"singlefilefs", NULL, NULL, NULL };
	int count = 1;

	if (debug)
		words[count++] = (char *)"-d";
	if (max_read) {
		snprintf(option, sizeof option, "-omax_read=%u", max_read);
		words[count++] = option;
	}
	struct fuse_args arguments = FUSE_ARGS_INIT(count, words);
	struct fuse_session *session =
		fuse_session_new(&arguments, operations, sizeof *operations, userdata);
	fuse_opt_free_args(&arguments);
	return session;
}

// fuse_session_loop_mt is a macro where libfuse is built without symbol versions.
static inline int clibfuse_session_loop_threads(struct fuse_session *session)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();

	if (!config)
		return -ENOMEM;
	int result = fuse_session_loop_mt(session, config);
	fuse_loop_cfg_destroy(config);
	return result;
}

// Capabilities are 64 bits wide since libfuse 3.17, which has functions for them.
static inline void clibfuse_want(struct fuse_conn_info *connection, unsigned capability)
{
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
	fuse_set_feature_flag(connection, capability);
#else
	connection->want |= connection->capable & capability;
#endif
}

static inline void clibfuse_do_not_want(struct fuse_conn_info *connection, unsigned capability)
{
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
	fuse_unset_feature_flag(connection, capability);
#else
	connection->want &= ~capability;
#endif
}

static const unsigned clibfuse_CAP_SPLICE_WRITE = FUSE_CAP_SPLICE_WRITE;
static const unsigned clibfuse_CAP_SPLICE_MOVE = FUSE_CAP_SPLICE_MOVE;
static const unsigned clibfuse_CAP_SPLICE_READ = FUSE_CAP_SPLICE_READ;
static const unsigned clibfuse_CAP_AUTO_INVAL_DATA = FUSE_CAP_AUTO_INVAL_DATA;

static const int clibfuse_SET_ATTR_MODE = FUSE_SET_ATTR_MODE;
static const int clibfuse_SET_ATTR_UID = FUSE_SET_ATTR_UID;
static const int clibfuse_SET_ATTR_GID = FUSE_SET_ATTR_GID;
static const int clibfuse_SET_ATTR_SIZE = FUSE_SET_ATTR_SIZE;

// One buffer that is a place in an open file, read or written to the last byte asked for.
static inline struct fuse_bufvec clibfuse_file_buffer(int fd, off_t position, size_t size)
{
	struct fuse_bufvec vector = FUSE_BUFVEC_INIT(size);

	vector.buf[0].flags = (enum fuse_buf_flags)(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK |
						    FUSE_BUF_FD_RETRY);
	vector.buf[0].fd = fd;
	vector.buf[0].pos = position;
	return vector;
}

static inline int clibfuse_reply_moved(fuse_req_t request, struct fuse_bufvec *vector)
{
	return fuse_reply_data(request, vector, FUSE_BUF_SPLICE_MOVE);
}

static inline ssize_t clibfuse_copy(struct fuse_bufvec *to, struct fuse_bufvec *from)
{
	return fuse_buf_copy(to, from, (enum fuse_buf_copy_flags)0);
}

// statx came with libfuse 3.18; before, the kernel makes do with getattr, as it does on ENOSYS.
typedef void (*clibfuse_statx_handler)(fuse_req_t request, fuse_ino_t inode, int flags, int mask,
				       struct fuse_file_info *info);

static inline void clibfuse_set_statx(struct fuse_lowlevel_ops *operations,
				      clibfuse_statx_handler handler)
{
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
	operations->statx = handler;
#else
	(void)operations;
	(void)handler;
#endif
}

// Answers with the attributes, and with the birth time of the open file `fd` unless it is -1.
static inline int clibfuse_reply_statx(fuse_req_t request, const struct stat *attributes, int fd,
				       double timeout)
{
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
	struct statx status, birth;

	memset(&status, 0, sizeof status);
	status.stx_mask = STATX_BASIC_STATS;
	status.stx_mode = (__u16)attributes->st_mode;
	status.stx_nlink = (__u32)attributes->st_nlink;
	status.stx_uid = attributes->st_uid;
	status.stx_gid = attributes->st_gid;
	status.stx_ino = attributes->st_ino;
	status.stx_size = (__u64)attributes->st_size;
	status.stx_blksize = (__u32)attributes->st_blksize;
	status.stx_blocks = (__u64)attributes->st_blocks;
	status.stx_atime.tv_sec = attributes->st_atim.tv_sec;
	status.stx_atime.tv_nsec = (__u32)attributes->st_atim.tv_nsec;
	status.stx_mtime.tv_sec = attributes->st_mtim.tv_sec;
	status.stx_mtime.tv_nsec = (__u32)attributes->st_mtim.tv_nsec;
	status.stx_ctime.tv_sec = attributes->st_ctim.tv_sec;
	status.stx_ctime.tv_nsec = (__u32)attributes->st_ctim.tv_nsec;
	if (fd >= 0 && statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &birth) == 0 &&
	    (birth.stx_mask & STATX_BTIME)) {
		status.stx_mask |= STATX_BTIME;
		status.stx_btime = birth.stx_btime;
	}
	return fuse_reply_statx(request, 0, &status, timeout);
#else
	(void)attributes;
	(void)fd;
	(void)timeout;
	return fuse_reply_err(request, ENOSYS);
#endif
}

#endif
