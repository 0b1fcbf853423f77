# SPDX-License-Identifier: MIT
"""Which files somebody opened: the kernel is asked (inotify), so that nothing escapes."""
import ctypes
import os
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
IN_OPEN = 0x20
IN_ISDIR = 0x40000000
IN_Q_OVERFLOW = 0x4000
HEAD = struct.Struct("iIII")


class Opened:
    """with Opened(top) as opened: ...; opened.files() are the paths, relative to top, of files opened meanwhile."""

    def __init__(self, top):
        self.top, self.directories = str(top), {}

    def __enter__(self):
        self.fd = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self.fd >= 0, os.strerror(ctypes.get_errno())
        for directory, _, _ in os.walk(self.top):
            watch = LIBC.inotify_add_watch(self.fd, os.fsencode(directory), IN_OPEN)
            assert watch >= 0, os.strerror(ctypes.get_errno())
            self.directories[watch] = os.path.relpath(directory, self.top)
        return self

    def __exit__(self, *_):
        self.found = set(self.read())
        os.close(self.fd)

    def read(self):
        while True:
            try:
                data = os.read(self.fd, 1 << 20)
            except BlockingIOError:
                return
            while data:
                watch, mask, _, length = HEAD.unpack_from(data)
                name = data[HEAD.size:HEAD.size + length].rstrip(b"\0")
                data = data[HEAD.size + length:]
                assert not mask & IN_Q_OVERFLOW, "too much was opened to be told"
                if name and not mask & IN_ISDIR:
                    yield os.path.normpath(os.path.join(self.directories[watch], os.fsdecode(name)))

    def files(self):
        return self.found
