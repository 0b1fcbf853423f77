# SPDX-License-Identifier: MIT
"""A root file system in memory: what this host has of Python and its libraries, the programs to test, the tests."""
import glob
import importlib.util
import lzma
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.realpath(os.path.join(HERE, "..", ".."))
sys.path.append(os.path.join(REPO, "tests", "integration"))

import snmp  # noqa: E402

INSIDE = "kvmstat"
# With what several of its versions need; which it is does not matter.
PYTEST = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "attr", "attrs", "py", "exceptiongroup", "tomli")
NOT_NEEDED = re.compile(r"/(.*\.opt-[12]\.pyc|test|idlelib|lib2to3|config-.*|ensurepip|tkinter|pydoc_data|turtledemo|venv|"
                        r"distutils|sitecustomize\.py|dist-packages|site-packages)$")
# To be tested, of the build; what is not built is left out.
BUILT = ("kvmstat", "kvmstat.so", "kvmstat-agentx", "KVMSTAT-MIB", "tests/vmm/kvmtestvmm")
# The host's, if it has them.
PROGRAMS = ("collectd", "collectdctl", "cp", "ps", "setpriv", "snmpd", "snmpget", "snmpbulkwalk")
COLLECTD_PLUGINS = ("csv", "unixsock", "write_graphite")
MODULES = ("irqbypass", "kvm", "kvm-amd")


class Archive:
    """A cpio archive in the format newc, as the kernel unpacks it."""

    def __init__(self, out):
        self.out, self.inode, self.names = out, 0, set()

    def add(self, name, mode, data=b"", mtime=0, device=(0, 0)):
        if name in self.names:
            return
        self.names.add(name)
        if os.path.dirname(name):
            self.add(os.path.dirname(name), stat.S_IFDIR | 0o755)
        self.inode += 1
        raw = os.fsencode(name) + b"\0"
        fields = (self.inode, mode, 0, 0, 1, int(mtime), len(data), 0, 0, *device, len(raw), 0)
        self.pad(b"070701" + b"".join(b"%08x" % field for field in fields) + raw)
        self.pad(data)

    def pad(self, data):
        self.out.write(data + bytes(-len(data) % 4))

    def file(self, path, name=None):
        """A file as it is, found through links."""
        info = os.stat(path)
        with open(path, "rb") as file:
            self.add((name or path).lstrip("/"), info.st_mode, file.read(), info.st_mtime)

    def tree(self, top):
        for directory, names, files in os.walk(top):
            names[:] = [name for name in names if not NOT_NEEDED.search(os.path.join(directory, name))]
            for name in files:
                path = os.path.join(directory, name)
                if os.path.exists(path) and not NOT_NEEDED.search(path):
                    self.file(path)

    def end(self):
        self.add("TRAILER!!!", 0)


def libraries(programs):
    """What the loader would load for them, the loader included."""
    done = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False)
    return sorted(set(re.findall(r"(/\S+) \(0x", done.stdout)))


def add_python(archive):
    """With pytest. What of it has to be linked."""
    python, stdlib = os.path.realpath(sys.executable), sysconfig.get_path("stdlib")
    packages = os.path.dirname(os.path.dirname(importlib.util.find_spec("pytest").origin))
    dynload = os.path.join(stdlib, "lib-dynload")
    archive.file(python, "usr/bin/python3")
    archive.tree(stdlib)
    for name in PYTEST:
        archive.tree(os.path.join(packages, name))
        if os.path.exists(os.path.join(packages, name + ".py")):
            archive.file(os.path.join(packages, name + ".py"))
    return [python, *(os.path.join(dynload, name) for name in os.listdir(dynload))]


def add_programs(archive, build):
    """What is to be tested and what it works with. What of it has to be linked."""
    built = [name for name in BUILT if os.path.exists(os.path.join(build, name))]
    found = list(filter(None, (shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin") for name in PROGRAMS)))
    found += filter(os.path.exists, ("/usr/lib/collectd/%s.so" % name for name in COLLECTD_PLUGINS))
    for name in built:
        archive.file(os.path.join(build, name), "%s/build/%s" % (INSIDE, name))
    for path in found:
        archive.file(path)
    for directory in ("/usr/share/collectd", snmp.base_mibs()):
        if directory:
            archive.tree(directory)
    return [*(os.path.join(build, name) for name in built), *found]


def add_tests(archive):
    for directory, wanted in (("lab/inside", "*.py"), ("integration", "rig.py"), ("integration", "snmp.py")):
        for path in glob.glob(os.path.join(REPO, "tests", directory, wanted)):
            archive.file(path, "%s/tests/%s/%s" % (INSIDE, directory, os.path.basename(path)))
    archive.file(os.path.join(HERE, "inside", "init"), "init")


def write_base(path, build, more=None):
    """All that does not depend on the kernel. more: adds to the archive, and returns what has to be linked."""
    with open(path, "wb") as out:
        archive = Archive(out)
        archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
        for library in libraries(add_python(archive) + add_programs(archive, build) + (more(archive) if more else [])):
            archive.file(library)
        add_tests(archive)
        archive.end()


def write_kernel(path, kernel):
    """What depends on it: an archive of its own, that the kernel unpacks over the first."""
    with open(path, "wb") as out:
        archive = Archive(out)
        for name in MODULES:
            found = os.path.join(kernel, name + ".ko")
            if os.path.exists(found):
                archive.file(found, "modules/%s.ko" % name)
            else:
                with lzma.open(found + ".xz") as file:
                    archive.add("modules/%s.ko" % name, stat.S_IFREG | 0o644, file.read())
        archive.file(os.path.join(kernel, "kvm_stat"), "kvm_stat")
        archive.end()


def write_qemu(path, kernel):
    """The QEMU of the kernel's distribution, as a root of its own."""
    with open(path, "wb") as out:
        archive = Archive(out)
        for name in ("dev", "proc", "tmp"):
            archive.add("qemu/" + name, stat.S_IFDIR | 0o755)
        for file in glob.glob(os.path.join(kernel, "qemu", "*")):
            name = os.path.basename(file)
            directory = "lib64" if name.startswith("ld-") else "lib/x86_64-linux-gnu" if ".so" in name else "usr/bin"
            archive.file(file, "qemu/%s/%s" % (directory, name))
        archive.end()
