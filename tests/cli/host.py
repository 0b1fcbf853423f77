# SPDX-License-Identifier: MIT
"""A host out of files with guests whose numbers a test sets, and the command that reads it."""
import contextlib
import json
import os
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "integration"))

import rig  # noqa: E402

KVMSTAT = os.environ.get("KVMSTAT", "build/kvmstat")
ENVIRONMENT = dict(os.environ, LC_ALL="C.UTF-8")
EVENTS = ("exits", "io_exits", "mmio_exits", "halt_exits", "halt_wait_ns", "halt_attempted_poll",
          "halt_successful_poll", "pages_4k", "max_mmu_rmap_size")
LEVELS = ("pages_4k", "max_mmu_rmap_size")


def write(path, data, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else str(data).encode())
    os.chmod(path, mode)


class Host:
    def __init__(self, root):
        self.root = str(root)
        self.kvm = os.path.join(self.root, "sys/kernel/debug/kvm")
        self.next_pid = 1000
        self.set(self.kvm, dict.fromkeys(EVENTS, 0))
        write(self.root + "/sys/kernel/security/lockdown", "[none] integrity confidentiality\n")
        write(self.root + "/sys/devices/system/cpu/online", "0-1\n")
        write(self.root + "/proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n")
        write(self.root + "/dev/kvm", "")

    @staticmethod
    def set(directory, values):
        for event, value in values.items():
            write(os.path.join(directory, event), "%d\n" % value, 0o444 if event in LEVELS else 0o644)

    def guest(self, name, uuid=None, **values):
        """A QEMU guest with one vCPU; the directory of its statistics."""
        pid, self.next_pid = self.next_pid, self.next_pid + 10
        name = name if isinstance(name, bytes) else name.encode()
        args = [b"/usr/bin/qemu-system-x86_64", b"-name", b"guest=" + name.replace(b",", b",,"), b"-m", b"64"]
        if uuid:
            args += [b"-uuid", uuid.encode()]
        proc = "%s/proc/%d" % (self.root, pid)
        status = "Name:\tqemu-system-x86\nTgid:\t%d\nPid:\t%d\nPPid:\t1\n" % (pid, pid)
        for directory in (proc, "%s/task/%d" % (proc, pid)):
            write(directory + "/status", status)
            write(directory + "/comm", "qemu-system-x86\n")
            write(directory + "/stat", "%d (qemu-system-x86) S 1 %s\n" % (pid, " ".join(["0"] * 48)))
        write(proc + "/cmdline", b"\0".join(args) + b"\0")
        write(proc + "/cgroup", "0::/\n")
        os.makedirs(proc + "/fd", exist_ok=True)
        for fd, target in ((9, "anon_inode:kvm-vm"), (10, "anon_inode:kvm-vcpu:0")):
            os.symlink(target, "%s/fd/%d" % (proc, fd))
        directory = "%s/%d-9" % (self.kvm, pid)
        self.set(directory, values)
        return directory

    def second_vm(self, directory, fd, **values):
        """Another VM of that guest's process; the directory of its statistics."""
        pid = os.path.basename(directory).split("-")[0]
        os.symlink("anon_inode:kvm-vm", "%s/proc/%s/fd/%d" % (self.root, pid, fd))
        other = "%s/%s-%d" % (self.kvm, pid, fd)
        self.set(other, values)
        return other

    def run(self, *args, **options):
        return run("--root", self.root, *args, **options)

    def json(self, *args):
        """The report of a run that succeeds and has nothing to complain about."""
        done = self.run("--json", *args)
        assert (done.returncode, done.stderr) == (0, b"")
        return json.loads(done.stdout.decode("utf-8", "strict"))

    def json_between(self, change, *args):
        """The report of two samples between which the host was changed."""
        with Watch(self, "--json", *args, "0.5") as watch:
            with watch.between_samples():
                before = len(watch.reports())
                change()
            rig.wait_until(lambda: len(watch.reports()) > before, "another report")
            return watch.reports()[before]


class Watch:
    """The command that reports again and again."""

    def __init__(self, host, *args, **options):
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.process = subprocess.Popen([KVMSTAT, "--root", host.root, *args], stdout=self.out, stderr=self.err, env=ENVIRONMENT, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.out.close()
        self.err.close()

    @contextlib.contextmanager
    def between_samples(self):
        """It stands still meanwhile, after a report or more and before its next sample."""
        rig.wait_until(self.text, "a report")
        with rig.stopped_between_samples(self.process):
            yield

    def text(self):
        return os.pread(self.out.fileno(), 1 << 24, 0).decode()

    def said(self):
        return os.pread(self.err.fileno(), 1 << 24, 0).decode()

    def reports(self):
        return [json.loads(line) for line in self.text().splitlines(keepends=True) if line.endswith("\n")]

    def ended(self):
        """The status."""
        return self.process.wait(rig.PATIENCE)


def run(*args, **options):
    return subprocess.run([KVMSTAT, *args], capture_output=True, timeout=rig.PATIENCE, env=ENVIRONMENT, **options)


def refused(*args, **options):
    """What a run with wrong arguments says."""
    done = run(*args, **options)
    assert done.returncode == 2 and done.stdout == b""
    return done.stderr.decode()
