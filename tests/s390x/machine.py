# SPDX-License-Identifier: MIT
"""A whole emulated s390x: Debian's kernel, and in memory s390x's collectd, snmpd and net-snmp with our programs."""
import lzma
import os
import re
import shutil
import stat
import struct
import subprocess
import sys

from machines import EMULATED, HERE, rig

LAB = os.path.join(HERE, "..", "lab")
sys.path.append(LAB)

import initramfs  # noqa: E402

# Backports have the same kernel for those who cannot reach Debian 13.
SUITES = os.environ.get("LAB_S390X_SUITES", "trixie bookworm-backports").split()
QEMU = "qemu-system-s390x"
SECONDS = 900  # reached on failures only; half a minute is usual
BUILT = ("kvmstat", "kvmstat-agentx", "kvmstat.so")
PROGRAMS = ("usr/sbin/collectd", "usr/sbin/snmpd", "usr/bin/snmpbulkwalk", "usr/lib/collectd/csv.so")
COLLECTD = """Hostname "host"
FQDNLookup false
BaseDir "/tmp"
PIDFile "/run/collectd.pid"
PluginDir "/usr/lib/collectd"
TypesDB "/types.db"
Interval 1
LoadPlugin csv
<Plugin csv>
DataDir "/tmp/csv"
</Plugin>
"""
SNMPD = ("agentAddress udp:127.0.0.1:1161\nrocommunity public 127.0.0.1\nmaster agentx\n"
         "agentXSocket /run/master\nagentXTimeout 4\ndontLogTCPWrappersConnects yes\n")


def kernel():
    """(directory, None) or (None, what is missing)"""
    if not shutil.which(QEMU):
        return None, "no %s here (Debian: qemu-system-s390x or qemu-system-misc)" % QEMU
    for suite in SUITES:
        done = subprocess.run([os.path.join(LAB, "kernel"), suite, "s390x"], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip(), None
    return None, done.stderr.strip()


def libraries(paths):
    """What the loader would load for them, and for that, found in the unpacked packages."""
    found, todo = {}, list(paths)
    while todo:
        said = subprocess.run(["s390x-linux-gnu-readelf", "-d", todo.pop()], capture_output=True, text=True, check=True).stdout
        for name in re.findall(r"\(NEEDED\).*\[(.*)\]", said):
            if name in found:
                continue
            for directory in ("lib/s390x-linux-gnu", "usr/lib/s390x-linux-gnu", "lib"):
                path = os.path.join(EMULATED.sysroot, directory, name)
                if os.path.exists(path):
                    found[name] = path
                    todo.append(path)
                    break
    return found


def section(elf, wanted):
    """The bytes of a section of a big-endian ELF file."""
    headers, size, count, names = struct.unpack_from(">Q10xHHH", elf, 40)
    table = [struct.unpack_from(">IIQQQQ", elf, headers + i * size) for i in range(count)]
    for name, _, _, _, offset, length in table:
        start = table[names][4] + name
        if elf[start:elf.index(b"\0", start)] == wanted:
            return elf[offset:offset + length]
    raise AssertionError("no section %s" % wanted.decode())


def add_module(archive, where, name):
    with lzma.open(os.path.join(where, name + ".ko.xz")) as file:
        module = file.read()
    archive.add("modules/%s.ko" % name, stat.S_IFREG | 0o644, module)
    return module


def add_programs(archive):
    paths = {os.path.basename(name): os.path.join(EMULATED.sysroot, name) for name in PROGRAMS}
    paths.update((name, os.path.join(EMULATED.build, name)) for name in BUILT)
    for name, path in paths.items():
        archive.file(path, ("usr/lib/collectd/" if name.endswith(".so") else "bin/") + name)
    for name, path in libraries(paths.values()).items():
        archive.file(path, ("lib/" if name.startswith("ld64") else "lib/s390x-linux-gnu/") + name)
    archive.file(os.path.join(EMULATED.sysroot, "bin/busybox"), "bin/busybox")
    archive.add("bin/sh", stat.S_IFLNK | 0o777, b"busybox")
    archive.file(EMULATED.types, "types.db")


def add_tree(archive, root):
    """A made host, with its links and modes, as /tree."""
    for directory, names, files in os.walk(root):
        for name in names + files:
            path = os.path.join(directory, name)
            inside, info = "tree/" + os.path.relpath(path, root), os.lstat(path)
            if stat.S_ISLNK(info.st_mode):
                archive.add(inside, info.st_mode, os.fsencode(os.readlink(path)))
            elif stat.S_ISREG(info.st_mode):
                archive.file(path, inside)
            else:
                archive.add(inside, info.st_mode)


def write_initramfs(path, where, root, collectd, expected):
    with open(path, "wb") as out:
        archive = initramfs.Archive(out)
        archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
        for name, text in (("etc/collectd.conf", COLLECTD + collectd), ("etc/snmpd.conf", SNMPD), ("expected", expected)):
            archive.add(name, stat.S_IFREG | 0o644, text.encode())
        add_module(archive, where, "irqbypass")
        archive.add("kvm.btf", stat.S_IFREG | 0o444, section(add_module(archive, where, "kvm"), b".BTF"))
        add_programs(archive)
        add_tree(archive, root)
        archive.file(os.path.join(HERE, "init"), "init")
        archive.end()


def boot(directory, where, *more):
    """Until it switches itself off: {name: [line]} of what init said, and all of it. more: options of QEMU's."""
    console = os.path.join(directory, "console")
    command = [QEMU, "-accel", "tcg", "-cpu", "max", "-m", "1G", "-nodefaults", "-display", "none", "-no-reboot",
               "-kernel", os.path.join(where, "vmlinuz"), "-initrd", os.path.join(directory, "initrd"),
               "-append", "panic=-1 quiet", "-chardev", "file,id=console,path=" + console,
               "-device", "sclpconsole,chardev=console", *more]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False,
                       preexec_fn=rig.die_with_parent)
    except subprocess.TimeoutExpired:
        pass
    with open(console, encoding="utf-8", errors="replace") as file:
        text = file.read().replace("\r", "")
    parts = re.split(r"^@@ (\w+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.splitlines() for part in parts[2::2]))), text
