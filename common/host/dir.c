/* SPDX-License-Identifier: MIT */
#include "host/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int dir_begin(struct dir_reader *reader, const struct sysroot *root, char *buffer, const char *format, ...)
{
	char path[256];
	va_list args;

	*reader = (struct dir_reader){ .fd = -1, .buffer = buffer };
	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	reader->fd = sysroot_open(root, O_RDONLY | O_DIRECTORY, "%s", path);
	return reader->fd < 0 ? reader->fd : 0;
}

const struct dir_entry *dir_next(struct dir_reader *reader)
{
	for (;;) {
		const struct dirent64 *entry;

		if (reader->at >= reader->have) {
			/* glibc has a wrapper since 2.30 only. */
			long got = reader->fd < 0 ? 0 : syscall(SYS_getdents64, reader->fd, reader->buffer, DIR_BUFFER);

			if (got <= 0)
				return NULL;
			reader->have = (size_t)got;
			reader->at = 0;
		}
		entry = (const struct dirent64 *)(const void *)(reader->buffer + reader->at);
		reader->at += entry->d_reclen;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		reader->entry = (struct dir_entry){ entry->d_ino, entry->d_name, entry->d_type };
		return &reader->entry;
	}
}

bool dir_is(const struct dir_reader *reader, const struct dir_entry *entry, mode_t type)
{
	struct stat st;

	if (entry->type != DT_UNKNOWN)
		return (mode_t)DTTOIF(entry->type) == type;
	return fstatat(reader->fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & S_IFMT) == type;
}

void dir_end(struct dir_reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = -1;
}
