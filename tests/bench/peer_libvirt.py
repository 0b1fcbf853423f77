# SPDX-License-Identifier: MIT
"""What libvirt's daemon and its clients take to tell of guests (CPU time), and what kvmstat takes for the same ones.

    peer_libvirt.py GUESTS PASS-PROGRAM

Prints one JSON object: seconds of each look, and how many values it had.
"""
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import virt  # noqa: E402 pylint: disable=wrong-import-position

VCPUS, LOOKS = 2, 5
COLLECTD = """FQDNLookup false
BaseDir "{home}"
PIDFile "{home}/pid"
Interval 1
LoadPlugin virt
<Plugin virt>
  Connection "{uri}"
  ExtraStats "vcpu"
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "{home}/csv"
</Plugin>
"""


def cpu(pids):
    total = 0
    for pid in pids:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, task), encoding="ascii") as file:
                total += int(file.read().split()[0])
    return total / 1e9


def domstats(daemon, others):
    """CPU of virsh, the daemon and the guests' QEMUs, and the values told of one guest."""
    before, children = cpu(others), resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(LOOKS):
        text = daemon.virsh("domstats", "--vm", "--vcpu")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = cpu(others) - before + after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
    return spent / LOOKS, len(re.findall(r"^ +vm\.|^ +vcpu\.\d+\.", text, re.M))


def virt_plugin(place, daemon, guests):
    """CPU of collectd and the daemon alone: the plugin passes over guests that are paused, and these run."""
    others = [daemon.process.pid]
    if not shutil.which("collectd") or not os.path.exists("/usr/lib/collectd/virt.so"):
        return None
    for guest in guests:
        daemon.virsh("resume", guest.name)
    home = place / "collectd"
    home.mkdir()
    (home / "conf").write_text(COLLECTD.format(home=home, uri=daemon.write))
    with subprocess.Popen(["collectd", "-f", "-C", str(home / "conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(4)
        before = cpu([process.pid, *others])
        time.sleep(LOOKS)
        spent = cpu([process.pid, *others]) - before
        process.terminate()
    values = sum(len(files) for _, _, files in os.walk(home / "csv"))
    return spent / LOOKS, values


def our_pass(program):
    """CPU of one pass over all guests of the host, how many they are, and their events."""
    done = subprocess.run([program, "shape", "1", "bpf"], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def main(guests, program):
    place = pathlib.Path(tempfile.mkdtemp(prefix="kvmstat-peer-", dir="/tmp"))
    for directory in virt.HIDDEN:
        (place / directory).mkdir(exist_ok=True)
    daemon = virt.Libvirtd(place)
    try:
        started = [daemon.start("peer%d" % i, VCPUS) for i in range(int(guests))]
        others = [daemon.process.pid] + [guest.pid for guest in started]
        shown = {"guests": len(started), "domstats": domstats(daemon, others), **our_pass(program)}
        shown["others"] = shown.pop("all") - len(started)
        shown["virt"] = virt_plugin(place, daemon, started)
        print(json.dumps(shown))
    finally:
        daemon.stop_guests()
        daemon.stop()
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
