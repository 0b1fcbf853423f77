/* SPDX-License-Identifier: MIT */
#include "guests/guest_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* There is no such directory: has the VM ended, or is debugfs missing? */
static bool has_ended(const struct guest *guest, const struct sysroot *root)
{
	return sysroot_exists(root, "sys/kernel/debug/%s", guest->seen_as.base);
}

bool guest_has_directory(const struct guest *guest, const struct sysroot *root)
{
	struct stat st;
	int rc;

	if (!guest->seen_as.ino)
		return true;
	rc = sysroot_stat(root, &st, "sys/kernel/debug/%s/%s", guest->seen_as.base, guest->seen_as.dir);
	if (rc == -ENOENT)
		return !has_ended(guest, root);
	return rc < 0 || st.st_ino == guest->seen_as.ino;
}

int guest_open_directory(struct guest *guest, const struct sysroot *root)
{
	int fd = guest->dirfd;

	if (fd < 0)
		fd = sysroot_open(root, O_PATH | O_DIRECTORY, "sys/kernel/debug/%s/%s", guest->seen_as.base,
				  guest->seen_as.dir);
	guest->dirfd = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

int guest_links(struct guest *guest, const struct sysroot *root)
{
	struct stat st;
	int rc;

	if (!guest->seen_as.ino)
		return -ENODATA;
	rc = guest_open_directory(guest, root);
	if (rc == -ENOENT && has_ended(guest, root))
		return 0;
	if (rc == 0 && fstat(guest->dirfd, &st) < 0)
		rc = -errno;
	if (rc < 0)
		return rc;
	return st.st_ino == guest->seen_as.ino ? (int)st.st_nlink : 0;
}

int guests_fd_limit(void)
{
	struct rlimit limit = { 1024, 1024 };

	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur < 1u << 20 ? (int)(limit.rlim_cur / 2) : 1 << 19;
}

void fd_close_high(int *fd, int fd_limit)
{
	if (*fd < fd_limit || *fd < 0)
		return;
	close(*fd);
	*fd = -1;
}
