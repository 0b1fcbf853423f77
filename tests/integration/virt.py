# SPDX-License-Identifier: MIT
"""libvirt's daemon, as an instance of the test's own: its files and its network are seen by nobody else."""
import grp
import os
import pwd
import shutil
import signal
import uuid

import rig

# Where libvirt keeps things; they are made to be directories of the test's in a mount namespace of its own.
HIDDEN = {"run": "/run/libvirt", "lib": "/var/lib/libvirt", "cache": "/var/cache/libvirt", "etc": "/etc/libvirt"}
DAEMON_CONF = """
unix_sock_dir = "{place}/sock"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "2:file:{place}/daemon.log"
"""
QEMU_CONF = """
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
"""
# The daemon does not start before it has found the user and the group of this name, which Debian compiled into it, even if
# the configuration names others. They come with libvirt-daemon-system only, which brings services as well.
ACCOUNT = "libvirt-qemu"
ACCOUNTS = {
    "passwd": (pwd.getpwnam, ACCOUNT + ":x:65534:65534::/nonexistent:/usr/sbin/nologin\n"),
    "group": (grp.getgrnam, ACCOUNT + ":x:65534:\n"),
}
DOMAIN = """
<domain type='kvm'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>16</memory>
  <vcpu>{vcpus}</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices><controller type='usb' model='none'/><memballoon model='none'/></devices>
</domain>
"""


def daemon():
    """Debian 12 has one daemon for everything, later ones may have one for QEMU alone."""
    return shutil.which("libvirtd") or shutil.which("virtqemud")


def with_account(database):
    """/etc/passwd or /etc/group, in which the account is found."""
    find, line = ACCOUNTS[database]
    with open("/etc/" + database, encoding="utf-8", errors="surrogateescape") as file:
        text = file.read()
    try:
        find(ACCOUNT)
        return text
    except KeyError:
        return text.rstrip("\n") + "\n" + line


class Libvirtd(rig.Program):
    def __init__(self, place):
        self.place = place
        name = os.path.basename(daemon())
        sock = {"libvirtd": "libvirt-sock", "virtqemud": "virtqemud-sock"}[name]
        for directory in ("sock", "etc", "etc/qemu"):
            (place / directory).mkdir(exist_ok=True)
        (place / "daemon.conf").write_text(DAEMON_CONF.format(place=place))
        for conf in ("etc/qemu.conf", "etc/qemu/qemu.conf"):
            (place / conf).write_text(QEMU_CONF)
        self.write = "qemu:///system?socket=%s/sock/%s" % (place, sock)
        self.uri = self.write + "-ro"
        script = "set -e\n"
        for hidden, path in HIDDEN.items():
            script += "mkdir -p %s %s/%s\nmount --bind %s/%s %s\n" % (path, place, hidden, place, hidden, path)
        for database in ACCOUNTS:
            (place / database).write_text(with_account(database), encoding="utf-8", errors="surrogateescape")
            script += "mount --bind %s/%s /etc/%s\n" % (place, database, database)
        script += "exec %s -p %s/pid -f %s/daemon.conf\n" % (daemon(), place, place)
        super().__init__(["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", script], place / "log")
        rig.wait_until(lambda: self.process.poll() is not None or self.answers(), "libvirt's daemon answers")
        assert self.process.poll() is None, "%s ended\n%s" % (daemon(), self.said())

    def said(self):
        log = self.place / "daemon.log"
        return self.text() + (log.read_text() if log.exists() else "")

    def answers(self):
        sock = self.uri.partition("socket=")[2]
        return os.path.exists(sock) and b"pong" in rig.run("virsh", "-q", "-c", self.write, "echo", "pong", check=False)

    def virsh(self, *args):
        return rig.run("virsh", "-q", "-c", self.write, *args).decode()

    def start(self, name, vcpus=1, paused=True):
        guest = Domain(self, name)
        xml = self.place / (name + ".xml")
        xml.write_text(DOMAIN.format(name=name, uuid=guest.uuid, vcpus=vcpus))
        self.virsh("create", str(xml), *(["--paused"] if paused else []))
        guest.pid = int((self.place / "run" / "qemu" / (name + ".pid")).read_text())
        return guest

    def stop_guests(self):
        """QEMU is no child of the daemon's: it goes on without it."""
        for path in (self.place / "run" / "qemu").glob("*.pid"):
            pid = int(path.read_text())
            try:
                with open("/proc/%d/cmdline" % pid, "rb") as file:
                    ours = b"guest=" + path.stem.encode() in file.read()
                if ours:
                    os.kill(pid, signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                pass


class Domain:
    def __init__(self, libvirtd, name):
        self.libvirtd, self.name, self.uuid, self.pid = libvirtd, name, str(uuid.uuid4()), 0

    def signal(self, number):
        os.kill(self.pid, number)
