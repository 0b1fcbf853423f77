# SPDX-License-Identifier: MIT
"""What other programs take for the nearest that they can do, and what they cannot.

A peer is a function that yields Peers; PEERS lists them, those that are not installed are a line that says so.
"""
import collections
import glob
import json
import os
import resource
import shutil
import subprocess
import sys

from peer_snmp_agent import ours_and_theirs
from rig import Skip, command_of

HERE = os.path.dirname(os.path.abspath(__file__))
GUESTS = 100

# cpu: seconds of one look at everything; cannot: what a user of kvmstat would miss
Peer = collections.namedtuple("Peer", "program what guests values cpu cannot")


def cpu_of(*command, **options):
    """CPU seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, timeout=120, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise Skip((done.stderr.strip() or "%s failed" % command[0]).splitlines()[-1])
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def best(function, times=3):
    return min(function() for _ in range(times))


# ---- the same files ----

def kvmstat_debugfs(bench):
    tree = bench.tree(GUESTS)
    record = bench.records(bench.program("tests/bench/pass"), "debugfs", "1", tree)[0]
    yield Peer("kvmstat's core", "debugfs, a tree of %d guests" % GUESTS, GUESTS, GUESTS * 117, record["ours_cpu_ns"] / 1e9, "")
    kvmstat = bench.program("kvmstat")
    yield Peer("kvmstat events", "the same, the whole command, twice a second apart", GUESTS, GUESTS * 117,
               best(lambda: cpu_of(kvmstat, "--root=" + tree, "events")), "")


def kvm_stat_script():
    """As the kernel's source has it."""
    found = shutil.which("kvm_stat") or next(iter(glob.glob(os.path.expanduser("~/.cache/kvmstat/lab-*/kvm_stat"))), None)
    if not found:
        raise Skip("no kvm_stat (Debian: linux-source has it; make check-lab fetches it)")
    return found


def kvm_stat(bench):
    script, debugfs = kvm_stat_script(), bench.tree(GUESTS) + "/sys/kernel/debug"
    peer = [sys.executable, os.path.join(HERE, "peer_kvm_stat.py"), script, debugfs]
    done = subprocess.run([*peer, "read", "3"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Skip("kvm_stat cannot be used here")
    seconds, fields = done.stdout.split()
    yield Peer("kvm_stat, its read functions", "the same files", GUESTS, GUESTS * int(fields), float(seconds),
               "no sums per guest and event at once; nothing under lockdown; falls when a guest ends; reads vcpu directories as guests")
    yield Peer("kvm_stat -1 -d", "the same files, the whole command, twice a second apart", GUESTS, GUESTS * int(fields),
               best(lambda: cpu_of(*peer, "once"), 2), "one sum over all guests; prints for a person to read")


def pmdakvm(bench):
    tree = bench.tree(GUESTS, events="x86-6.1")
    done = subprocess.run([sys.executable, os.path.join(HERE, "peer_pmdakvm.py"), tree + "/sys/kernel/debug",
                           tree + "/sys/kernel/security/lockdown"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Skip((done.stderr.strip() or "pmdakvm cannot be used here").splitlines()[-1])
    seconds, names = done.stdout.split()
    yield Peer("PCP's pmdakvm, asked by dbpmda", "the files of the host's sums only", 0, int(names), float(seconds),
               "no guests; a fixed list of x86 events; switches itself off under lockdown")


# ---- the same guests ----

DOMAINS = 10


def libvirt(bench):
    """Real guests of QEMU's under a libvirt daemon of this run's own."""
    command_of("virsh", "libvirt-clients")
    done = subprocess.run([sys.executable, os.path.join(HERE, "peer_libvirt.py"), str(DOMAINS), bench.program("tests/bench/pass")],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=200)
    if done.returncode:
        raise Skip((done.stderr.strip() or "libvirt's daemon cannot be used here").splitlines()[-1])
    shown = json.loads(done.stdout)
    number = shown["guests"]
    yield Peer("kvmstat's core", "bpf, %d guests of QEMU's with 2 vCPUs, and %d others of the host" % (number, shown["others"]),
               number + shown["others"], (number + shown["others"]) * shown["events"], shown["pass"], "")
    cpu, values = shown["domstats"]
    yield Peer("virsh domstats --vm --vcpu", "the same %d guests: virsh, the daemon and QEMU together" % number, number, values, cpu,
               "interrupts vCPUs before QEMU 8.1; waits for a guest that hangs; no guests but libvirt's")
    if not shown["virt"] or not shown["virt"][1]:
        raise Skip("collectd's virt plugin sends nothing here")
    cpu, values = shown["virt"]
    yield Peer("collectd's virt plugin", "CPU, memory and disks of the same guests: collectd and the daemon together", number, values, cpu,
               "none of KVM's events")


# ---- the same walk ----

WALKED = 10


def snmp_agent(bench):
    ours, theirs, register, idle = ours_and_theirs(bench, WALKED)
    what = "a walk of one column, every event of %d guests, through snmpd" % WALKED
    yield Peer("kvmstat-agentx", what + ": it and snmpd together", WALKED, ours[1], ours[0], "")
    yield Peer("collectd's snmp_agent, with kvmstat.so", "the same: collectd and snmpd together, without what it takes anyhow", WALKED, theirs[1],
               theirs[0], "takes %.0f %% of a CPU when nobody asks; registers each value by itself (here %.2f s), and each costs twice as much "
               "where there are twice as many; names as indices; exact to 2^53 only; lists no guest" % (100 * idle, register))


PEERS = [
    ("kvmstat", kvmstat_debugfs),
    ("kvm_stat", kvm_stat),
    ("PCP's pmdakvm", pmdakvm),
    ("libvirt", libvirt),
    ("collectd's snmp_agent", snmp_agent),
]

COLUMNS = ["program", "what it reads here", "CPU of one look", "each guest", "each value", "what it cannot do"]


def microseconds(seconds, number):
    return "%.2f us" % (seconds * 1e6 / number) if number else "-"


def line_of(peer):
    return [peer.program, peer.what, "%.2f ms" % (peer.cpu * 1e3), microseconds(peer.cpu, peer.guests),
            microseconds(peer.cpu, peer.values), peer.cannot or "-"]


def run(bench, word, lines, skipped):
    for name, function in PEERS:
        if word not in "peer " + name:
            continue
        print("  BENCH    peer: %s" % name, file=sys.stderr)
        try:
            lines += [line_of(peer) for peer in function(bench)]
        except (Skip, subprocess.TimeoutExpired) as reason:
            skipped.append("skipped: %s: %s" % (name, reason))
