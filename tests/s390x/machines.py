# SPDX-License-Identifier: MIT
"""This machine, and the emulated one: where each has its programs, and how they are started."""
import glob
import os
import shutil
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MAKETREE = os.path.join(HERE, "..", "trees", "maketree.py")
sys.path.insert(0, os.path.join(HERE, "..", "integration"))

import rig  # noqa: E402

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
ROOT = ".1.3.6.1.4.1.8072.9999.9999.7619"  # of our MIB


class Native:
    name = "native"
    build = os.environ["NATIVE_O"]
    types = "/usr/share/collectd/types.db"

    def built(self, name):
        return [os.path.join(self.build, name)]

    def program(self, name):
        """Of the distribution; None if it is not there."""
        found = shutil.which(name, path=PATH)
        return found and [found]

    def collectd_plugin(self, name):
        found = glob.glob("/usr/lib*/collectd/%s.so" % name)
        return found[0] if found else None


class Emulated:
    """By qemu's user-mode emulation, with the packages unpacked in a directory."""
    name = "emulated"
    build = os.environ["EMULATED_O"]
    sysroot = os.environ["SYSROOT"]
    types = os.path.join(sysroot, "usr/share/collectd/types.db")
    run = os.environ["RUN"].split()

    def built(self, name):
        return [*self.run, os.path.join(self.build, name)]

    def program(self, name):
        for directory in ("usr/sbin", "usr/bin", "sbin", "bin"):
            path = os.path.join(self.sysroot, directory, name)
            if os.path.exists(path):
                return [*self.run, path]
        return None

    def collectd_plugin(self, name):
        path = os.path.join(self.sysroot, "usr/lib/collectd", name + ".so")
        return path if os.path.exists(path) else None


NATIVE, EMULATED = Native(), Emulated()


def make_tree(root, *options):
    subprocess.run([sys.executable, MAKETREE, root, *options], check=True, stdout=subprocess.DEVNULL)
    return root


def ask(path, line):
    """collectd's unixsock, without its client."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(rig.PATIENCE)
        sock.connect(path)
        sock.sendall(line.encode() + b"\n")
        with sock.makefile(encoding="utf-8", errors="surrogateescape") as file:
            count = int(file.readline().split()[0])
            return [file.readline().strip() for _ in range(count)]


class Collectd(rig.Program):
    """A machine's own daemon and plugins with its kvmstat.so; what it wrote as csv is in directory/csv."""

    def __init__(self, machine, directory, config, plugins=("csv", "unixsock")):
        self.directory, self.sock = directory, str(directory / "sock")
        own = directory / "plugins"
        own.mkdir(parents=True)
        for name in plugins:
            shutil.copy(machine.collectd_plugin(name), own)
        shutil.copy(os.path.join(machine.build, "kvmstat.so"), own)
        conf = directory / "collectd.conf"
        conf.write_text("\n".join([
            'Hostname "host"', "FQDNLookup false", 'BaseDir "%s"' % directory, 'PIDFile "%s/pid"' % directory,
            'PluginDir "%s"' % own, 'TypesDB "%s"' % machine.types, "Interval 1",
            'LoadPlugin csv\n<Plugin csv>\nDataDir "%s/csv"\n</Plugin>' % directory,
            'LoadPlugin unixsock\n<Plugin unixsock>\nSocketFile "%s"\n</Plugin>' % self.sock, config, ""]))
        super().__init__([*machine.program("collectd"), "-f", "-C", str(conf)], directory / "collectd.log")

    def files(self):
        """{"guest/type-event": path}"""
        top = self.directory / "csv" / "host"
        return {"%s/%s" % (path.parent.name, path.name[:-len("-2000-01-01")]): path for path in top.glob("kvmstat-*/*")}

    def values(self):
        """{"guest/type-event": last value as text}, of guests only."""
        found = {}
        for name, path in self.files().items():
            lines = path.read_text().splitlines()
            # Another line may be in the making.
            if len(lines) > 2:
                found[name] = lines[-2].partition(",")[2]
        return found

    def all_values(self):
        """values(), when there are as many as the plugin says that it sends."""
        def complete():
            said = ask(self.sock, 'GETVAL "host/kvmstat/gauge-values"') if os.path.exists(self.sock) else []
            values = self.values()
            return values if said and float(said[0].partition("=")[2]) == len(values) else None
        return rig.wait_until(complete, "collectd has written each value twice: " + self.text())

    def listed(self):
        """The names of all values that it has now."""
        return {line.partition(" ")[2] for line in ask(self.sock, "LISTVAL")}
