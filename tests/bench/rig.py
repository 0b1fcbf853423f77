# SPDX-License-Identifier: MIT
"""What the rows of the table need: programs that were built, real guests, hosts of files, servers that are ended again."""
import collections
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import bigtree

OUR_ROOT = "1.3.6.1.4.1.8072.9999.9999.7619"
FLOOR_ROOT = "1.3.6.1.4.1.8072.9999.9999.7620"
CEILING_ROOT = "1.3.6.1.4.1.8072.9999.9999.7621"
MB = 1 << 20

# work, unit: words; ours, floor: (wall, CPU) in ns, or in bytes or calls, where there is no time;
# goal: the highest ratio or number there should be; by: "cpu", "wall", or "number"
Row = collections.namedtuple("Row", "work unit ours floor goal by")
Row.__new__.__defaults__ = (None, None, "cpu")


class Skip(Exception):
    """The row cannot be measured here."""


class Bench:
    """Where things are, and what was started."""

    def __init__(self, build, seconds):
        self.build, self.seconds = build, seconds
        # Files in memory are the nearest to those of debugfs.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.tmp = tempfile.mkdtemp(prefix="kvmstat-bench-", dir=memory)
        self.trees = {}

    def program(self, name):
        path = os.path.join(self.build, name)
        if not os.path.exists(path):
            raise Skip("%s was not built here" % name)
        return path

    def tree(self, guests, vcpus=1, events=bigtree.KERNEL, names="guest%d"):
        """A host of files, made once."""
        key = guests, vcpus, events, names
        if key not in self.trees:
            path = os.path.join(self.tmp, "tree-%d" % len(self.trees))
            bigtree.make(path, guests, vcpus, events, names)
            self.trees[key] = path
        return self.trees[key]

    def records(self, *command, **options):
        """What a measuring program prints: one JSON object a line."""
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **options)
        if done.returncode:
            raise Skip((done.stderr.strip() or "%s failed" % os.path.basename(command[0])).splitlines()[-1])
        return [json.loads(line) for line in done.stdout.splitlines()]

    @contextlib.contextmanager
    def process(self, *command, **options):
        """A server that is ended at the end."""
        with subprocess.Popen(command, **options) as process:
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGCONT)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()

    def close(self):
        shutil.rmtree(self.tmp, ignore_errors=True)


def available():
    with open("/proc/meminfo", encoding="ascii") as file:
        return int(re.search(r"MemAvailable:\s+(\d+)", file.read()).group(1)) * 1024


def need_root():
    if os.geteuid():
        raise Skip("it needs root")


def command_of(name, package):
    program = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not program:
        raise Skip("%s is missing (Debian: %s)" % (name, package))
    return program


@contextlib.contextmanager
def guests(bench, vms, vcpus, vmms=1, options=()):
    """Real KVM guests: so many VMs in each of so many VMMs."""
    program = bench.program("tests/vmm/kvmtestvmm")
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("/dev/kvm cannot be used")
    needed = vmms * vms * (300 + 150 * vcpus) * 1024 + vmms * 2 * MB + 512 * MB
    if available() < needed:
        raise Skip("%d guests with %d vCPUs need %d MB of free memory" % (vmms * vms, vcpus, needed // MB))
    command = [program, "--vms", str(vms), "--vcpus", str(vcpus), "--exits", "1", *options]
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
                     for _ in range(vmms)]
        try:
            for process in processes:
                if not process.stdout.readline().startswith("ready"):
                    raise Skip("kvmtestvmm could not make %d guests with %d vCPUs" % (vms, vcpus))
            yield processes
        finally:
            for process in processes:
                process.stdin.close()


HOLD_FDS = """import resource, os, sys
number = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (number + 64, number + 64))
held = [os.open("/dev/null", os.O_RDONLY) for _ in range(number)]
print("ready", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def foreign_fds(processes, each):
    """Processes that have files open which are none of KVM's."""
    with contextlib.ExitStack() as stack:
        for _ in range(processes):
            held = stack.enter_context(subprocess.Popen(["python3", "-c", HOLD_FDS, str(each)], stdin=subprocess.PIPE,
                                                        stdout=subprocess.PIPE, text=True))
            stack.callback(held.stdin.close)
            if held.stdout.readline() != "ready\n":
                raise Skip("a process could not have %d files open" % each)
        yield


def comparisons(records, goal, by="cpu", suffix=""):
    """Rows of what measure_print() and measure_note() wrote."""
    for record in records:
        if "note" in record:
            yield Row("%s%s: %s" % (record["row"], suffix, record["note"]), "calls", record["value"], None, 0, "number")
            continue
        yield Row(record["row"] + suffix, record["unit"], (record["ours_ns"], record["ours_cpu_ns"]),
                  (record["floor_ns"], record["floor_cpu_ns"]), goal, by)


def cpu_ns(pid):
    """CPU time of all threads so far."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task), encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def wake_ups(pid):
    """How often its threads have waited for something so far."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, task), encoding="utf-8") as file:
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.M).group(1))
    return total


def memory_of(pid):
    """(resident, private) bytes."""
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        found = {name: int(kb) * 1024 for name, kb in re.findall(r"^(\w+):\s+(\d+) kB", file.read(), re.M)}
    return found["Rss"], found["Private_Clean"] + found["Private_Dirty"]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(what, ready, seconds=20):
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise Skip("%s did not start" % what)
        time.sleep(0.1)


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
