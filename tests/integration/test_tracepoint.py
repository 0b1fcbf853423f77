# SPDX-License-Identifier: MIT
"""Exits by reason (ReportExitReasons): the same in the command, in collectd and by SNMP, and only if asked for."""
import json
import os
import subprocess

import pytest

import rig

ON = "ReportExitReasons=true"
TOTAL, IO, HALT = (("kvm_userspace_exit", "kvm_userspace_exit_IO", "kvm_userspace_exit_HLT") if os.uname().machine == "x86_64" else
                   ("kvm_s390_sie_exit", "kvm_s390_sie_exit_INSTRUCTION", "kvm_s390_sie_exit_WAIT_STATE"))


def doctor(*args, prefix=()):
    done = subprocess.run([*prefix, rig.built("kvmstat"), *args, "--json", "doctor"], capture_output=True, check=False, timeout=rig.PATIENCE)
    report = json.loads(done.stdout)
    return {source["name"]: source for source in report["sources"]}["tracepoint"], report


@pytest.fixture(name="counted")
def exits_can_be_counted(live):
    source = doctor("-o" + ON)[0]
    if source["state"] not in ("active", "partial"):
        pytest.skip("exits cannot be counted by reason here: " + source["text"])


class Events:
    """kvmstat events of one guest, one report after the other."""

    def __init__(self, guest, prefix=()):
        command = [*prefix, rig.built("kvmstat"), "--json", "--all", "-o" + ON, "events", guest, "0.1"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, preexec_fn=rig.die_with_parent)
        self.next()

    def next(self):
        return {row["event"]: row for row in json.loads(self.process.stdout.readline())["events"]}

    def until(self, expected):
        """The report in which the events have these values; a failure shows the last ones, and where they are from."""
        last = {}

        def seen():
            rows = self.next()
            last.update({event: (row["value"], row["source"]) for event, row in rows.items() if row["value"] is not None})
            return rows if {event: rows[event]["value"] for event in expected if event in rows} == expected else None
        try:
            return rig.wait_until(seen, expected)
        except AssertionError as error:
            raise AssertionError("%s: %r" % (error, {event: last.get(event) for event in expected})) from error

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(name="events")
def running_commands(started):
    def make(guest, prefix=()):
        started.append(Events(guest, prefix))
        return started[-1]
    return make


def test_command(counted, vmm, events):
    guest = vmm(vcpus=2, options=("--threads",))
    guest.command("run 90")
    report = events(guest.name)
    assert report.next()[TOTAL]["value"] == 0
    guest.command("run 40")
    guest.command("halt 3")
    rows = report.until({IO: 80, HALT: 6})
    reasons = {event: row for event, row in rows.items() if row["parent"] == TOTAL}
    assert rows[TOTAL]["value"] == sum(row["value"] for row in reasons.values()) == 86
    for row in (rows[TOTAL], *reasons.values()):
        assert (row["source"], row["class"], row["unit"], row["scope"]) == ("tracepoint", "cumulative", "count", "vcpu")
        assert 20000 <= row["number"] < 30000
    # Whoever begins later begins at 0.
    assert events(guest.name).next()[TOTAL]["value"] == 0


def test_only_if_asked_for(live, vmm):
    guest = vmm()
    rows = rig.kvmstat_json("--all", "events", guest.name, "0.1", "1")["events"]
    assert not [row["event"] for row in rows if row["event"].startswith("kvm_")]
    source = doctor()[0]
    assert source["state"] == "unused" and "ReportExitReasons" in source["text"]


def test_with_other_sources(counted, vmm, events):
    """It is no part of their order, and its guests may be found by any."""
    guest = vmm(options=("--threads",))
    rows = {row["event"]: row for row in rig.kvmstat_json("--all", "-o" + ON, "-oSource=debugfs", "events", guest.name, "0.1", "2")["events"]}
    assert rows[TOTAL]["source"] == "tracepoint" and rows[TOTAL]["value"] == 0
    done = subprocess.run([rig.built("kvmstat"), "-oSource=tracepoint", "doctor"], capture_output=True, check=False, timeout=rig.PATIENCE)
    assert done.returncode == 2 and b"unknown source" in done.stderr


def test_collectd(counted, vmm, collectd):
    guest = vmm(vcpus=2, options=("--threads",))
    daemon = collectd("ReportExitReasons true\nEvent \"/^kvm_/\"\nGuest \"%s\"\nSkipNeverSeen false" % guest.name)
    rig.wait_until(lambda: TOTAL in (daemon.values(guest.name) if guest.name in daemon.instances() else {}), "collectd has it")
    guest.command("run 70")
    rig.wait_until(lambda: daemon.values(guest.name).get(IO) == 140, "collectd has the exits")
    assert daemon.values(guest.name)[TOTAL] == 140


def test_snmp(counted, vmm, agent):
    guest = vmm(vcpus=2, options=("--threads",))
    subagent = agent("ReportExitReasons true\nGuest %s" % guest.name)
    index = rig.wait_until(lambda: subagent.snmpd.index_of(guest.name), "the subagent has it")
    rig.wait_until(lambda: TOTAL in subagent.snmpd.values(index), "and its exits")
    guest.command("run 60")
    rig.wait_until(lambda: subagent.snmpd.values(index).get(IO) == 120, "they are counted")
    assert subagent.snmpd.values(index)[TOTAL] == 120


def test_without_capabilities(live):
    if os.geteuid():
        pytest.skip("only root can take capabilities away from itself")
    no_caps = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    source, report = doctor("-o" + ON, prefix=no_caps)
    assert source["state"] in ("denied", "missing") and ("CAP_BPF" in source["text"] or "tracefs" in source["text"])
    told = {problem["name"]: problem for problem in report["problems"]}
    assert any(problem["active"] for problem in told.values())


def only(*capabilities):
    """Run by nobody, with these."""
    if os.geteuid():
        pytest.skip("only root can take capabilities away from itself")
    few = ",".join(["-all", *("+" + capability for capability in capabilities)])
    return ("setpriv", "--reuid=65534", "--regid=65534", "--bounding-set=" + few, "--inh-caps=" + few, "--ambient-caps=" + few, "--clear-groups")


def paranoid():
    """Are the calls of perf left to CAP_SYS_ADMIN, as on a stock Debian or Ubuntu?"""
    with open("/proc/sys/kernel/perf_event_paranoid", encoding="ascii") as file:
        return int(file.read()) > 2


def with_bpf():
    return only("bpf", "perfmon", "dac_read_search", *(["sys_admin"] if paranoid() else []))


def test_with_few_capabilities(counted):
    """What the manual says that it needs is enough."""
    source = doctor("-o" + ON, prefix=with_bpf())[0]
    assert source["state"] in ("active", "partial")


HIDDEN = ("unshare", "-m", "sh", "-c", 'mount -t proc -o hidepid=2 proc /proc && exec "$@"', "sh")


def test_proc_hides_threads(counted, vmm, events):
    """Neither are they taken for ended, nor their exits for none."""
    guest = vmm(vcpus=2, options=("--threads",))
    prefix = (*HIDDEN, *with_bpf())
    if subprocess.run([*HIDDEN, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespace with hidepid here")
    report = events("pid:%d" % guest.pid, prefix)
    for round in range(1, 4):
        guest.command("run 20")
        report.until({IO: 40 * round, TOTAL: 40 * round})
