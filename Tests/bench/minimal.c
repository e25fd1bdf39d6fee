// SPDX-License-Identifier: LGPL-2.1-or-later
// minimal SOCKET TYPE SOURCE MOUNTPOINT
//
// The least that a mount by a set-user-ID program takes with the helper's processes: the caller's
// process starts two others and waits. One gives up its ids, opens what the caller names and talks to
// the service; the other keeps them and makes the mount. Nothing is checked, and whoever runs this
// trusts the service. What the helper takes above it is its checks, its filter and what it tells.
//
// With TIMED it prints the nanoseconds from before it connects to the service's goodbye.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Of a packet, which has a path at most; of the command line; of the descriptors of a packet.
enum { ROOM = 4400, WORDS = 3, MOST = 2 };
static const char ready = 1;

static long long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void say(int channel, const void *bytes, size_t length, const int *passed, int count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(MOST * sizeof(int))];
	} control;
	struct iovec part = {(void *)bytes, length};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), passed, count * sizeof(int));
	}
	if (sendmsg(channel, &message, MSG_NOSIGNAL) < 0)
		_exit(1);
}

static void reply_file(int service, const char *path, int file)
{
	char packet[ROOM] = "FILE\0\0\0\0";
	strcpy(packet + 8, path);
	say(service, packet, strlen(path) + 9, &file, 1);
	close(file);
}

static int write_arguments(char **words)
{
	uint32_t head[2 + 2 * WORDS] = {htonl(0x41524753), htonl(WORDS)}, at = sizeof head;
	char bytes[ROOM];
	for (int each = 0; each < WORDS; each++) {
		uint32_t length = strlen(words[each]) + 1;
		head[2 + 2 * each] = htonl(at);
		head[3 + 2 * each] = htonl(length);
		memcpy(bytes + at, words[each], length);
		at += length;
	}
	memcpy(bytes, head, sizeof head);
	int file = memfd_create("argv", MFD_CLOEXEC);
	if (write(file, bytes, at) != at)
		_exit(1);
	return file;
}

// The process without rights: answers the service until its goodbye.
static int converse(int mounter, char **words)
{
	char packet[ROOM], answer, source[ROOM] = "";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strcpy(address.sun_path, words[1]);
	int opened[MOST] = {open("/dev/fuse", O_RDWR | O_CLOEXEC),
			    open(words[4], O_PATH | O_DIRECTORY | O_CLOEXEC)};
	int service = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	long long start = now();
	if (opened[1] < 0 || connect(service, (struct sockaddr *)&address, sizeof address))
		return 1;
	say(service, "SAFT\0\1\0\1\0\0\0", 12, NULL, 0);
	if (recv(service, packet, ROOM, 0) != 8)
		return 1;
	reply_file(service, "argv", write_arguments(words + 2));
	reply_file(service, "fusedev", dup(opened[0]));
	for (;;) {
		ssize_t length = recv(service, packet, ROOM - 1, 0);
		if (length < 8)
			return 1;
		packet[length] = 0;
		uint32_t number;
		memcpy(&number, packet + 4, 4);
		if (!memcmp(packet, "BYEE", 4)) {
			long long end = now();
			say(mounter, &ready, 1, NULL, 0);
#ifdef TIMED
			printf("%lld\n", end - start);
#else
			(void)start, (void)end;
#endif
			return number != 0;
		}
		if (!memcmp(packet, "OPEN", 4)) {
			reply_file(service, packet + 20, open(packet + 20, ntohl(number) | O_CLOEXEC));
			continue;
		}
		if (!memcmp(packet, "NAME", 4))
			strcpy(source, packet + 4);
		if (!memcmp(packet, "DOIT", 4)) {
			say(mounter, source, strlen(source) + 1, opened, MOST);
			if (recv(mounter, &answer, 1, 0) != 1)
				return 1;
		}
		say(service, "REPL\0\0\0", 8, NULL, 0);
	}
}

static long set(int context, const char *key, const char *format, unsigned value)
{
	char text[16];
	snprintf(text, sizeof text, format, value);
	return syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, key, text, 0);
}

// The process with rights: makes the mount when it is told to, and attaches it when it is told to.
static int mount_it(int converser, const char *type)
{
	char source[ROOM], room[CMSG_SPACE(MOST * sizeof(int))];
	struct iovec part = {source, sizeof source};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room,
	};
	int context = syscall(SYS_fsopen, "fuse", FSOPEN_CLOEXEC), passed[MOST];
	if (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "subtype", type, 0) ||
	    set(context, "rootmode", "%o", S_IFDIR) || set(context, "user_id", "%u", getuid()) ||
	    set(context, "group_id", "%u", getgid()) || recvmsg(converser, &message, 0) < 1)
		return 1;
	memcpy(passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof passed);
	if (set(context, "fd", "%u", passed[0]) ||
	    syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", source, 0) ||
	    syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return 1;
	int mount = syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	say(converser, &ready, 1, NULL, 0);
	return recv(converser, source, 1, 0) != 1 ||
	       syscall(SYS_move_mount, mount, "", passed[1], "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0;
}

int main(int count, char **words)
{
	int pair[2], first, second;
	uid_t user = getuid();
	gid_t group = getgid();
	if (count != 5 || strlen(words[1]) >= sizeof ((struct sockaddr_un *)0)->sun_path ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return 2;
	if (fork() == 0) {
		close(pair[0]);
		_exit(mount_it(pair[1], words[2]));
	}
	if (fork() == 0) {
		close(pair[1]);
		if (setresgid(group, group, group) || setresuid(user, user, user))
			_exit(2);
		int status = converse(pair[0], words);
		fflush(stdout);
		_exit(status);
	}
	close(pair[0]);
	close(pair[1]);
	if (wait(&first) < 0 || wait(&second) < 0)
		return 2;
	return first || second;
}
