#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Make a host of files with very many guests, quickly: their statistics are links to a few files.

    bigtree.py OUT GUESTS [VCPUS [EVENTS]]

EVENTS is a kernel that maketree.py knows (s390x-6.12), or a number of events that no kernel has.
tests/trees/maketree.py makes hosts whose numbers mean something; here only their number counts.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "trees"))
import maketree  # noqa: E402 pylint: disable=wrong-import-position

FIRST_PID, VM_FD = 5000, 9
KERNEL = "s390x-6.12"


def event_names(events):
    """[(name, mode)]"""
    if isinstance(events, int):
        return [("exit_bench_%03d" % i, 0o644) for i in range(events)]
    return [(name, 0o444 if event.cls == "instant" else 0o644) for name, event in maketree.kernel_events(events)[1]]


def write_process(proc, pid, vcpus, name):
    home = os.path.join(proc, str(pid))
    maketree.write(home + "/cmdline", b"/usr/bin/qemu-system-s390x\0-name\0guest=%s\0" % name.encode())
    maketree.write(home + "/stat", maketree.stat_line(pid, "qemu-system-s39", 50 + pid))
    maketree.write(home + "/comm", "qemu-system-s39\n")
    maketree.write(home + "/status", "Name:\tqemu\nTgid:\t%d\nPid:\t%d\n" % (pid, pid))
    maketree.link(home + "/fd/%d" % VM_FD, "anon_inode:kvm-vm")
    for vcpu in range(vcpus):
        task = home + "/task/%d" % (pid + 2 + vcpu)
        maketree.link(home + "/fd/%d" % (VM_FD + 1 + vcpu), "anon_inode:kvm-vcpu:%d" % vcpu)
        maketree.write(task + "/comm", "CPU %d/KVM\n" % vcpu)
        maketree.write(task + "/schedstat", "123456789012 2345678901 34567\n")


def write_guest(source, directory, names):
    os.mkdir(directory)
    for name in names:
        os.link(os.path.join(source, name), os.path.join(directory, name))


def make(out, guests, vcpus=1, events=KERNEL, names="guest%d"):
    """names: with %d they differ, without they are all the same."""
    top, values = os.path.join(out, "sys/kernel/debug/kvm"), os.path.join(out, "values")
    files = event_names(events)
    maketree.write_host(out, "none")
    for name, mode in files:
        maketree.write(os.path.join(top, name), "0\n", mode)
        maketree.write(os.path.join(values, name), "12345678\n", mode)
    listed = [name for name, _ in files]
    for i in range(guests):
        pid = FIRST_PID + i * (vcpus + 2)
        write_process(os.path.join(out, "proc"), pid, vcpus, names % i if "%d" in names else names)
        write_guest(values, os.path.join(top, "%d-%d" % (pid, VM_FD)), listed)


def add_spares(out, share, events=KERNEL):
    """[(a guest's directory, one just like it that may take its place)], for this share of the guests."""
    top, listed = os.path.join(out, "sys/kernel/debug/kvm"), [name for name, _ in event_names(events)]
    spares = os.path.join(out, "spares")
    os.makedirs(spares, exist_ok=True)
    chosen = sorted(name for name in os.listdir(top) if "-" in name)
    chosen = chosen[:int(len(chosen) * share)]
    for name in chosen:
        write_guest(os.path.join(out, "values"), os.path.join(spares, name), listed)
    return chosen


if __name__ == "__main__":
    make(sys.argv[1], *(int(word) if word.isdigit() else word for word in sys.argv[2:]))
