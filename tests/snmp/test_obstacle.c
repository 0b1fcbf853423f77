/* SPDX-License-Identifier: MIT */
/*
 * test_obstacle.c - what keeps the subagent from snmpd's socket: each obstacle is named, with what helps
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "obstacle.h"

enum { NOBODY = 65534 };

static char base[64], folder[80], path[96];
static int listener;

static void listen_at(int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, path);
	listener = socket(AF_UNIX, type, 0);
	assert_return_code(bind(listener, (struct sockaddr *)&address, sizeof(address)), errno);
	assert_int_equal(chmod(path, 0777), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(listener, 0), 0);
}

static int begin(void **state)
{
	(void)state;
	strcpy(base, "/tmp/kvmstat-obstacle-XXXXXX");
	if (!mkdtemp(base) || chmod(base, 0755) < 0)
		return -1;
	snprintf(folder, sizeof(folder), "%s/agentx", base);
	snprintf(path, sizeof(path), "%s/master", folder);
	listener = -1;
	return mkdir(folder, 0755) < 0 || chmod(folder, 0755) < 0 ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	if (listener >= 0)
		close(listener);
	chmod(folder, 0755);
	if (unlink(path) < 0)
		rmdir(path);
	if (rmdir(folder) < 0)
		unlink(folder);
	return rmdir(base);
}

/* 0 or -errno of an ordinary user who connects; fd stays open if it is wanted. */
static int try(int *fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int new = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), rc;

	strcpy(address.sun_path, path);
	rc = connect(new, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	if (fd)
		*fd = new;
	else
		close(new);
	return rc;
}

/* What an ordinary user is told who meets this error; root becomes nobody for it, as root may do everything. */
static void expect(int error, const char *cause, const char *remedy)
{
	bool root = geteuid() == 0;
	char text[OBSTACLE_SIZE] = "";
	int rc;

	if (root)
		assert_int_equal(seteuid(NOBODY), 0);
	rc = try(NULL);
	obstacle_describe(path, rc, text);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(rc, -error);
	if (!strstr(text, cause) || !strstr(text, remedy))
		fail_msg("\"%s\" is without \"%s\" or \"%s\"", text, cause, remedy);
}

static void test_nothing_is_there(void **state)
{
	char cause[160];

	(void)state;
	snprintf(cause, sizeof(cause), "the socket does not exist; the path exists up to %s; ", folder);
	expect(ENOENT, cause, "start snmpd, with the line \"master agentx\"");
	assert_int_equal(rmdir(folder), 0);
	snprintf(cause, sizeof(cause), "the path exists up to %s; ", base);
	expect(ENOENT, cause, "option AgentXSocket");
}

static void test_nobody_listens(void **state)
{
	(void)state;
	listen_at(SOCK_STREAM);
	close(listener);
	listener = -1;
	expect(ECONNREFUSED, "the socket exists, but no process listens", "start snmpd");
}

static void test_folder_is_closed(void **state)
{
	char cause[192], remedy[192], *owner = geteuid() == 0 ? "root:root" : "";

	(void)state;
	listen_at(SOCK_STREAM);
	assert_int_equal(chmod(folder, 0600), 0);
	snprintf(cause, sizeof(cause), "may not enter the directory %s (mode 0600, %s", folder, owner);
	snprintf(remedy, sizeof(remedy), "chmod o+x %s", folder);
	expect(EACCES, cause, remedy);
}

static void test_socket_is_closed(void **state)
{
	(void)state;
	listen_at(SOCK_STREAM);
	assert_int_equal(chmod(path, 0555), 0);
	expect(EACCES, "may not write to the socket (mode 0555, ", "set agentXPerms");
}

/* Its rights would do. */
static void test_security_module(void **state)
{
	char text[OBSTACLE_SIZE];

	(void)state;
	listen_at(SOCK_STREAM);
	obstacle_describe(path, -EACCES, text);
	assert_non_null(strstr(text, "a security module (AppArmor, SELinux)"));
	assert_non_null(strstr(text, path));
}

static void test_not_a_socket(void **state)
{
	FILE *file;

	(void)state;
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(chmod(path, 0777), 0);
	expect(ECONNREFUSED, "it is a directory", "option AgentXSocket");
	assert_int_equal(rmdir(path), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(chmod(path, 0777), 0);
	expect(ECONNREFUSED, "it is a file", "option AgentXSocket");
}

static void test_folder_is_a_file(void **state)
{
	char cause[128];
	FILE *file;

	(void)state;
	assert_int_equal(rmdir(folder), 0);
	file = fopen(folder, "w");
	assert_non_null(file);
	fclose(file);
	snprintf(cause, sizeof(cause), "%s is not a directory", folder);
	expect(ENOTDIR, cause, "option AgentXSocket");
}

static void test_another_type(void **state)
{
	(void)state;
	listen_at(SOCK_DGRAM);
	expect(EPROTOTYPE, "a socket of another type", "option AgentXSocket");
}

static void test_somebody_listens(void **state)
{
	int fd;

	(void)state;
	listen_at(SOCK_STREAM);
	expect(0, "does not answer", "whether snmpd hangs");
	assert_int_equal(try(&fd), -EAGAIN);	/* the queue has one place, which is taken */
	expect(EAGAIN, "its queue is full", "restart");
	close(fd);
}

static void test_other_errors(void **state)
{
	char text[OBSTACLE_SIZE];

	(void)state;
	obstacle_describe(path, -ELOOP, text);
	assert_non_null(strstr(text, strerror(ELOOP)));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_is_there),
		TEST(test_nobody_listens),
		TEST(test_folder_is_closed),
		TEST(test_socket_is_closed),
		TEST(test_security_module),
		TEST(test_not_a_socket),
		TEST(test_folder_is_a_file),
		TEST(test_another_type),
		TEST(test_somebody_listens),
		TEST(test_other_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
