// SPDX-License-Identifier: LGPL-2.1-or-later
// service SOCKET MOUNTPOINT [MTAB]
//
// A server for measurements: it answers every connection in this process, as docs/writing-a-server.md
// has it, and says goodbye. It keeps the fuse device of the last connections open, so that nothing of
// tearing them down falls into the time of a helper, and serves no file.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int connection;

static void say(const char *magic, const void *body, size_t length)
{
	char packet[8192];
	memcpy(packet, magic, 4);
	memcpy(packet + 4, body, length);
	if (send(connection, packet, length + 4, MSG_NOSIGNAL) < 0)
		warn("%s", magic);
}

// Takes a packet; a descriptor that rides along goes to `passed`.
static ssize_t hear(char *packet, size_t size, int *passed)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {packet, size};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof control,
	};
	ssize_t length = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = length < 0 ? NULL : CMSG_FIRSTHDR(&message);
	if (passed)
		*passed = -1;
	if (header && header->cmsg_type == SCM_RIGHTS && passed)
		memcpy(passed, CMSG_DATA(header), sizeof(int));
	return length;
}

static void ask(const char *magic, const void *body, size_t length)
{
	char reply[64];
	say(magic, body, length);
	ssize_t size = hear(reply, sizeof reply, NULL);
	uint32_t error;
	if (size < 8)
		return;
	memcpy(&error, reply + 4, 4);
	if (error)
		warnx("%s is refused: %s", magic, strerror(ntohl(error)));
}

// One conversation; the fuse device.
static int converse(const char *mountPoint, const char *table)
{
	char packet[8192];
	int arguments, device;
	if (hear(packet, sizeof packet, NULL) < 12)
		return -1;
	say("LAST", "\0\1\0\0", 4);
	if (hear(packet, sizeof packet, &arguments) < 0 || hear(packet, sizeof packet, &device) < 0)
		return -1;
	close(arguments);
	uint32_t none = 0, flags = htonl(MS_NOSUID | MS_NODEV);
	ask("TYPE", &none, 4);
	ask("NAME", "bench", 6);
	memset(packet, 0, 4);
	strcpy(packet + 4, mountPoint);
	ask("MNTP", packet, strlen(mountPoint) + 5);
	if (table)
		ask("MTAB", table, strlen(table) + 1);
	ask("DOIT", &flags, 4);
	say("BYEE", &none, 4);
	return device;
}

int main(int count, char **words)
{
	enum { KEPT = 4 };
	int devices[KEPT] = {-1, -1, -1, -1};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (count < 3 || strlen(words[1]) >= sizeof address.sun_path || strlen(words[2]) > 4000)
		errx(2, "usage: service SOCKET MOUNTPOINT [MTAB]");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	strcpy(address.sun_path, words[1]);
	unlink(words[1]);
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) || chmod(words[1], 0666) ||
	    listen(listener, 128))
		err(1, "%s", words[1]);
	puts("ready");
	fflush(stdout);
	for (unsigned turn = 0;; turn++) {
		connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (connection < 0)
			err(1, "accept");
		int *slot = &devices[turn % KEPT];
		if (*slot >= 0)
			close(*slot);
		*slot = converse(words[2], words[3]);
		close(connection);
	}
}
