# SPDX-License-Identifier: MIT
"""The machine of the lab: its modules, mounts, lockdown and log, and what files of debugfs say of a guest."""
import ctypes
import errno
import json
import os
import subprocess
import sys

sys.path.insert(0, "/kvmstat/tests/integration")

import rig  # noqa: E402

MODULES = ("irqbypass", "kvm", "kvm-amd")
KVM = "/sys/kernel/debug/kvm"
LIBC = ctypes.CDLL(None, use_errno=True)
SYS_BPF, SYS_FINIT_MODULE, SYS_DELETE_MODULE = 321, 313, 176
BPF_BTF_GET_NEXT_ID = 23


def check(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


# ---- modules ----

def load_kvm():
    if os.path.exists("/sys/module/kvm_amd"):
        return
    for name in MODULES:
        with open("/modules/%s.ko" % name, "rb") as file:
            check(LIBC.syscall(SYS_FINIT_MODULE, file.fileno(), b"", 0), name)


def unload_kvm():
    """A module can be in use for another moment when its last user is gone."""
    for name in reversed(MODULES):
        def gone(module=name.replace("-", "_").encode()):
            return LIBC.syscall(SYS_DELETE_MODULE, module, os.O_NONBLOCK) == 0 or ctypes.get_errno() == errno.ENOENT
        rig.wait_until(gone, "%s is unloaded" % name)


def last_btf_id():
    """Of the kernel's type informations; each that is loaded gets a higher one."""
    attr = (ctypes.c_uint32 * 32)()
    while LIBC.syscall(SYS_BPF, BPF_BTF_GET_NEXT_ID, attr, ctypes.sizeof(attr)) == 0:
        attr[0] = attr[1]
    return attr[0]


# ---- mounts, lockdown, log ----

def mount(kind, where):
    check(LIBC.mount(kind.encode(), where.encode(), kind.encode(), 0, None), where)


def unmount(where):
    check(LIBC.umount2(where.encode(), 0), where)


def lock_down(level):
    with open("/sys/kernel/security/lockdown", "w", encoding="utf-8") as file:
        file.write(level)


class KernelLog:
    """What the kernel says from now on."""

    def __init__(self):
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)
        self.found = []

    def lines(self, word):
        """Those that have this word, in any case."""
        try:
            while True:
                self.found.append(os.read(self.fd, 8192).decode(errors="replace").partition(";")[2].split("\n")[0])
        except BlockingIOError:
            return [line for line in self.found if word.lower() in line.lower()]


# ---- debugfs as it is ----

def directories():
    """Of all guests there are."""
    return [name for name in os.listdir(KVM) if "-" in name]


def directory(guest):
    """Of a guest of Vmm.guests()."""
    return "%s/%d-%d" % (KVM, guest["tid"], guest["fd"])


def events():
    """What KVM has files for, for all guests together."""
    return [name for name in os.listdir(KVM) if os.path.isfile(os.path.join(KVM, name))]


def levels():
    """Those that nobody may write to: debugfs shows them under lockdown, too."""
    return {name for name in events() if not os.stat(os.path.join(KVM, name)).st_mode & 0o222}


def debugfs_values(guest):
    """{event: value}."""
    return {name: int(text(os.path.join(directory(guest), name))) for name in events()}


# ---- kvmstat ----

def doctor(*options):
    """Exit status and report."""
    done = subprocess.run([rig.built("kvmstat"), *options, "--json", "doctor"], capture_output=True, check=False, timeout=rig.PATIENCE)
    report = json.loads(done.stdout)
    report["status"] = done.returncode
    for list_of in ("sources", "problems"):
        report[list_of] = {entry["name"]: entry for entry in report[list_of]}
    return report


def guests(name):
    """The rows of the guests of this name."""
    return rig.kvmstat_json("--option=Guest=" + name, "guests", "0.1", "1")["guests"]


def rows(name, source="auto"):
    """{event: row} of a report with every event, added up over the guests of this name."""
    options = ("ReportHistograms=true", "Source=" + source, "Guest=" + name)
    report = rig.kvmstat_json("--all", *("--option=" + option for option in options), "events", "0.1", "1")
    return {row["event"]: row for row in report["events"]}


def values(vmm, source="auto"):
    """{event: value} of all guests of a Vmm, added up."""
    found = rows(vmm.name, source)
    return {event: row["value"] for event, row in found.items() if row["value"] is not None}


def of_event(reports, event):
    """Its value in each of them."""
    return [row["value"] for report in reports for row in report["events"] if row["event"] == event]


class Watch:
    """kvmstat in the background, one report after the other."""

    def __init__(self, path, *args, seconds="0.1"):
        command = [rig.built("kvmstat"), "--json", *(["--all"] if "events" in args else []), *args, seconds]
        self.path, self.offset, self.reports = path, 0, []
        with open(path, "wb") as out, open(path + ".err", "wb") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            preexec_fn=rig.die_with_parent)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def read(self):
        """All reports so far."""
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            lines = file.read().rpartition(b"\n")[0]
        self.offset += len(lines) + 1 if lines else 0
        self.reports += map(json.loads, lines.splitlines())
        return self.reports

    def next(self):
        """A report of which both samples were taken after this call."""
        have = len(self.read())
        rig.wait_until(lambda: len(self.read()) >= have + 3 or self.process.poll() is not None, "three more reports")
        assert self.process.poll() is None, self.said()
        return self.reports[-1]

    def values(self):
        return {row["event"]: row["value"] for row in self.next()["events"]}

    def said(self):
        return text(self.path + ".err")

    def fds(self):
        """What is open; None if one was closed meanwhile."""
        top = "/proc/%d/fd" % self.process.pid
        try:
            return sorted(os.readlink(os.path.join(top, name)) for name in os.listdir(top))
        except FileNotFoundError:
            return None
