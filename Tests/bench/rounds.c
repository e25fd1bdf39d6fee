// SPDX-License-Identifier: LGPL-2.1-or-later
// rounds ROUNDS SEED <PLAN
//
// Runs commands in turn and measures each from before its start to after its end. A line of the plan
// is a command's label, the user that runs it, what is taken away afterwards (a mount point, or -),
// the status that it has to end with, and its words, with tabs between them. In each round each
// command runs once, in a random order. A line of what it prints is a label, nanoseconds, minor page
// faults and the peak of resident memory in kB, of the process and of those it has waited for.
//
// A command that hands its caller the fuse device does so on descriptor 9, as libfuse asks fusermount3
// to. The device is closed when the mount is gone, as a server's is. What a command has recorded in utab
// is taken back, as umount(8) does.
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct command {
	char *label, *taken, **words;
	uid_t user;
	int status;
	bool hands;
};

static struct command commands[64];
static char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
static char *handing[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "_FUSE_COMMFD=9", NULL};
static int channel[2];
static const char utab[] = "/run/mount/utab";
static char *recorded;
static size_t recordedLength;

static long long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void keep_utab(void)
{
	FILE *file = fopen(utab, "r");
	if (!file)
		return;
	size_t room = 0;
	ssize_t length = getdelim(&recorded, &room, 0, file);
	recordedLength = length < 0 ? 0 : length;
	fclose(file);
}

static void restore_utab(void)
{
	int file = open(utab, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (file < 0)
		return;
	if (write(file, recorded, recordedLength) != (ssize_t)recordedLength)
		err(1, "%s", utab);
	close(file);
}

static void take_device(const char *label)
{
	char byte, room[CMSG_SPACE(sizeof(int))];
	struct iovec part = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room,
	};
	int device;
	if (recvmsg(channel[0], &message, MSG_DONTWAIT) < 0 || !CMSG_FIRSTHDR(&message))
		err(1, "%s: no device", label);
	memcpy(&device, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof device);
	close(device);
}

static void run(const struct command *command)
{
	struct rusage usage;
	int status;
	long long start = now();
	// The child borrows this process's memory until it executes, so nothing of its size is measured.
	pid_t child = vfork();
	if (child == 0) {
		if (command->user && (setgroups(0, NULL) || setresgid(command->user, command->user, command->user) ||
				      setresuid(command->user, command->user, command->user)))
			_exit(126);
		if (command->hands && dup2(channel[1], 9) < 0)
			_exit(126);
		execve(command->words[0], command->words, command->hands ? handing : environment);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child)
		err(1, "%s", command->label);
	long long end = now();
	if (!WIFEXITED(status) || WEXITSTATUS(status) != command->status)
		errx(1, "%s: ended with status %#x", command->label, status);
	if (strcmp(command->taken, "-")) {
		if (umount2(command->taken, MNT_DETACH))
			err(1, "%s: %s", command->label, command->taken);
		restore_utab();
		// A server that was started for the mount ends in peace.
		usleep(5000);
	}
	if (command->hands)
		take_device(command->label);
	printf("%s\t%lld\t%ld\t%ld\n", command->label, end - start, usage.ru_minflt, usage.ru_maxrss);
}

int main(int count, char **words)
{
	if (count != 3)
		errx(2, "usage: rounds ROUNDS SEED <PLAN");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int rounds = atoi(words[1]), used = 0, order[64];
	srandom(atoi(words[2]));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel))
		err(1, "socketpair");
	keep_utab();
	char *line = NULL;
	size_t room = 0;
	while (used < 64 && getline(&line, &room, stdin) > 0) {
		struct command *command = &commands[used];
		char *rest = strdup(line);
		rest[strcspn(rest, "\n")] = 0;
		command->label = strsep(&rest, "\t");
		char *user = strsep(&rest, "\t");
		command->taken = strsep(&rest, "\t");
		char *status = strsep(&rest, "\t");
		if (!status || !rest)
			errx(2, "not a plan: %s", line);
		command->user = strtoul(user, NULL, 10);
		command->status = atoi(status);
		command->words = calloc(64, sizeof(char *));
		for (int word = 0; word < 63 && rest; word++)
			command->words[word] = strsep(&rest, "\t");
		command->hands = strstr(command->words[0], "/fusermount3") != NULL;
		order[used] = used;
		used++;
	}
	// A first round that nobody counts: pages come into the cache, services begin to listen.
	FILE *results = stdout;
	stdout = fopen("/dev/null", "w");
	for (int each = 0; each < used; each++)
		run(&commands[each]);
	fclose(stdout);
	stdout = results;
	for (int round = 0; round < rounds; round++) {
		for (int each = used - 1; each > 0; each--) {
			int other = random() % (each + 1), kept = order[each];
			order[each] = order[other];
			order[other] = kept;
		}
		for (int each = 0; each < used; each++)
			run(&commands[order[each]]);
	}
}
