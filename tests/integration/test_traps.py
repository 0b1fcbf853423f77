# SPDX-License-Identifier: MIT
"""A guest with 64 vCPUs on 14 CPUs that begins to give them up all the time: a real snmpd sends it to a real snmptrapd, in every
version of SNMP, and its end, whatever is restarted in between."""
import os

import rig
from storm import DAYS, EVENT, PARENT, STORM, USUAL, resting_guest, write_baseline

ABNORMAL, NORMAL = "kvmGuestEventAbnormal", "kvmGuestEventNormal"
ACTIVE, CLEARED = 1, 2
OBJECTS = ["GuestName", "GuestKey", "Cause", "Severity", "EventName", "ParentName", "Rate", "Usual", "Text"]
SAME = ["GuestName", "GuestKey", "Cause", "EventName", "ParentName", "Rate", "Usual"]


def options(root, state):
    return "Root %s\nStateDir %s\nDiagnoseGrace 1\nPingInterval 1" % (root, state)


def once(trapd, what):
    """{kind: {object: value}}, when every kind has it; none has it twice."""
    found = rig.wait_until(lambda: all(trapd.received(what).values()) and trapd.received(what), what + " is received")
    assert all(len(messages) == 1 for messages in found.values()), found
    return {kind: messages[0] for kind, messages in found.items()}


def value(message, name, number=1):
    return message["kvmAlarm%s.%d" % (name, number)]


def number(manager, name):
    """snmpd answers, whatever it has to send just now."""
    found = manager.get(name)
    assert found is not None, "snmpd does not answer"
    return found


def make_host(tree, place):
    root, host = tree("s390x-6.12", guests=2, vcpus=64)
    (root / "sys/devices/system/cpu/online").write_text("0-13\n")
    state = place("state") / "kvmstat"
    write_baseline(state, host["guests"])
    return root, state, host["guests"]


def check_begin(message, sick):
    assert list(message) == ["kvmAlarm%s.1" % name for name in OBJECTS]
    assert value(message, "GuestName") == sick["name"]
    assert value(message, "GuestKey") == "uuid:" + sick["uuid"]
    assert (value(message, "Cause"), value(message, "Severity")) == ("overcommit", "major")
    assert (value(message, "EventName"), value(message, "ParentName")) == (EVENT, PARENT)
    assert USUAL < int(value(message, "Rate").split()[0]) < 2 * STORM
    assert abs(int(value(message, "Usual").split()[0]) - USUAL) <= 10
    assert value(message, "Text").startswith("%s: 64 vCPUs on 14 CPUs: %s " % (sick["name"], EVENT))
    assert value(message, "Text").endswith("never above %d for a minute in %d days (overcommit). virsh vcpuinfo %s" % (
        USUAL, DAYS, sick["name"]))


def check_table(manager, sick, well):
    """The row that the notification is about."""
    index = manager.index_of(sick["name"])
    assert manager.get("kvmAlarmsActive.0") == manager.get("kvmAlarmsRaised.0") == 1
    assert manager.get("kvmAlarmGuest.1") == index
    assert manager.get("kvmGuestAlarm.%d" % index) == 1
    assert manager.get("kvmGuestAlarm.%d" % manager.index_of(well["name"])) == 0
    assert manager.get("kvmGuestLearnt.%d" % index) == DAYS
    number = manager.event_numbers()[EVENT]
    assert manager.get("kvmAlarmEvent.1") == number
    assert abs(manager.get("kvmGuestEventUsual.%d.%d" % (index, number)) - USUAL) <= 10
    assert manager.get("kvmAlarmLastChange.0") > 0
    assert manager.get("kvmAlarmCleared.1") is None and manager.numbers("kvmAlarmState") == {(1,): ACTIVE}


def test_begin_and_end_over_restarts(tree, agent, snmpd, trapd, place, passing):
    root, state, (sick, well) = make_host(tree, place)
    clock = passing(root)
    master = snmpd(extra=trapd.sinks())
    program = agent(options(root, state), master=master)
    rig.wait_until(lambda: master.get("kvmAlarmsActive.0") == 0, "guests are judged")
    clock.storm(sick)
    begin = once(trapd, ABNORMAL)
    for message in begin.values():
        check_begin(message, sick)
    check_table(master, sick, well)
    program.stop()
    assert "\nalarm\t1\tuuid:%s\tovercommit\t" % sick["uuid"] in (state / "baseline").read_text()
    master.stop()
    master = snmpd(master, extra=trapd.sinks())
    program = agent(options(root, state), master=master)
    # A new run knows the alarm; which events are abnormal it sees by itself.
    rig.wait_until(lambda: master.get("kvmAlarmEvents.1"), "the guest is abnormal still")
    assert master.numbers("kvmAlarmState") == {(1,): ACTIVE}
    clock.end_guest(sick)
    end = once(trapd, NORMAL)
    for kind, message in end.items():
        assert list(message) == list(begin[kind])
        assert [value(message, name) for name in SAME] == [value(begin[kind], name) for name in SAME]
        assert value(message, "Severity") == "cleared"
        assert value(message, "Text").startswith("%s: guest ended after " % sick["name"])
    assert master.numbers("kvmAlarmState") == {(1,): CLEARED} and master.get("kvmAlarmsActive.0") == 0
    master.more_samples(4)
    once(trapd, ABNORMAL)
    once(trapd, NORMAL)
    assert program.stop() == 0


def test_real_guest(vmm, agent, snmpd, trapd, place):
    guest, state = resting_guest(vmm, place)
    master = snmpd(extra=trapd.sinks())
    agent("Guest %s\nStateDir %s\nDiagnoseGrace 1\nPingInterval 1" % (guest.name, state), master=master)
    rig.wait_until(lambda: master.get("kvmAlarmsActive.0") == 0, "the guest is judged")
    guest.command("spin")
    for message in once(trapd, ABNORMAL).values():
        assert (value(message, "GuestName"), value(message, "Cause")) == (guest.name, "overcommit")
        assert value(message, "Text").startswith("%s: 64 vCPUs on %d CPUs: " % (guest.name, os.cpu_count()))
    guest.stop()
    for message in once(trapd, NORMAL).values():
        assert value(message, "Text").startswith("%s: guest ended after " % guest.name)


def test_while_snmpd_is_away(tree, agent, snmpd, trapd, place, passing):
    """What began meanwhile is sent when snmpd is back, and what ended is."""
    root, state, (sick, other) = make_host(tree, place)
    clock = passing(root)
    master = snmpd(extra=trapd.sinks())
    program = agent(options(root, state), master=master)
    rig.wait_until(lambda: master.get("kvmAlarmsActive.0") == 0, "guests are judged")
    master.stop()
    clock.storm(sick, other)
    rig.wait_until(lambda: (state / "baseline").read_text().count("\nalarm\t") == 2, "both alarms are raised")
    clock.end_guest(other)
    rig.wait_until(lambda: (state / "baseline").read_text().count("\nalarm\t") == 1, "one of them is over")
    assert not any(trapd.received(ABNORMAL).values())
    master = snmpd(master, extra=trapd.sinks())
    for message in once(trapd, ABNORMAL).values():
        assert "uuid:" + sick["uuid"] in message.values()
    assert rig.wait_until(lambda: master.get("kvmAlarmsSuppressed.0"), "the other one is counted") == 1
    master.stop()
    clock.end_guest(sick)
    rig.wait_until(lambda: "\nalarm\t" not in (state / "baseline").read_text(), "it is over")
    master = snmpd(master, extra=trapd.sinks())
    for message in once(trapd, NORMAL).values():
        assert "uuid:" + sick["uuid"] in message.values()
    master.more_samples(4)
    once(trapd, ABNORMAL)
    once(trapd, NORMAL)
    assert program.stop() == 0


def test_many_at_once(tree, agent, snmpd, trapd, place, passing):
    """No more than 30 are sent in a minute; snmpd answers all the time; the table has them all."""
    guests, limit = 45, 30
    root, host = tree("s390x-6.12", guests=guests, vcpus=2)
    (root / "sys/devices/system/cpu/online").write_text("0\n")
    state = place("state") / "kvmstat"
    write_baseline(state, host["guests"])
    clock = passing(root, ticking=False)
    master = snmpd(extra=trapd.sinks())
    program = agent(options(root, state), master=master)
    rig.wait_until(lambda: master.get("kvmAlarmsActive.0") == 0, "guests are judged")
    clock.storm(*host["guests"])
    rig.wait_until(lambda: number(master, "kvmAlarmsActive.0") == guests, "all have an alarm")
    assert number(master, "kvmAlarmsRaised.0") == guests
    rig.wait_until(lambda: number(master, "kvmAlarmsActive.0") and all(len(all_of) == limit for all_of in trapd.received(ABNORMAL).values()),
                   "as many as are sent in a minute")
    rig.wait_until(lambda: number(master, "kvmAlarmsSuppressed.0") == guests - limit, "the others are counted")
    rows = master.plain_walk("kvmAlarmGuestName")
    assert sorted(name.strip('"') for name in rows.values()) == sorted(guest["name"] for guest in host["guests"])
    assert sorted(rows) == [(number,) for number in range(1, guests + 1)]
    assert all(len(all_of) == limit for all_of in trapd.received(ABNORMAL).values())
    assert "more alarms were raised within a minute" in program.text()
    assert program.stop() == 0
