# SPDX-License-Identifier: MIT
"""Files of templates/ with what they are for: check_kvmstat and a live subagent, dashboards and what a real collectd sends."""
import fnmatch
import json
import pathlib
import re
import signal
import socket
import subprocess
import threading

import pytest
import rig
from storm import EVENT, USUAL, write_baseline

PLUGIN, DASHBOARDS = "templates/nagios/check_kvmstat", "templates/grafana"
TEMPLATES = pathlib.Path(rig.REPO) / "templates"
LINE = re.compile(r"KVMSTAT (OK|WARNING|CRITICAL|UNKNOWN) - ([^|\n]+?)(?: \| ([^|\n]+))?\n((?:[^|\n]+\n)*)")
DATA = re.compile(r"'([^']+)'=(-?[\d.]+)(s|c)?(?:;([^;\s]*))?(?:;([^;\s]*))?")
STATUS = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]


@pytest.fixture(autouse=True)
def made():
    if not (rig.os.path.exists(rig.built(PLUGIN)) and rig.os.path.exists(rig.built(DASHBOARDS))):
        pytest.skip("the files of templates/ are not made: make templates")


class Check:
    """Runs the plugin against an snmpd; (status, text, {label: value})"""

    def __init__(self, manager):
        self.manager = manager

    def __call__(self, *args):
        done = subprocess.run(["/usr/bin/python3", rig.built(PLUGIN), "-H", "127.0.0.1", "-p", str(self.manager.port), "-t", "30", *args],
                              env={**rig.os.environ, **self.manager.env}, capture_output=True, timeout=rig.PATIENCE, check=False)
        line = LINE.fullmatch(done.stdout.decode())
        assert line and not done.stderr, done
        assert done.returncode == STATUS.index(line[1]), done
        data = line[3].split(" ") if line[3] else []
        assert all(DATA.fullmatch(word) for word in data), line[3]
        return line[1], line[2], {DATA.fullmatch(word)[1]: float(DATA.fullmatch(word)[2]) for word in data}

    def until(self, status, *args):
        """The first answer with this status."""
        return rig.wait_until(lambda: (lambda found: found[0] == status and found)(self(*args)), "check_kvmstat %s says %s" % (args, status))


def test_check_kvmstat(tree, agent, snmpd, place, passing):
    root, host = tree("s390x-6.12", guests=2, vcpus=64)
    (root / "sys/devices/system/cpu/online").write_text("0-13\n")
    sick, well = host["guests"]
    state = place("state") / "kvmstat"
    write_baseline(state, host["guests"])
    clock, master = passing(root), snmpd()
    check = Check(master)
    assert check("-m", "health")[0] == "CRITICAL" and check("-m", "alarms")[0] == "UNKNOWN"   # nobody is behind snmpd
    program = agent("Root %s\nStateDir %s\nDiagnoseGrace 1\nPingInterval 1" % (root, state), master=master)
    check_health(check)
    check_guest(check, sick)
    check_event(check, well)
    check_alarms(check, clock, sick, well)
    check_stale(check, program)
    master.stop()
    status, text, _ = check("-t", "2")
    assert status == "UNKNOWN" and "no answer" in text.lower() or "timeout" in text.lower()


def check_health(check):
    status, text, data = check.until("OK")
    assert re.fullmatch(r"2 guests, sample \d+ s old", text)
    assert data["guests"] == 2 and data["problems"] == 0 and 0 <= data["age"] < 4
    assert check("-w", "1:", "-w", "1000:")[0] == "WARNING"
    assert check("-c", "1000:")[0] == "CRITICAL"
    assert check("-P", "3", "-L", "authPriv", "-U", "operator", "-a", "SHA", "-A", "authentication", "-x", "AES", "-X", "encryption")[0] == "OK"
    assert check("-P", "3", "-L", "authPriv", "-U", "operator", "-a", "SHA", "-A", "mistakenly", "-x", "AES", "-X", "encryption")[0] == "UNKNOWN"


def check_guest(check, guest):
    of_guest = ("-m", "guest", "-g", guest["name"])
    status, text, data = check.until("OK", *of_guest, "--activity", "exits")
    assert re.fullmatch(r"%s: exits \d+ a second" % guest["name"], text) and data["exits"] > 0
    assert {"exits", "io", "idle", "instruction", "interrupt", "yield", "userspace", "cpu", "wait"} <= set(data)
    assert check("-m", "guest", "-g", guest["uuid"].upper(), "--activity", "exits")[0] == "OK"
    assert check(*of_guest, "--activity", "exits", "-w", "0", "-c", "1000000000")[0] == "WARNING"
    assert check(*of_guest, "--activity", "exits", "-w", "0", "-c", "1")[0] == "CRITICAL"
    assert check("-m", "guest", "-g", "nobody")[:2] == ("CRITICAL", "guest nobody does not run on 127.0.0.1, 2 others do")
    assert check("-m", "guest")[0] == "UNKNOWN"


def check_event(check, guest):
    of_event = ("-m", "event", "-g", guest["name"], "-e", EVENT)
    status, text, data = check(*of_event)
    assert status == "OK" and re.fullmatch(r"%s: %s \d+ a second, usual up to \d+" % (guest["name"], EVENT), text)
    assert data["usual"] == pytest.approx(USUAL, rel=0.002)
    assert check(*of_event, "-c", "1000000:")[0] == "CRITICAL"
    assert check("-m", "event", "-g", guest["name"], "-e", "blocking")[0] == "OK"   # a level
    status, text, _ = check("-m", "event", "-g", guest["name"], "-e", "exit_instructions")
    assert status == "UNKNOWN" and text.startswith("there is no event exit_instructions")


def check_alarms(check, clock, sick, well):
    assert check("-m", "alarms") == ("OK", "no guest is abnormal", {"alarms": 0})
    clock.storm(sick)
    status, text, data = check.until("CRITICAL", "-m", "alarms")
    assert text.startswith("%s: 64 vCPUs on 14 CPUs: %s " % (sick["name"], EVENT)) and data == {"alarms": 1}
    assert check("-m", "alarms", "-g", sick["name"])[0] == "CRITICAL"
    assert check("-m", "alarms", "-g", well["name"])[:2] == ("OK", "%s is not abnormal" % well["name"])


def check_stale(check, program):
    """A subagent whose sampling hangs is not there any more for snmpd; one that answers with an old sample is not believed."""
    program.signal(signal.SIGSTOP)
    assert check("-m", "health")[0] in ("CRITICAL", "UNKNOWN")
    assert check("-m", "alarms")[0] == "UNKNOWN"
    program.signal(signal.SIGCONT)
    check.until("OK", "-m", "health")


# ---- dashboards ----

def expanded(pattern):
    """a{b,c}d: abd, acd"""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if not found:
        return [pattern]
    return [name for word in found[1].split(",") for name in expanded(pattern[:found.start()] + word + pattern[found.end():])]


def paths():
    """Every path of every target of the dashboards for Graphite, braces expanded: collectd.HOST.kvmstat-GUEST.derive-exits."""
    found = set()
    for name in ("fleet", "guest"):
        with open(rig.built("%s/%s-graphite.json" % (DASHBOARDS, name)), encoding="utf-8") as file:
            board = json.load(file)
        for target in [target["target"] for panel in board["panels"] for target in panel["targets"]]:
            target = target.replace("$host", "host").replace("$guest", "*")
            for path in re.findall(r"collectd\.(?:\{[^}]*\}|[^(){}, ])+", target):
                found.update(expanded(path))
    assert len(found) > 100
    return found


def sent(daemon):
    """Graphite's names of what csv has."""
    return {"collectd.%s.%s" % (path.parent.relative_to(daemon.directory / "csv").as_posix().replace("/", "."), re.sub(r"-\d{4}-\d\d-\d\d$", "", path.name))
            for path in (daemon.directory / "csv").rglob("*") if path.is_file()}


def test_dashboards_name_what_collectd_sends(tree, collectd, place):
    """Every name is sent by one of the hosts; those of the tracepoints, which no replay has, are in events.tsv."""
    names = set()
    for kernel in ("s390x-7.2", "x86-7.1", "arm64-7.1", "riscv-7.1", "ppc64-7.1", "x86-5.10", "s390x-4.18"):
        root, host = tree(kernel, guests=1, vcpus=2)
        state = place("state") / "kvmstat"
        write_baseline(state, host["guests"])
        daemon = collectd('Root "%s"\nStateDir "%s"\nSkipNeverSeen false\nReportVcpus true\nReportUsual true' % (root, state))
        rig.wait_until(lambda: "collectd.host.kvmstat.gauge-alarms" in sent(daemon)   # pylint: disable=cell-var-from-loop
                       and any("-cpu_wait_ns-vcpu001" in name for name in sent(daemon)), "%s is sent" % kernel)  # pylint: disable=cell-var-from-loop
        names |= sent(daemon)
        daemon.stop()
    unknown = {path for path in paths() if "kvm_" not in path and not fnmatch.filter(names, path)}
    assert not unknown, sorted(unknown)


# ---- Checkmk ----

LOCAL = re.compile(r'([0-3]) "([^"]+)" (-|[a-z]+=[\d.;]+(?:\|[a-z]+=[\d.;]+)*) (.+)')


def local_check(root, state):
    """{service: (state, {metric: value}, text)}"""
    text = rig.run(str(TEMPLATES / "checkmk/kvmstat"), env={"KVMSTAT": "%s --root=%s --state-dir=%s" % (rig.built("kvmstat"), root, state)}).decode()
    found = [LOCAL.fullmatch(line) for line in text.splitlines()]
    assert all(found), [line for line, match in zip(text.splitlines(), found) if not match]
    values = [dict(pair.split("=") for pair in line[3].split("|")) if line[3] != "-" else {} for line in found]
    return {line[2]: (int(line[1]), metrics, line[4]) for line, metrics in zip(found, values)}


def test_local_check_of_checkmk(tree, collectd, place, passing):
    root, host = tree("s390x-6.12", guests=2, vcpus=64, odd=True)
    (root / "sys/devices/system/cpu/online").write_text("0-13\n")
    state = place("state") / "kvmstat"
    sick, well = host["guests"][-2:]
    write_baseline(state, [sick, well])
    clock = passing(root)
    daemon = collectd('Root "%s"\nStateDir "%s"\nDiagnoseGrace 1' % (root, state))
    rig.wait_until(lambda: daemon.self_metric("alarms") == 0, "guests are judged")
    services = local_check(root, state)
    assert services["KVM guests"][:2] == (0, {"alarms": "0;0;0", "guests": "2"})
    kinds = {"exits", "io", "idle", "instruction", "interrupt", "yield", "memory", "userspace", "wait"}
    assert all(set(services["KVM guest " + guest["name"]][1]) == kinds for guest in (sick, well))
    assert float(services["KVM guest " + well["name"]][1]["exits"]) > 0
    assert len(services) >= len(host["guests"]) - 2     # but for names that have a line end, and those that are the same
    clock.storm(sick)
    rig.wait_until(lambda: daemon.self_metric("alarms") == 1, "the alarm is raised")
    services = local_check(root, state)
    assert services["KVM guests"][0] == services["KVM guest " + sick["name"]][0] == 2
    assert "overcommit" in services["KVM guest " + sick["name"]][2]
    assert services["KVM guest " + well["name"]][0] == 0


# ---- tags ----

class Taken:
    """Lines that arrive at a port."""

    def __init__(self):
        self.lines, self.server = [], socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        peer, _ = self.server.accept()
        with peer, peer.makefile("r", encoding="utf-8", errors="surrogateescape") as text:
            for line in text:
                self.lines.append(line.rstrip("\n"))


class Tagging(rig.Collectd):
    """With the file of templates/victoriametrics as it is, but for the port and the time that it waits."""

    def __init__(self, directory, options, port):
        text = (TEMPLATES / "victoriametrics/write_graphite.conf").read_text("utf-8")
        self.file = text.replace('"2003"', '"%d"' % port).replace("FlushInterval 10", "FlushInterval 1")
        super().__init__(directory, options)

    def csv(self):
        return super().csv() + "\n" + self.file


def test_what_is_sent_with_tags(tree, place, started):
    root, host = tree("s390x-6.12", guests=2)
    taken = Taken()
    started.append(Tagging(place("collectd"), 'Root "%s"' % root, taken.port))
    name = 'collectd.kvmstat.derive;host=host;plugin=kvmstat;plugin_instance=%s;type=derive;type_instance=exit_instruction ' % host["guests"][0]["name"]
    own = "collectd.kvmstat.gauge;host=host;plugin=kvmstat;type=gauge;type_instance=guests 2"
    for wanted in (name, own, "collectd.kvmstat.duration;"):
        rig.wait_until(lambda: any(line.startswith(wanted) for line in taken.lines), wanted + " arrives")   # pylint: disable=cell-var-from-loop
    readme = (TEMPLATES / "victoriametrics/README.md").read_text("utf-8")
    pattern = re.compile(re.search("`pattern = (.*?)`", readme)[1])
    assert all(pattern.search(line) for line in taken.lines if ".kvmstat" in line)
    assert {line.partition(";")[0] for line in taken.lines} == {"collectd.kvmstat." + kind for kind in ("derive", "gauge", "duration")}
