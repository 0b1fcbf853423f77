# SPDX-License-Identifier: MIT
"""A guest with 64 vCPUs on 14 CPUs that begins to give them up all the time: a real collectd notifies once, with names and numbers."""
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import rig
from storm import DAYS, EVENT, PARENT, STORM, USUAL, resting_guest, write_baseline


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
    clock.storm(sick)
    text = rig.wait_until(daemon.notifications, "a notification")[0]
    assert "severity = FAILURE, host = host, plugin = kvmstat, plugin_instance = %s, type = derive, type_instance = %s, " % (
        sick["name"], EVENT) in text
    message = text.partition("message = ")[2]
    assert message.startswith("%s: 64 vCPUs on 14 CPUs: %s " % (sick["name"], EVENT)), message
    rate = float(message.split(EVENT + " ")[1].split("/s")[0])
    assert USUAL < rate < 2 * STORM, message
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
    clock.storm(host["guests"][0])
    text = rig.wait_until(daemon.notifications, "a notification")[0]
    assert "severity = FAILURE, " in text and "type_instance = %s, " % EVENT in text and "(overcommit)" in text, text


def test_more_vcpus_than_cpus(vmm, started, place):
    guest, state = resting_guest(vmm, place)
    daemon = Listening(place("collectd"), 'Guest "%s"\nStateDir "%s"\nDiagnoseNotify true\nDiagnoseGrace 1' % (guest.name, state))
    started.append(daemon)
    rig.wait_until(lambda: daemon.self_metric("alarms") == 0, "the guest is judged")
    guest.command("spin")
    text = rig.wait_until(daemon.notifications, "a notification")[0]
    assert "severity = FAILURE, " in text and "plugin_instance = %s, " % guest.name in text, text
    assert "message = %s: 64 vCPUs on %d CPUs: " % (guest.name, os.cpu_count()) in text and "(overcommit)" in text, text
    guest.command("stop")
