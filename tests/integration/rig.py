# SPDX-License-Identifier: MIT
"""Real programs for the tests: started in a directory of their own, on loopback, and ended with the test."""
import atexit
import contextlib
import ctypes
import json
import os
import re
import select
import signal
import socket
import subprocess
import time

REPO = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(REPO, os.environ.get("BUILD", "build"))
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.05
# Only a failure waits as long: enough for a machine that is ten times slower, and busy.
PATIENCE = 120
CLOCK_NANOSLEEP = {"x86_64": "230", "s390x": "262", "ppc64le": "248"}.get(os.uname().machine, "115")
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|^\S+: runtime error: ", re.MULTILINE)


def built(name):
    return os.path.join(BUILD, name)


def wait_until(condition, what):
    """The first true result of condition(); in the end a failure that shows the last one."""
    end = time.monotonic() + PATIENCE
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, "in %g s never: %s; last seen: %r" % (PATIENCE, what, result)
        time.sleep(POLL_SECONDS)


class Ended(Exception):
    """A process, before it could be stopped."""


@contextlib.contextmanager
def stopped_between_samples(process):
    """A command that takes samples (a Popen) is stopped meanwhile, where it waits for the time of the next one. Ended: too late."""
    def stops_asleep():
        process.send_signal(signal.SIGSTOP)
        if process.returncode is not None:
            raise Ended
        stopped = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if stopped.si_code != os.CLD_STOPPED:
            raise Ended
        with open("/proc/%d/syscall" % process.pid, encoding="ascii") as file:
            if file.read().split()[0] == CLOCK_NANOSLEEP:
                return True
        process.send_signal(signal.SIGCONT)
        return False
    wait_until(stops_asleep, "it waits for its next sample")
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def free_port():
    """One that is free for TCP and UDP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return tcp.getsockname()[1]


def listens(port):
    with socket.socket() as tcp:
        return tcp.connect_ex(("127.0.0.1", port)) == 0


def sanitizers():
    """Environment of a daemon that shall load a plugin built with SAN=1: the sanitizers' libraries have to be there first, and
    what they intercept before they look for it: libvirt's XDR."""
    with open(built("kvmstat.so"), "rb") as file:
        content = file.read().decode("ascii", "ignore")
    found = sorted(set(re.findall(r"lib(?:asan|ubsan)\.so\.\d+", content)))
    if found and "libvirt.so" in content:
        found.append("libtirpc.so.3")
    return {"LD_PRELOAD": ":".join(found)} if found else {}


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A process with a log; stop() ends it and what it started."""

    def __init__(self, args, log, env=None, **popen):
        self.args, self.log = args, str(log)
        with open(self.log, "ab") as out:
            popen = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": out, "preexec_fn": die_with_parent, **popen}
            self.process = subprocess.Popen(args, env={**os.environ, **(env or {})}, start_new_session=True, **popen)
        atexit.register(self.kill)

    @property
    def pid(self):
        return self.process.pid

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        if self.process.poll() is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()

    def stop(self):
        """As an administrator would end it. Returns its status."""
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("%s does not end on SIGTERM\n%s" % (self.args[0], self.text()[-2000:])) from None
        atexit.unregister(self.kill)
        assert not SANITIZER.search(self.text()), self.text()[-8000:]
        return self.process.returncode


def run(*args, env=None, check=True):
    """Output of a command, as bytes."""
    done = subprocess.run(args, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 0 or not check, "%s: status %d\n%s" % (args, done.returncode, done.stderr.decode(errors="replace"))
    return done.stdout


class Vmm(Program):
    """Guests of kvmtestvmm; it counts what they did."""

    def __init__(self, log, name=None, vms=1, vcpus=1, options=(), wrapper=()):
        args = [*wrapper, built("tests/vmm/kvmtestvmm"), "--vms", str(vms), "--vcpus", str(vcpus), *options]
        if name is not None:
            args += ["-name", b"guest=" + os.fsencode(name).replace(b",", b",,")]
        super().__init__(args, log, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.name, self.vms, self.vcpus, self.unread = name, vms, vcpus, b""
        words = self.answer().split()
        assert words[0] == "ready", self.text()
        self.run_event, self.halt_event = words[8], words[10]

    def answer(self, seconds=PATIENCE):
        """One line. Python's own buffering would hide lines from select()."""
        while b"\n" not in self.unread:
            ready, _, _ = select.select([self.process.stdout], [], [], seconds)
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            assert data, "no answer from kvmtestvmm: " + self.text()
            self.unread += data
        line, _, self.unread = self.unread.partition(b"\n")
        return line.decode()

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def done(self, seconds=PATIENCE):
        """The number in the answer to what was sent."""
        words = self.answer(seconds).split()
        assert words and words[0] == "done", words
        return int(words[1])

    def command(self, line):
        self.send(line)
        return self.done()

    def guests(self):
        """One dict for each VM, with what it did: {"tid", "fd", "vcpus", events...}."""
        self.send("list")
        found = []
        while True:
            words = self.answer().split()
            if words[0] == "done":
                return found
            seen = dict(zip(words[0::2], map(int, words[1::2])))
            found.append({"tid": seen["tid"], "fd": seen["fd"], "vcpus": seen["vcpus"],
                          self.run_event: seen["run"] + seen["halt"], self.halt_event: seen["halt"]})

    def events(self, number=0):
        guest = self.guests()[number]
        return {event: guest[event] for event in (self.run_event, self.halt_event)}


# ---- the command ----

def kvmstat(*args, root=None, check=True, env=None):
    return run(built("kvmstat"), *(["--root=%s" % root] if root else []), *args, check=check, env=env)


def kvmstat_json(*args, root=None):
    return json.loads(kvmstat("--json", *args, root=root).splitlines()[-1])


def kvmstat_values(guest, root=None):
    """{event: value} of a guest, by its name or "pid:NUMBER"."""
    report = kvmstat_json("--all", "events", guest, "0.1", "1", root=root)
    return {row["event"]: row["value"] for row in report["events"] if row["value"] is not None}


# ---- collectd and carbon ----

class Carbon(Program):
    def __init__(self, directory, step=1):
        conf = directory / "conf"
        conf.mkdir(parents=True)
        self.port, self.whisper, self.step = free_port(), directory / "storage" / "whisper", step
        (directory / "storage" / "log").mkdir(parents=True)
        (conf / "storage-schemas.conf").write_text("[all]\npattern = .*\nretentions = %ds:10m\n" % step)
        (conf / "carbon.conf").write_text("\n".join([
            "[cache]", "STORAGE_DIR = %s/storage" % directory, "LOCAL_DATA_DIR = %s" % self.whisper,
            "WHITELISTS_DIR = %s" % conf, "CONF_DIR = %s" % conf, "LOG_DIR = %s/storage/log" % directory,
            "PID_DIR = %s" % directory, "MAX_CREATES_PER_MINUTE = inf", "MAX_UPDATES_PER_SECOND = inf",
            "LINE_RECEIVER_INTERFACE = 127.0.0.1", "LINE_RECEIVER_PORT = %d" % self.port,
            "PICKLE_RECEIVER_INTERFACE = 127.0.0.1", "PICKLE_RECEIVER_PORT = 0",
            "CACHE_QUERY_INTERFACE = 127.0.0.1", "CACHE_QUERY_PORT = %d" % free_port(),
            "WHISPER_FALLOCATE_CREATE = False", ""]))
        super().__init__(["carbon-cache", "--config", str(conf / "carbon.conf"), "--nodaemon", "start"],
                         directory / "carbon.log", env={"GRAPHITE_ROOT": str(directory)})
        wait_until(lambda: listens(self.port), "carbon-cache listens")

    def values(self, metric):
        """[(seconds, value)] of what is stored."""
        path = self.whisper / (metric.replace(".", "/") + ".wsp")
        if not path.exists():
            return []
        lines = run("whisper-fetch", "--from=%d" % (time.time() - 500), str(path)).decode().split("\n")
        points = [line.split() for line in lines if line]
        return [(int(when), float(value)) for when, value in points if value != "None"]


class Collectd(Program):
    """The real daemon with kvmstat.so, csv, unixsock and, given a Carbon, write_graphite twice: rates and raw."""
    HOST = "host"
    PLUGINS = "csv", "unixsock", "write_graphite"
    WRITE_THREADS = 5  # collectd's own default

    def __init__(self, directory, options="", carbon=None, interval=1, env=None, wrapper=()):
        self.directory, self.sock = directory, str(directory / "sock")
        plugins = directory / "plugins"
        plugins.mkdir(parents=True)
        for name in self.PLUGINS:
            run("cp", os.path.join(self.system_plugins(), name + ".so"), str(plugins))
        run("cp", built("kvmstat.so"), str(plugins))
        conf = directory / "collectd.conf"
        conf.write_text(self.configuration(plugins, options, carbon, interval), encoding="utf-8", errors="surrogateescape")
        super().__init__([*wrapper, "collectd", "-f", "-C", str(conf)], directory / "collectd.log",
                         env={**sanitizers(), **(env or {})})
        wait_until(lambda: os.path.exists(self.sock) or self.process.poll() is not None, "collectd starts")
        assert self.process.poll() is None, "%s\nstatus %s" % (self.text(), self.process.returncode)

    @staticmethod
    def system_plugins():
        for directory in ("/usr/lib/collectd", "/usr/lib64/collectd"):
            if os.path.exists(os.path.join(directory, "csv.so")):
                return directory
        raise AssertionError("collectd's own plugins are not found")

    def configuration(self, plugins, options, carbon, interval):
        node = '<Node "%s">\nHost "127.0.0.1"\nPort "%d"\nPrefix "%s."\nStoreRates %s\nEscapeCharacter "_"\n</Node>\n'
        nodes = node % ("rate", carbon.port, "rate", "true") + node % ("raw", carbon.port, "raw", "false") if carbon else ""
        graphite = "<LoadPlugin write_graphite>\nFlushInterval 1\n</LoadPlugin>\n<Plugin write_graphite>\n%s</Plugin>\n" % nodes
        return "\n".join([
            self.head(plugins, interval), self.csv(), graphite if carbon else "", "LoadPlugin kvmstat", "<Plugin kvmstat>", options, "</Plugin>", ""])

    def head(self, plugins, interval):
        return "\n".join([
            'Hostname "%s"' % self.HOST, "FQDNLookup false", 'BaseDir "%s"' % self.directory,
            'PIDFile "%s/pid"' % self.directory, 'PluginDir "%s"' % plugins, "Interval %g" % interval,
            "WriteThreads %d" % self.WRITE_THREADS,
            'LoadPlugin unixsock\n<Plugin unixsock>\nSocketFile "%s"\nDeleteSocket true\n</Plugin>' % self.sock])

    def csv(self):
        return 'LoadPlugin csv\n<Plugin csv>\nDataDir "%s/csv"\n</Plugin>' % self.directory

    def control(self, *args):
        return run("collectdctl", "-s", self.sock, *args, check=False).decode(errors="surrogateescape")

    def listval(self):
        return [line for line in self.control("listval").split("\n") if line]

    def instances(self):
        """The plugin instances: what guests are called here. (collectdctl cuts them to 63 bytes.)"""
        names = (path.name for path in (self.directory / "csv" / self.HOST).glob("kvmstat-*"))
        return {name[len("kvmstat-"):] for name in names}

    def self_metric(self, name):
        text = self.control("getval", "%s/kvmstat/gauge-%s" % (self.HOST, name))
        return float(text.partition("=")[2]) if text.startswith("value=") else None

    def rows(self, instance, event, kind="derive"):
        """[(seconds, value)] as csv has them, oldest first."""
        directory = self.directory / "csv" / self.HOST / ("kvmstat-" + instance)
        found = []
        for path in sorted(directory.glob("%s-%s-????-??-??" % (kind, event))):
            text = path.read_text()
            text = text[:text.rfind("\n") + 1]  # another line may be in the making
            found += [line.split(",") for line in text.splitlines()[1:]]
        return [(float(when), float(value)) for when, value in found]

    def last(self, instance, event, kind="derive"):
        rows = self.rows(instance, event, kind)
        return rows[-1][1] if rows else None

    def values(self, instance):
        """{event: last value} of a guest."""
        found, place = {}, self.directory / "csv" / self.HOST / ("kvmstat-" + instance)
        for path in place.iterdir() if place.exists() else ():
            kind, _, rest = path.name.partition("-")
            event = rest[:-len("-2000-01-01")]
            found[event] = self.last(instance, event, kind)
        return found

    def rate(self, instance, event):
        """What unixsock says now."""
        text = self.control("getval", "%s/kvmstat-%s/derive-%s" % (self.HOST, instance, event))
        return float(text.partition("=")[2]) if text.startswith("value=") else None
