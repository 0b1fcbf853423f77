# SPDX-License-Identifier: MIT
"""Boot a machine of the kernel lab that is not locked down and run lab_inside.py in it.

    lab.py BUILD WORK	prints what that says; WORK is a directory for its files

Software emulates its processor, so how long something takes means nothing there; a ratio does. Its clock counts
instructions instead of seconds, and what other programs of this host do has no part in it.
"""
import importlib.machinery
import importlib.util
import os
import platform
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LAB = os.path.join(HERE, "..", "lab")
SUITE = "trixie"
INSIDE = "kvmstat/tests/bench/"
SCRIPTS = ("lab_inside.py", "peer_kvm_stat.py", "peer_pmdakvm.py")
# Of PCP's, what its test driver and the agent need; left out where there is none.
PCP = ("/usr/bin/dbpmda", "/usr/lib/pcp/bin/pmcpp", "/var/lib/pcp/pmdas/kvm/pmdakvm", "/bin/sh")
PCP_DATA = ("/etc/pcp.conf", "/usr/lib/pcp/pmdas/kvm/root_kvm", "/usr/lib/pcp/pmdas/kvm/help.dir", "/usr/lib/pcp/pmdas/kvm/help.pag")
MEMORY = 3072
MACHINE = ["-m", "%dM" % MEMORY, "-icount", "shift=1,sleep=off", "-smp", "1"]


def load_check():
    """tests/lab/check as a module."""
    sys.dont_write_bytecode = True
    sys.path[0] = LAB  # in the place of the directory of this file: both have a module called rig
    loader = importlib.machinery.SourceFileLoader("lab_check", os.path.join(LAB, "check"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def missing():
    """Why it cannot be done here, or None."""
    with open("/proc/meminfo", encoding="ascii") as file:
        free = int(re.search(r"MemAvailable:\s+(\d+)", file.read()).group(1)) // 1024
    if platform.machine() != "x86_64":
        return "the lab's kernels are for x86-64"
    if not shutil.which("qemu-system-x86_64"):
        return "qemu-system-x86_64 is missing (Debian: qemu-system-x86)"
    if not importlib.util.find_spec("pytest"):
        return "pytest is missing (Debian: python3-pytest)"
    if free < MEMORY + 512:
        return "its machine needs %d MB of free memory" % (MEMORY + 512)
    return None


def write_initrd(lab, build, work, kernel):
    program = os.path.join(build, "tests/bench/pass")

    def add(archive):
        for name in SCRIPTS:
            archive.file(os.path.join(HERE, name), INSIDE + name)
        archive.file(program, "kvmstat/build/tests/bench/pass")
        found = list(filter(os.path.exists, PCP))
        for path in found + list(filter(os.path.exists, PCP_DATA)):
            archive.file(path)
        return [program, *found]
    parts = [os.path.join(work, name) for name in ("base", "own")]
    lab.initramfs.write_base(parts[0], build, add)
    lab.initramfs.write_kernel(parts[1], kernel)
    with open(work + "/initrd", "wb") as out:
        for part in parts:
            with open(part, "rb") as file:
                shutil.copyfileobj(file, out)
            os.unlink(part)
    return work + "/initrd"


def main(build, work):
    reason = missing()
    if reason:
        return reason
    lab = load_check()
    kernel, reason = lab.find_kernel(SUITE)
    if not kernel:
        return "no kernel of %s: %s" % (SUITE, reason)
    initrd = write_initrd(lab, os.path.abspath(build), work, kernel)
    system = ["-kernel", os.path.join(kernel, "vmlinuz"), "-initrd", initrd]
    _, report, console = lab.boot(os.path.join(work, "machine"), system, "LAB_PROGRAM=/" + INSIDE + SCRIPTS[0], MACHINE)
    print(report)
    return None if '"kind": "end"' in report else "\n".join(console.splitlines()[-20:] + ["the lab's machine did not come to an end"])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
