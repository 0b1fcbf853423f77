#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Make a host out of files: sys, proc and dev of a machine with KVM guests, for the option Root.

    maketree.py OUT --kernel s390x-6.12 --guests 20     make a host
    maketree.py OUT --tick                              let the time since then pass
    maketree.py OUT --tick --every 1                    and go on with it until ended
    maketree.py OUT --tick --every 1 --storm linux01    while the vCPUs of a guest give up their time again and again

Which events a kernel has comes from its table in expected/, or else from common/events/events.tsv. OUT/tree.json says what was made.
"""
import argparse
import collections
import json
import os
import random
import sys
import time
import uuid

import kernels
import rates

HERE = os.path.dirname(os.path.abspath(__file__))
EVENTS = os.path.abspath(os.path.join(HERE, "..", "..", "common", "events", "events.tsv"))
ARCHES = {"s390x": "s390", "x86": "x86", "arm64": "arm64", "ppc64": "powerpc", "riscv": "riscv", "loongarch": "loongarch"}
PROGRAMS = {"s390": "s390x", "x86": "x86_64", "arm64": "aarch64", "powerpc": "ppc64", "riscv": "riscv64", "loongarch": "loongarch64"}
STORM = 60000  # yields a second
KERNEL_NAMES_CHANGED = (5, 14)
FIRST_TID = 2000
BOOT_AGE = 40 * 86400

# Every kind of name that has broken an output somewhere; two guests of one name.
ODD_NAMES = [
    b"a/b", b"/", b"..", b"web.prod", b"with space", b" lead and trail ", b"quote\"s", b"apostrophe's", b"new\nline",
    b"tab\there", b"semi;colon=x", b"comma,comma", b",lead", b"-dash", b"per%cent%s%n", b"back\\slash", b"$(id)`id`",
    b"*?[x]{y}~#&", "m\u00fcnchen".encode(), "\u65e5\u672c".encode(), b"\xff\xfe\x80", b"cut \xc3", b"\x01\x1b[31m",
    b"x" * 300, b"x" * 300 + b"y", b"", b"twin", b"twin", b"a_b", b"web:prod",
]

Event = collections.namedtuple("Event", "name cls unit scope parent since archs")


def version(text):
    return tuple(int(part) for part in text.split("."))


def read_events(path):
    """(events by name, {(arch, event): name before 5.14}) of events.tsv."""
    events, aliases = {}, {}
    with open(path, encoding="utf-8") as table:
        for line in table:
            field = line.rstrip("\n").split("\t")
            if line.startswith("#") or len(field) < 4:
                continue
            if field[0] == "alias":
                for arch in field[2].split(","):
                    aliases.setdefault((arch, field[3]), field[1])
                continue
            _, name, cls, unit, scope, _, _, parent, since, archs = field[:10]
            events[name] = Event(name, cls, unit, scope, parent, since, archs.split(","))
    return events, aliases


def is_in(event, arch, kernel):
    """Does this kernel have the event? since is like "s390,x86:<=4.18 arm64:5.10..6.1"."""
    for item in event.since.split():
        archs, _, span = item.partition(":")
        if arch not in archs.split(","):
            continue
        first, _, last = span.partition("..")
        begin = version(first.lstrip("<>="))
        there = kernel > begin if first.startswith(">") else kernel >= begin
        return there and (not last or kernel <= version(last))
    return False


def kernel_events(kernel_name, path=EVENTS):
    """[(name on that kernel, event)], where the kernel has no table in the order of events.tsv."""
    arch_name, _, number = kernel_name.partition("-")
    arch, kernel = ARCHES[arch_name], version(number)
    events, aliases = read_events(path)
    if kernels.has(kernel_name) and path == EVENTS:
        return arch, [(row.file, events[row.event]) for row in kernels.table(kernel_name)]
    found = []
    for event in events.values():
        old = aliases.get((arch, event.name)) if kernel < KERNEL_NAMES_CHANGED else None
        if old or is_in(event, arch, kernel):
            found.append((old or event.name, event))
    return arch, found


# ---- numbers ----------------------------------------------------------------

def whole(rng, number):
    """A whole number whose mean is number."""
    low = int(number)
    return low + (rng.random() < number - low)


def grow(rng, arch, events, guest, seconds):
    """What to add to each cumulative value of a guest in so many seconds; parents count their children too."""
    per_second = guest["load"] * guest["vcpus"] * seconds
    add = collections.Counter()
    for _, event in events:
        if event.cls in ("cumulative", "log_hist", "linear_hist"):
            rate = rates.per_vcpu(arch, event.name) + rates.REMAINDER.get(event.name, 0)
            add[event.name] = whole(rng, rate * per_second * rng.uniform(0.9, 1.1))
    for _, event in events:
        if event.parent in rates.REMAINDER:
            add[event.parent] += add[event.name]
    return add


def first_values(rng, arch, events, guest):
    add = grow(rng, arch, events, guest, guest["age"])
    values = {}
    for name, event in events:
        if event.cls == "instant":
            values[name] = rates.INSTANT.get(event.name, 0) * (guest["vcpus"] if event.scope == "vcpu" else 1)
        elif event.cls == "peak":
            values[name] = rng.randrange(3, 40)
        else:
            values[name] = add[event.name]
    return values


# ---- files ------------------------------------------------------------------

def write(path, text, mode=0o444):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    data = text if isinstance(text, bytes) else text.encode()
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


def link(path, target):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(target, path)


def write_stats(directory, events, values):
    for name, event in events:
        write(os.path.join(directory, name), "%d\n" % values[name], 0o444 if event.cls == "instant" else 0o644)


def rewrite(path, value):
    """In place, and never shorter: a rename would make the directory look like another guest's, a reader could meet half a number."""
    text = b"%d\n" % value
    if len(text) >= os.stat(path).st_size and os.access(path, os.W_OK):
        fd = os.open(path, os.O_WRONLY)
        os.write(fd, text)
        os.close(fd)


def stat_line(pid, comm, start_ticks):
    before = "S 1 {0} {0} 0 -1 138412416 91 0 0 0 3110 902 0 0 20 0 5 0".format(pid)
    return "%d (%s) %s %d 4831838208 262144 18446744073709551615%s\n" % (pid, comm, before, start_ticks, " 0" * 27)


def write_thread(out, pid, tid, comm, rng):
    task = os.path.join(out, "proc/%d/task/%d" % (pid, tid))
    write(task + "/comm", comm + "\n")
    write(task + "/schedstat", "%d %d %d\n" % (rng.randrange(10**9, 10**14), rng.randrange(10**6, 10**12), rng.randrange(10**4, 10**8)),
          0o644)
    write(task + "/status", "Name:\t%s\nState:\tS (sleeping)\nTgid:\t%d\nPid:\t%d\n" % (comm, pid, tid))


def write_process(out, guest, arch, rng):
    pid, program = guest["pid"], "qemu-system-" + PROGRAMS[arch]
    comm = program[:15]
    proc = os.path.join(out, "proc", str(pid))
    name = guest["name"].encode(errors="surrogateescape")
    args = [b"/usr/bin/" + program.encode(), b"-name", b"guest=" + name.replace(b",", b",,") + b",debug-threads=on", b"-machine",
            b"accel=kvm", b"-m", b"size=%dk" % (guest["memory"] >> 10), b"-smp", b"%d" % guest["vcpus"],
            b"-uuid", guest["uuid"].encode(), b"-nodefaults"]
    write(proc + "/cmdline", b"\0".join(args) + b"\0")
    write(proc + "/comm", comm + "\n")
    write(proc + "/stat", stat_line(pid, comm, guest["start_ticks"]))
    write(proc + "/status", "Name:\t%s\nState:\tS (sleeping)\nTgid:\t%d\nPid:\t%d\nThreads:\t%d\n" % (comm, pid, pid, guest["vcpus"] + 1))
    write(proc + "/cgroup", "0::/machine.slice/machine-qemu\\x2d%d\\x2dguest.scope/libvirt/emulator\n" % pid)
    for fd, target in enumerate(["/dev/null", "socket:[%d]" % (pid + 7), "/dev/null", "/dev/kvm"]):
        link("%s/fd/%d" % (proc, fd), target)
    link("%s/fd/%d" % (proc, guest["fd"]), "anon_inode:kvm-vm")
    write_thread(out, pid, pid, comm, rng)
    for vcpu in range(guest["vcpus"]):
        link("%s/fd/%d" % (proc, guest["fd"] + 1 + vcpu), "anon_inode:kvm-vcpu:%d" % vcpu)
        write_thread(out, pid, pid + 2 + vcpu, "CPU %d/KVM" % vcpu, rng)
    if guest["tid"] != pid:
        write_thread(out, pid, guest["tid"], "worker", rng)
        write(os.path.join(out, "proc/%d/status" % guest["tid"]), "Name:\tworker\nTgid:\t%d\nPid:\t%d\n" % (pid, guest["tid"]))


def write_x86_extras(directory, vcpus):
    """What lies beside the statistics and is none of them; reading mmu_rmaps_stat stops the guest for a while."""
    write(directory + "/mmu_rmaps_stat", "Rmap_Count:\t0\t1\nLevel=4K:\t12\t7\n", 0o644)
    for vcpu in range(vcpus):
        write("%s/vcpu%d/guest_mode" % (directory, vcpu), "0\n")
        write("%s/vcpu%d/tsc-offset" % (directory, vcpu), "-881263112\n")


def write_host(out, lockdown):
    modes = ["none", "integrity", "confidentiality"]
    write(out + "/sys/kernel/security/lockdown", " ".join("[%s]" % m if m == lockdown else m for m in modes) + "\n")
    write(out + "/sys/devices/system/cpu/online", "0-15\n")
    write(out + "/sys/module/kvm/parameters/halt_poll_ns", "200000\n", 0o644)
    write(out + "/proc/sys/kernel/random/boot_id", "6f1c2a3e-7d64-4a2b-9c58-0b1e2d3f4a55\n")
    write(out + "/proc/uptime", "%d.00 1000000.00\n" % BOOT_AGE)
    write(out + "/dev/kvm", "", 0o600)


def make_guest(rng, index, name, vcpus):
    pid = FIRST_TID + 100 * index
    return {
        "name": name, "uuid": str(uuid.UUID(int=rng.getrandbits(128), version=4)), "pid": pid,
        "tid": pid + 1 if index % 7 == 6 else pid,  # now and then made by a thread that is not the first
        "fd": 9 + index % 5, "vcpus": vcpus or 1 + index % 4, "memory": (1 + index % 4) << 31, "age": rng.randrange(3600, 30 * 86400),
        "start_ticks": 50 + index,  # soon after boot: whoever reads the tree may have been up for minutes only
        "load": round(rng.lognormvariate(0, 0.8), 3),
    }


def guest_dir(out, guest):
    return os.path.join(out, "sys/kernel/debug/kvm/%d-%d" % (guest["tid"], guest["fd"]))


def add_guest(out, tree, guest, rng):
    arch, events = kernel_events(tree["kernel"], tree["events"])
    write_process(out, guest, arch, rng)
    write_stats(guest_dir(out, guest), events, first_values(rng, arch, events, guest))
    if arch == "x86":
        write_x86_extras(guest_dir(out, guest), guest["vcpus"])


def values(out, guest):
    """{event: value} as the files of a guest say, under the names of 5.14 and later."""
    with open(os.path.join(out, "tree.json"), encoding="utf-8") as file:
        tree = json.load(file)
    found = {}
    for name, event in kernel_events(tree["kernel"], tree["events"])[1]:
        with open(os.path.join(guest_dir(out, guest), name), encoding="ascii") as file:
            found[event.name] = int(file.readline())
    return found


def guest_names(count, odd):
    names = [name.decode(errors="surrogateescape") for name in ODD_NAMES] if odd else []
    return names + ["linux%02d" % (i + 1) for i in range(count)]


def make_tree(out, kernel="s390x-6.12", guests=20, odd=False, vcpus=0, seed=1, lockdown="none", events=EVENTS):
    """Make a host. Returns what tree.json says."""
    rng = random.Random(seed)
    arch, table = kernel_events(kernel, events)
    tree = {"kernel": kernel, "events": os.path.abspath(events), "time": time.time(), "seed": seed,
            "guests": [make_guest(rng, i, name, vcpus) for i, name in enumerate(guest_names(guests, odd))]}
    write_host(out, lockdown)
    top = os.path.join(out, "sys/kernel/debug/kvm")
    write_stats(top, table, collections.Counter())
    for guest in tree["guests"]:
        add_guest(out, tree, guest, rng)
    save(out, tree)
    return tree


def save(out, tree):
    with open(os.path.join(out, "tree.json"), "w", encoding="utf-8") as file:
        json.dump(tree, file, indent=1)


# ---- time -------------------------------------------------------------------

def tick_guest(out, arch, events, guest, rng, seconds, storms=False):
    add = grow(rng, arch, events, guest, seconds)
    for name in ("exit_instruction", "instruction_diagnose_44") if storms else ():
        add[name] += int(STORM * seconds)
    directory = guest_dir(out, guest)
    for name, event in events:
        path = os.path.join(directory, name)
        if event.name == "blocking":
            rewrite(path, rng.randrange(0, guest["vcpus"] + 1))
        elif add[event.name]:
            with open(path, encoding="ascii") as file:
                old = int(file.readline())
            rewrite(path, old + add[event.name])


def tick_threads(out, guest, rng, seconds):
    """vCPU threads run and wait for a CPU."""
    for vcpu in range(guest["vcpus"]):
        path = os.path.join(out, "proc/%d/task/%d/schedstat" % (guest["pid"], guest["pid"] + 2 + vcpu))
        with open(path, encoding="ascii") as file:
            cpu, wait, slices = map(int, file.readline().split())
        share = min(0.9, 0.2 * guest["load"]) * rng.uniform(0.9, 1.1)
        with open(path, "r+", encoding="ascii") as file:
            file.write("%d %d %d\n" % (cpu + share * seconds * 1e9, wait + share * seconds * 2e7, slices + 40 * seconds))


def tick(out, seconds=None, storm=None):
    """Let time pass: so many seconds, or what has passed since the last time. storm: name of a guest, of a host of s390x."""
    with open(os.path.join(out, "tree.json"), encoding="utf-8") as file:
        tree = json.load(file)
    now = time.time()
    if seconds is None:
        seconds = max(0.0, now - tree["time"])
    tree["seed"] += 1
    tree["time"] = now
    rng = random.Random(tree["seed"])
    arch, events = kernel_events(tree["kernel"], tree["events"])
    for guest in tree["guests"]:
        tick_guest(out, arch, events, guest, rng, seconds, guest["name"] == storm)
        tick_threads(out, guest, rng, seconds)
    save(out, tree)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("out")
    parser.add_argument("--kernel", default="s390x-6.12", help="s390x-4.18, s390x-6.12, x86-6.1, ... (default %(default)s)")
    parser.add_argument("--guests", type=int, default=20)
    parser.add_argument("--vcpus", type=int, default=0, help="of each guest (default: 1 to 4)")
    parser.add_argument("--odd-names", action="store_true", help="as well a guest of every awkward name there is")
    parser.add_argument("--lockdown", default="none", choices=["none", "integrity", "confidentiality"])
    parser.add_argument("--events", default=EVENTS, help="default: the project's events.tsv")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tick", action="store_true", help="let the time since the last time pass for a host made before")
    parser.add_argument("--seconds", type=float, help="with --tick: pretend that so many have passed")
    parser.add_argument("--storm", metavar="GUEST", help="with --tick, on s390x: its vCPUs give up their time %d times a second" % STORM)
    parser.add_argument("--every", type=float, help="with --tick: again and again, so many seconds apart, until ended")
    args = parser.parse_args()
    if args.kernel.partition("-")[0] not in ARCHES:
        parser.error("--kernel %s: an architecture and a version, such as s390x-6.12; architectures are %s"
                     % (args.kernel, ", ".join(ARCHES)))
    if not args.tick:
        make_tree(args.out, args.kernel, args.guests, args.odd_names, args.vcpus, args.seed, args.lockdown, args.events)
        return 0
    tick(args.out, args.seconds, args.storm)
    while args.every:
        time.sleep(args.every)
        tick(args.out, args.seconds, args.storm)
    return 0


if __name__ == "__main__":
    sys.exit(main())
