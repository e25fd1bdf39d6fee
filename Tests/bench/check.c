// SPDX-License-Identifier: LGPL-2.1-or-later
// check SOCKET
//
// The least that a set-user-ID program does to tell whether its caller may use a service: give up its
// ids, and look. What fuservicemount3 --check takes above this is its clean start, its filter, and
// reading what it wrote.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int count, char **words)
{
	struct stat status;
	uid_t user = getuid();
	gid_t group = getgid();
	if (count != 2 || setresgid(group, group, group) || setresuid(user, user, user))
		return 2;
	return stat(words[1], &status) || !S_ISSOCK(status.st_mode) ||
	       faccessat(AT_FDCWD, words[1], W_OK, 0);
}
