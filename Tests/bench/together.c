// SPDX-License-Identifier: LGPL-2.1-or-later
// together COUNT USER DIRECTORY WORD...
//
// Runs a command COUNT times at once, as a user, and prints the nanoseconds from before the first start
// to after the last end. A word % is another directory for each: DIRECTORY/0, DIRECTORY/1 and so on,
// where the command mounts something, which is taken away again.
#define _GNU_SOURCE
#include <err.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};

static long long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// The words are copied when it executes, before there are other ones.
static void start(uid_t user, char **words)
{
	pid_t child = vfork();
	if (child == 0) {
		if (setgroups(0, NULL) || setresgid(user, user, user) || setresuid(user, user, user))
			_exit(126);
		execve(words[0], words, environment);
		_exit(127);
	}
	if (child < 0)
		err(1, "fork");
}

int main(int count, char **words)
{
	char place[4096];
	int at = 4, status, failed = 0;
	if (count < 5)
		errx(2, "usage: together COUNT USER DIRECTORY WORD...");
	int times = atoi(words[1]);
	uid_t user = strtoul(words[2], NULL, 10);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (at < count - 1 && strcmp(words[at], "%"))
		at++;
	words[at] = place;
	long long before = now();
	for (int each = 0; each < times; each++) {
		snprintf(place, sizeof place, "%s/%d", words[3], each);
		start(user, words + 4);
	}
	for (int each = 0; each < times; each++)
		if (wait(&status) < 0 || status)
			failed++;
	long long end = now();
	for (int each = 0; each < times; each++) {
		snprintf(place, sizeof place, "%s/%d", words[3], each);
		umount2(place, MNT_DETACH);
	}
	if (failed)
		errx(1, "%s: %d of %d failed", words[4], failed, times);
	// Servers that were started for the mounts end in peace.
	usleep(5000 + 1000 * times);
	printf("%lld\n", end - before);
}
