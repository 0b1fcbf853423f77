/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obstacle.h"

#define START_SNMPD                                                                                          \
	"start snmpd, with the line \"master agentx\" in its configuration, or set the option AgentXSocket to its " \
	"agentXSocket"
#define NAME_SOCKET "set the option AgentXSocket to the agentXSocket of snmpd's configuration"

enum { NAME_SIZE = 64, WHO_SIZE = 2 * NAME_SIZE + 16 };

/* How far a path can be followed. */
struct way {
	char reached[PATH_MAX];		/* the last visible directory of the path, or the whole path */
	bool whole;
	struct stat st;			/* of reached */
};

static void follow(struct way *way, const char *path)
{
	const char *end = path;
	char part[PATH_MAX];
	struct stat st;

	memset(way, 0, sizeof(*way));
	strcpy(way->reached, "/");
	if (stat("/", &way->st) < 0)
		return;
	do {
		end += strspn(end, "/");
		end += strcspn(end, "/");
		snprintf(part, sizeof(part), "%.*s", (int)(end - path), path);
		if (stat(part, &st) < 0)
			return;
		strcpy(way->reached, part);
		way->st = st;
	} while (*end);
	way->whole = true;
}

static void user_name(uid_t uid, char name[NAME_SIZE])
{
	struct passwd entry, *found = NULL;
	char buffer[1024];

	if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found)
		snprintf(name, NAME_SIZE, "%s", found->pw_name);
	else
		snprintf(name, NAME_SIZE, "%u", uid);
}

static void group_name(gid_t gid, char name[NAME_SIZE])
{
	struct group entry, *found = NULL;
	char buffer[1024];

	if (getgrgid_r(gid, &entry, buffer, sizeof(buffer), &found) == 0 && found)
		snprintf(name, NAME_SIZE, "%s", found->gr_name);
	else
		snprintf(name, NAME_SIZE, "%u", gid);
}

/* "mode 0700, root:root" */
static void rights(const struct stat *st, char who[WHO_SIZE])
{
	char user[NAME_SIZE], group[NAME_SIZE];

	user_name(st->st_uid, user);
	group_name(st->st_gid, group);
	snprintf(who, WHO_SIZE, "mode %04o, %s:%s", st->st_mode & 07777, user, group);
}

static bool may(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
}

static void describe_denied(const struct way *way, char text[OBSTACLE_SIZE])
{
	char user[NAME_SIZE], who[WHO_SIZE];

	user_name(geteuid(), user);
	rights(&way->st, who);
	if (S_ISDIR(way->st.st_mode) && !may(way->reached, X_OK))
		snprintf(text, OBSTACLE_SIZE,
			 "user %s may not enter the directory %s (%s); allow it: chmod o+x %s "
			 "(permanently, for /var/agentx: systemd-tmpfiles --create kvmstat.conf)",
			 user, way->reached, who, way->reached);
	else if (way->whole && !may(way->reached, W_OK))
		snprintf(text, OBSTACLE_SIZE,
			 "user %s may not write to the socket (%s); set agentXPerms in snmpd's configuration (see "
			 "snmpd.conf.d-kvmstat.conf) and restart snmpd",
			 user, who);
	else
		snprintf(text, OBSTACLE_SIZE,
			 "a security module (AppArmor, SELinux) forbids it, since owner and mode of "
			 "%s (%s) allow it; look for \"denied\" in the kernel's log and allow it",
			 way->reached, who);
}

static void describe_refused(const struct way *way, char text[OBSTACLE_SIZE])
{
	mode_t mode = way->st.st_mode;

	if (way->whole && S_ISSOCK(mode))
		snprintf(text, OBSTACLE_SIZE, "the socket exists, but no process listens; " START_SNMPD);
	else
		snprintf(text, OBSTACLE_SIZE, "it is %s; " NAME_SOCKET,
			 S_ISDIR(mode) ? "a directory" : S_ISREG(mode) ? "a file" : "not a socket");
}

void obstacle_describe(const char *path, int rc, char text[OBSTACLE_SIZE])
{
	struct way way;

	follow(&way, path);
	switch (-rc) {
	case 0:
		snprintf(text, OBSTACLE_SIZE,
			 "a process listens there, but does not answer; check whether snmpd hangs, "
			 "and see its log");
		break;
	case ENOENT:
		snprintf(text, OBSTACLE_SIZE, "the socket does not exist; the path exists up to %s; " START_SNMPD, way.reached);
		break;
	case EACCES:
		describe_denied(&way, text);
		break;
	case ECONNREFUSED:
		describe_refused(&way, text);
		break;
	case ENOTDIR:
		snprintf(text, OBSTACLE_SIZE, "%s is not a directory; " NAME_SOCKET, way.reached);
		break;
	case EPROTOTYPE:
		snprintf(text, OBSTACLE_SIZE, "it is a socket of another type; " NAME_SOCKET);
		break;
	case EAGAIN:
		snprintf(text, OBSTACLE_SIZE, "its queue is full: snmpd hangs; check it, or restart "
					      "it");
		break;
	default:
		snprintf(text, OBSTACLE_SIZE, "%s; check snmpd and the option AgentXSocket", strerror(-rc));
	}
}
