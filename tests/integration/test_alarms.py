# SPDX-License-Identifier: MIT
"""A guest with 64 vCPUs on 14 CPUs that begins to give them up all the time: a real collectd notifies once, with names and numbers."""
import rig
from storm import DAYS, EVENT, PARENT, STORM, USUAL, write_baseline


class Listening(rig.Collectd):
    """With a plugin that logs notifications."""
    PLUGINS = rig.Collectd.PLUGINS + ("logfile",)

    def csv(self):
        return super().csv() + '\nLoadPlugin logfile\n<Plugin logfile>\nLogLevel info\nFile "stdout"\n</Plugin>'

    def notifications(self):
        return [line for line in self.text().splitlines() if "Notification: " in line]


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
    seen = len(daemon.rows(well["name"], PARENT))
    rig.wait_until(lambda: len(daemon.rows(well["name"], PARENT)) > seen + 12, "twelve more passes")
    assert len(daemon.notifications()) == 1, daemon.text()
    daemon.stop()
    kept = (state / "baseline").read_text()
    assert "\nalarm\t1\tuuid:%s\tovercommit\t" % sick["uuid"] in kept
    assert "is damaged" not in daemon.text() and not (state / "baseline.bad").exists(), daemon.text()
