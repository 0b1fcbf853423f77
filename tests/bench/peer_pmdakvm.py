#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""PCP's pmdakvm, asked by PCP's own test driver, without its daemon.

    peer_pmdakvm.py DEBUGFS LOCKDOWN	prints the CPU seconds of one look, and how many values it has

LOCKDOWN is the file that says whether the kernel is locked down.
"""
import glob
import os
import resource
import shutil
import subprocess
import sys
import tempfile

DRIVER, AGENT = "/usr/bin/dbpmda", "/var/lib/pcp/pmdas/kvm/pmdakvm"
HELP, NAMES = "/usr/lib/pcp/pmdas/kvm/help", "/usr/lib/pcp/pmdas/kvm/root_kvm"
FETCHES, TIMES = 100, 3


def cpu_of(home, names, fetches, env):
    # It puts a new file in the place of its log: never let that be /dev/null.
    commands = ["open pipe %s -d 95 -l %s/log" % (AGENT, home)] + ["fetch " + " ".join(names)] * fetches + ["quit"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([DRIVER, "-f", "-n", NAMES], input="\n".join(commands) + "\n", stdout=subprocess.DEVNULL, text=True, env=env,
                   check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(debugfs, lockdown):
    for path in DRIVER, AGENT:
        if not os.path.exists(path):
            sys.exit("%s is missing (Debian: pcp)" % path)
    with tempfile.TemporaryDirectory() as place:
        home = os.path.join(place, "kvm")
        os.mkdir(home)
        with open(home + "/kvm.conf", "w", encoding="ascii") as file:
            file.write("[paths]\ndebugfs=%s\ntracefs=/nonexistent\n" % debugfs)
        for name in glob.glob(HELP + "*"):
            shutil.copy(name, home)
        with open(NAMES, encoding="ascii") as file:
            names = ["kvm." + line.split()[0] for line in file if "KVM:0:" in line]
        env = dict(os.environ, PCP_PMDAS_DIR=place, KVM_LOCKDOWN_PATH=lockdown)
        few, many = (min(cpu_of(home, names, number, env) for _ in range(TIMES)) for number in (1, 1 + FETCHES))
    print(max(0.0, many - few) / FETCHES, len(names))


if __name__ == "__main__":
    main(*sys.argv[1:])
