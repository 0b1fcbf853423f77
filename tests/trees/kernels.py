# SPDX-License-Identifier: MIT
"""What kernels keep of a guest, as tables beside this file, and hosts made of them.

expected/ARCH-VERSION.tsv was made once from the kernel's own descriptors and is data: nothing here makes it again, and
nothing in it comes from common/events/events.tsv. Its columns: the file's name in debugfs, its mode, then what kvmstat is to
say of it: event, class, unit, scope, and "dead" if no kernel counts it.
"""
import collections
import os

HERE = os.path.dirname(os.path.abspath(__file__))
TABLES = os.path.join(HERE, "expected")
NUMBERS = os.path.join(HERE, "..", "fixtures", "event-numbers.txt")
LAST = 2**64 - 1

Row = collections.namedtuple("Row", "file mode event cls unit scope dead")
Guest = collections.namedtuple("Guest", "pid fd name uuid vcpus base kernel values")

# Of a kernel to come. The mode is all that debugfs says of an unknown file: what may fall is 0444.
UNKNOWN = [
    Row("zz_new_counter", 0o644, "zz_new_counter", "cumulative", "count", "vm", False),
    Row("zz_new_level", 0o444, "zz_new_level", "instant", "count", "vm", False),
    Row("zz_new_hist", 0o644, "zz_new_hist", "log_hist", "count", "vm", False),
]

# What lies in a guest's directory and is no statistic: some take locks that vCPUs need.
OTHERS = {
    "s390x": [],
    "x86": ["mmu_rmaps_stat", "vcpu0/guest_mode", "vcpu0/tsc-offset", "vcpu0/pid", "vcpu0/lapic_timer_advance_ns"],
    "arm64": ["idregs", "resx", "vgic-state", "vgic-its@8080000", "stage2_page_tables", "ipa_range", "stage2_levels", "nested/0"],
    "ppc64": ["htab", "radix", "xics", "xive", "vcpu0/timings"],
    "riscv": [],
}


def names(prefix=os.environ.get("KVMSTAT_KERNELS", "")):
    """Those whose names begin so: under emulation, where each command takes long, the architecture's own will do."""
    return sorted(name[:-len(".tsv")] for name in os.listdir(TABLES) if name.startswith(prefix))


def has(kernel):
    return os.path.exists(os.path.join(TABLES, kernel + ".tsv"))


def table(kernel):
    with open(os.path.join(TABLES, kernel + ".tsv"), encoding="ascii") as lines:
        fields = [line.rstrip("\n").split("\t") for line in lines if not line.startswith("#")]
    return [Row(f[0], int(f[1], 8), *f[2:6], f[6] == "dead") for f in fields]


def numbers():
    """{event: number}, which are for ever."""
    with open(NUMBERS, encoding="ascii") as lines:
        return {name: int(number) for number, name in (line.split() for line in lines)}


def is_histogram(row):
    return row.cls.endswith("hist")


def write(path, data, mode=0o444):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    os.chmod(path, mode)


def write_stats(directory, rows, values):
    for row in rows:
        write(os.path.join(directory, row.file), "%d\n" % values.get(row.event, 0), row.mode)


def value_of(guest, line):
    """No two of a guest are the same, and every length that a number may have is there."""
    if line < 3:
        return (0, LAST - guest, 2**53 + 1 + guest)[line]
    return (10 ** (line % 20) + 1000 * guest + line) % 2**64


def directory_of(root, guest):
    return os.path.join(root, "sys/kernel/debug", guest.base, "%d-%d" % (guest.pid, guest.fd))


def write_process(root, guest):
    proc = os.path.join(root, "proc/%d" % guest.pid)
    args = ["qemu-system-" + guest.kernel.partition("-")[0], "-name", "guest=%s,debug-threads=on" % guest.name,
            "-m", "512", "-uuid", guest.uuid]
    write(proc + "/cmdline", "\0".join(args) + "\0")
    write(proc + "/comm", "qemu-system-xyz\n")
    write(proc + "/cgroup", "0::/machine.slice\n")
    write(proc + "/stat", "%d (qemu-system-xyz) S 1 %s %d %s\n" % (guest.pid, " ".join(["0"] * 17), 7000 + guest.pid, " ".join(["0"] * 30)))
    write(proc + "/status", "Name:\tqemu-system-xyz\nTgid:\t%d\nPid:\t%d\n" % (guest.pid, guest.pid))
    os.makedirs(proc + "/fd")
    os.symlink("anon_inode:kvm-vm", "%s/fd/%d" % (proc, guest.fd))
    for vcpu in range(guest.vcpus):
        os.symlink("anon_inode:kvm-vcpu:%d" % vcpu, "%s/fd/%d" % (proc, guest.fd + 1 + vcpu))
        task = "%s/task/%d" % (proc, guest.pid + 1 + vcpu)
        write(task + "/comm", "CPU %d/KVM\n" % vcpu)
        write(task + "/schedstat", "%d %d 9\n" % (10**9 * (1 + vcpu) + guest.pid, 10**6 + guest.pid))
        write(task + "/status", "Name:\tCPU %d/KVM\nTgid:\t%d\nPid:\t%d\n" % (vcpu, guest.pid, guest.pid + 1 + vcpu))


def make_guest(root, number, base, kernel):
    """A guest with a value for each statistic, and with files that are none."""
    rows = table(kernel) + UNKNOWN
    values = {row.event: value_of(number, line) for line, row in enumerate(rows)}
    assert len(set(values.values())) == len(values)
    guest = Guest(3000 + 100 * number, 11 + number, "guest-%d" % number, "00000000-0000-4000-8000-%012d" % number, 1 + number % 3,
                  base, kernel, values)
    write_process(root, guest)
    write_stats(directory_of(root, guest), rows, values)
    for other in OTHERS[kernel.partition("-")[0]]:
        write(os.path.join(directory_of(root, guest), other), "4711\n", 0o644)
    return guest


def write_host(root, lockdown):
    modes = ["none", "integrity", "confidentiality"]
    write(root + "/sys/kernel/security/lockdown", " ".join("[%s]" % m if m == lockdown else m for m in modes) + "\n")
    write(root + "/sys/devices/system/cpu/online", "0-7\n")
    write(root + "/proc/sys/kernel/random/boot_id", "b007b007-7d64-4a2b-9c58-0b1e2d3f4a55\n")
    write(root + "/dev/kvm", "")


def make(root, bases, guests=2, lockdown="none"):
    """A host; bases: {"kvm": "s390x-7.1", "kvm-arm64": "arm64-7.1"}. Its guests, so many of each base."""
    root = str(root)
    write_host(root, lockdown)
    made = []
    for base, kernel in bases.items():
        write_stats(os.path.join(root, "sys/kernel/debug", base), table(kernel) + UNKNOWN, {})
        made += [make_guest(root, len(made) + i, base, kernel) for i in range(guests)]
    return made
