// SPDX-License-Identifier: LGPL-2.1-or-later
// spawner SOCKET USER PROGRAM
//
// Starts a server for each connection, as a service manager does for a unit with Accept=yes: the
// connection is descriptor 3, and the environment says so. Of what else a service manager does, its
// sandbox above all, nothing is here. What the servers log is lost. They end with this process.
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// Becomes the server. The memory is the parent's until then, which waits.
static void serve(int connection, int log, uid_t user, char *program)
{
	char process[32];
	char *environment[] = {
		"PATH=/usr/bin:/bin", "LISTEN_FDS=1", process, "LISTEN_FDNAMES=connection", NULL,
	};
	snprintf(process, sizeof process, "LISTEN_PID=%d", getpid());
	if (setgroups(0, NULL) || setresgid(user, user, user) || setresuid(user, user, user) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) || dup2(log, 2) < 0 || dup2(connection, 3) < 0)
		_exit(126);
	execve(program, (char *[]){program, NULL}, environment);
	_exit(127);
}

int main(int count, char **words)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (count != 4 || strlen(words[1]) >= sizeof address.sun_path)
		errx(2, "usage: spawner SOCKET USER PROGRAM");
	uid_t user = strtoul(words[2], NULL, 10);
	strcpy(address.sun_path, words[1]);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	// Nobody waits for the servers, and they are not told to ignore the signal.
	struct sigaction alone = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	sigaction(SIGCHLD, &alone, NULL);
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) || chmod(words[1], 0666) ||
	    listen(listener, 128))
		err(1, "%s", words[1]);
	int log = open("/dev/null", O_RDWR | O_CLOEXEC);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (connection < 0)
			err(1, "accept");
		pid_t child = vfork();
		if (child == 0)
			serve(connection, log, user, words[3]);
		if (child < 0)
			err(1, "fork");
		close(connection);
	}
}
