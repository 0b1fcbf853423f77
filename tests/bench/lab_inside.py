# SPDX-License-Identifier: MIT
"""What runs in the lab's machine, with real debugfs and real guests: the pass beside its floor, and the peers.

    lab_inside.py	prints one JSON object a line
"""
import json
import os
import resource
import subprocess
import sys

sys.path[:0] = ["/kvmstat/tests/lab/inside"]
import machine  # noqa: E402
import rig  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS, PEERS = (1, 100, 1000), 100
SECONDS, FILES = 1, 65536
KVM_STAT = "/kvm_stat"
DEBUGFS = "/sys/kernel/debug"


def tell(**what):
    print(json.dumps(what), flush=True)


def passes(source):
    """Our pass beside the floor, each a record."""
    done = subprocess.run([rig.built("tests/bench/pass"), source, str(SECONDS), *(["/"] if source == "debugfs" else [])],
                          stdout=subprocess.PIPE, text=True, check=True)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    for record in records:
        tell(kind="row", **record)
    return records[0]["ours_cpu_ns"] / 1e9


def peer(program, cannot, cpu, values):
    tell(kind="peer", program=program, cannot=cannot, cpu=cpu, values=values)


def asked(script, *args):
    """(CPU seconds, values) of a peer's script."""
    done = subprocess.run([sys.executable, os.path.join(HERE, script), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode:
        tell(kind="skip", reason=(done.stderr.strip() or script + " failed").splitlines()[-1])
        return 0, 0
    seconds, values = done.stdout.split()
    return float(seconds), int(values)


def command(*words):
    """CPU seconds of a command and its children, and the lines that it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, len(done.stdout.splitlines())


def peers(ours, guests):
    """guests: how many there are; kvm_stat has one value for all of them, for which it has to read each."""
    seconds, fields = asked("peer_kvm_stat.py", KVM_STAT, DEBUGFS, "read", "3")
    for source, cpu in ours.items():
        peer("kvmstat's core, " + source, "-", cpu, guests * fields)
    peer("kvm_stat, its read functions", "one sum over all guests", seconds, guests * fields)
    peer("kvmstat events, twice a second apart", "-", command(rig.built("kvmstat"), "events")[0], guests * fields)
    peer("kvm_stat -1 -d, twice a second apart", "one sum over all guests", command(sys.executable, KVM_STAT, "-1", "-d")[0],
         guests * fields)
    peer("kvm_stat -1: tracepoints, twice a second apart", "sees nothing of what was before; each exit costs the guest",
         *command(sys.executable, KVM_STAT, "-1"))
    peer("PCP's pmdakvm", "sums of the host only", *asked("peer_pmdakvm.py", DEBUGFS, "/sys/kernel/security/lockdown"))


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))  # the floor keeps directories open
    machine.load_kvm()
    vmm = None
    for number in STEPS:
        if vmm:
            vmm.stop()
        vmm = rig.Vmm("/tmp/vmm.log", "bench", vms=number, options=("--exits", "1"))
        ours = {source: passes(source) for source in ("debugfs", "bpf")}
        if number == PEERS:
            peers(ours, number)
    tell(kind="end")
    os._exit(0)  # the machine is switched off: nobody has to take a thousand guests apart


main()
