// SPDX-License-Identifier: LGPL-2.1-or-later
//
// libmount, loaded when it is needed. Linked in, it costs every start 350 µs (it pulls libblkid,
// libselinux and pcre2), and most mounts record nothing. The types are the header's own, so a
// change of the library's interface does not compile.
#ifndef CLIBMOUNT_SHIM_H
#define CLIBMOUNT_SHIM_H

#include <dlfcn.h>
#include <libmount/libmount.h>

struct clibmount {
	__typeof__(&mnt_new_fs) new_fs;
	__typeof__(&mnt_fs_set_source) set_source;
	__typeof__(&mnt_fs_set_target) set_target;
	__typeof__(&mnt_fs_set_fstype) set_type;
	__typeof__(&mnt_fs_set_options) set_options;
	__typeof__(&mnt_new_update) new_update;
	__typeof__(&mnt_update_set_fs) update_set_fs;
	__typeof__(&mnt_update_get_filename) update_get_filename;
	__typeof__(&mnt_update_table) update_table;
	__typeof__(&mnt_new_lock) new_lock;
};

// Returns 0 when every symbol is there. In a set-id process the loader takes libraries from the
// system's directories only.
static inline int clibmount_load(struct clibmount *library)
{
	void *handle = dlopen("libmount.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return -1;
#define CLIBMOUNT_SYMBOL(field, name) \
	if (!(library->field = (__typeof__(library->field))dlsym(handle, #name))) \
		return -1
	CLIBMOUNT_SYMBOL(new_fs, mnt_new_fs);
	CLIBMOUNT_SYMBOL(set_source, mnt_fs_set_source);
	CLIBMOUNT_SYMBOL(set_target, mnt_fs_set_target);
	CLIBMOUNT_SYMBOL(set_type, mnt_fs_set_fstype);
	CLIBMOUNT_SYMBOL(set_options, mnt_fs_set_options);
	CLIBMOUNT_SYMBOL(new_update, mnt_new_update);
	CLIBMOUNT_SYMBOL(update_set_fs, mnt_update_set_fs);
	CLIBMOUNT_SYMBOL(update_get_filename, mnt_update_get_filename);
	CLIBMOUNT_SYMBOL(update_table, mnt_update_table);
	CLIBMOUNT_SYMBOL(new_lock, mnt_new_lock);
#undef CLIBMOUNT_SYMBOL
	return 0;
}

#endif
