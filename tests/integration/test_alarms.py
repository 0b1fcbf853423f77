# SPDX-License-Identifier: MIT
"""A guest with 64 vCPUs on 14 CPUs that begins to give them up all the time: a real collectd notifies once, with names and numbers."""
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import threading
import time

import pytest

import maketree
import rig

EVENT, PARENT = "instruction_diagnose_44", "exit_instruction"
USUAL = 5000  # a second
DAYS = 9
PLENTY = 1000000000
CPU_TIMES = (65534, 65535)


class Listening(rig.Collectd):
    """With the plugins of collectd's own that take notifications to somebody, and the one that makes some from values."""
    PLUGINS = rig.Collectd.PLUGINS + ("logfile", "exec", "notify_nagios", "threshold")
    LISTENERS = """
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File "stdout"
</Plugin>
LoadPlugin exec
<Plugin exec>
  NotificationExec "{user}" "{dir}/program"
</Plugin>
LoadPlugin notify_nagios
<Plugin notify_nagios>
  CommandFile "{dir}/nagios"
</Plugin>
LoadPlugin threshold
<Plugin threshold>
  <Plugin kvmstat>
    <Type gauge>
      Instance "alarms"
      FailureMax 0
    </Type>
  </Plugin>
</Plugin>"""

    def __init__(self, *args):
        # Where another user may write: pytest's own directories are closed to others.
        self.letters = pathlib.Path(tempfile.mkdtemp())
        super().__init__(*args)

    def stop(self):
        super().stop()
        shutil.rmtree(self.letters, ignore_errors=True)

    def csv(self):
        self.letters.chmod(0o755)
        program = self.letters / "program"
        program.write_text("#!/bin/sh\ncat >>%s/executed\n" % self.letters)
        program.chmod(0o755)
        for name in ("executed", "nagios"):
            (self.letters / name).touch()
            (self.letters / name).chmod(0o666)
        # The plugin exec refuses to run anything as root.
        user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        return super().csv() + self.LISTENERS.format(user=user, dir=self.letters)

    def notifications(self):
        return [line for line in self.text().splitlines() if "Notification: " in line and "type = derive" in line]

    def received(self, name):
        return (self.letters / name).read_text()


def checksum(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return value


def judged_numbers():
    with open(maketree.EVENTS, encoding="utf-8") as table:
        fields = [line.rstrip("\n").split("\t") for line in table if line[0].isdigit()]
    return {field[1]: int(field[0]) for field in fields if field[-3] != "-"}


def write_baseline(directory, guests):
    """What a collectd that watched these guests for days would have left: nothing is rare but the event."""
    now, numbers = int(time.time()), judged_numbers()
    lines = ["kvmstat-baseline 1", "host\t%s\t%d\t1.000\t0\t0.000" % (os.uname().release, now)]
    for guest in guests:
        lines.append("guest\tuuid:%s\t%s\t64\t%d\t%d\t%d\tquiet=%s" % (
            guest["uuid"], guest["name"], now - DAYS * 86400, now, DAYS * 86400, ",".join(["0.000"] * 24)))
        for event, number in sorted(numbers.items(), key=lambda item: item[1]):
            lines.append("%d\t%d\t%d" % ((number, USUAL, USUAL) if event == EVENT else (number, PLENTY, PLENTY)))
        lines += ["%d\t%d\t%d" % (number, 64 * PLENTY, 64 * PLENTY) for number in CPU_TIMES]
    data = ("\n".join(lines) + "\n").encode()
    directory.mkdir()
    (directory / "baseline").write_bytes(data + b"end\t%016x\n" % checksum(data))


class Time:
    """It passes on the host; a guest may storm meanwhile."""

    def __init__(self, root):
        self.root, self.storming, self.ended, self.failed, self.pace = root, None, threading.Event(), None, 1
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        last = time.monotonic()
        try:
            while not self.ended.wait(0.3):
                now = time.monotonic()
                maketree.tick(str(self.root), self.pace * (now - last), self.storming)
                last = now
        except Exception as error:  # pylint: disable=broad-except
            self.failed = error

    def end(self):
        self.ended.set()
        self.thread.join()
        assert not self.failed, self.failed


@pytest.fixture
def passing():
    clocks = []
    yield lambda root: clocks.append(Time(root)) or clocks[-1]
    for clock in clocks:
        clock.end()


def check_other_listeners(daemon, guest, message):
    """What arrives where collectd's own plugins take it: once each, and whole."""
    said = rig.wait_until(lambda: message in daemon.received("executed") and daemon.received("executed"), "the program has it")
    for line in ("Severity: FAILURE", "Plugin: kvmstat", "PluginInstance: " + guest, "TypeInstance: " + EVENT):
        assert line in said.splitlines(), said
    lines = [line for line in daemon.received("nagios").splitlines() if EVENT in line]
    assert len(lines) == 1 and "PROCESS_SERVICE_CHECK_RESULT;" in lines[0] and guest in lines[0] and ";2;" in lines[0], lines
    rig.wait_until(lambda: "type_instance = alarms" in daemon.text(), "the threshold of alarms is passed")


def test_yields_of_too_many_vcpus(tree, started, place, passing):
    root, host = tree("s390x-6.12", guests=2, vcpus=64)
    (root / "sys/devices/system/cpu/online").write_text("0-13\n")
    sick, well = host["guests"]
    state = place("state") / "kvmstat"
    write_baseline(state, host["guests"])
    clock = passing(root)
    daemon = Listening(place("collectd"), 'Root "%s"\nStateDir "%s"\nDiagnoseNotify true\nDiagnoseGrace 1' % (root, state))
    started.append(daemon)
    rig.wait_until(lambda: daemon.self_metric("alarms") == 0, "both guests are judged")
    clock.storming = sick["name"]
    text = rig.wait_until(daemon.notifications, "a notification")[0]
    assert "severity = FAILURE, host = host, plugin = kvmstat, plugin_instance = %s, type = derive, type_instance = %s, " % (
        sick["name"], EVENT) in text
    message = text.partition("message = ")[2]
    assert message.startswith("%s: 64 vCPUs on 14 CPUs: %s " % (sick["name"], EVENT)), message
    rate = float(message.split(EVENT + " ")[1].split("/s")[0])
    assert USUAL < rate < 2 * maketree.STORM, message
    assert message.endswith("/s, never above %d for a minute in %d days (overcommit). virsh vcpuinfo %s" % (
        USUAL, DAYS, sick["name"])), message
    rig.wait_until(lambda: daemon.self_metric("alarms") == 1, "the alarm is counted")
    check_other_listeners(daemon, sick["name"], message)
    seen = len(daemon.rows(well["name"], PARENT))
    rig.wait_until(lambda: len(daemon.rows(well["name"], PARENT)) > seen + 12, "twelve more passes")
    assert len(daemon.notifications()) == 1, daemon.text()
    done = subprocess.run([rig.built("kvmstat"), "--state-dir", str(state), "check"], stdout=subprocess.PIPE, timeout=rig.PATIENCE, check=False)
    line = done.stdout.decode()
    assert done.returncode == 2 and line.startswith("KVMSTAT CRITICAL - %s; written " % message), line
    assert line.endswith(" | alarms=1;0;0 guests=2\n"), line
    daemon.stop()
    kept = (state / "baseline").read_text()
    assert "\nalarm\t1\tuuid:%s\tovercommit\t" % sick["uuid"] in kept
    assert "is damaged" not in daemon.text() and not (state / "baseline.bad").exists(), daemon.text()


def test_yields_above_a_recorded_good_case(tree, started, place, passing):
    """Nothing was learnt: the guest is judged by what the command has recorded, while it did more of everything."""
    root, host = tree("s390x-6.12", guests=1, vcpus=64)
    (root / "sys/devices/system/cpu/online").write_text("0-13\n")
    state = place("state") / "kvmstat"
    state.mkdir()
    clock = passing(root)
    clock.pace = 5
    subprocess.run([rig.built("kvmstat"), "--root", str(root), "--state-dir", str(state), "baseline", "save", "--for", "5"], check=True,
                   stdout=subprocess.DEVNULL, timeout=rig.PATIENCE)
    clock.pace = 1
    daemon = Listening(place("collectd"), 'Root "%s"\nStateDir "%s"\nDiagnoseNotify true\nDiagnoseGrace 1' % (root, state))
    started.append(daemon)
    rig.wait_until(lambda: daemon.self_metric("alarms") == 0, "the guest is judged")
    clock.storming = host["guests"][0]["name"]
    text = rig.wait_until(daemon.notifications, "a notification")[0]
    assert "severity = FAILURE, " in text and "type_instance = %s, " % EVENT in text and "(overcommit)" in text, text
