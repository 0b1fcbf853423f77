# SPDX-License-Identifier: MIT
"""The source libvirt, with a real daemon and real QEMU guests: equal to bpf, and delayed by nobody that hangs."""
import datetime
import json
import os
import shutil
import signal
import subprocess

import pytest

import rig
import virt

LIMIT = 10.0  # seconds between two reports; a pass waits for libvirt 1 s at most, and this machine may be busy


def missing():
    """What is needed and not here, or ''."""
    if os.getuid() != 0:
        return "root, who may start libvirt's daemon in a namespace of its own"
    if not virt.daemon():
        return "libvirtd or virtqemud (Debian: libvirt-daemon)"
    for program, package in (("virsh", "libvirt-clients"), ("unshare", "util-linux"), ("qemu-system-x86_64", "qemu-system-x86")):
        if not shutil.which(program):
            return "%s (Debian: %s)" % (program, package)
    if b"WITH_LIBVIRT=0" in rig.kvmstat("-oSource=libvirt", "--json", "doctor", check=False):
        return "a build with libvirt (Debian: libvirt-dev)"
    return ""


@pytest.fixture(scope="module")
def libvirtd(live, tmp_path_factory):
    """The test's own. In a list, for one test kills it."""
    if missing():
        pytest.skip("it takes " + missing())
    daemons = [virt.Libvirtd(tmp_path_factory.mktemp("libvirt"))]
    yield daemons
    daemons[0].stop_guests()
    daemons[0].stop()


@pytest.fixture(scope="module")
def guests(libvirtd):
    """Two, which ran for a while and are paused: their numbers stand still."""
    made = [libvirtd[0].start("it-%d-%s" % (os.getpid(), name), 2, paused=False) for name in ("hangs", "answers")]
    for guest in made:
        rig.wait_until(lambda g=guest: bpf_exits(g), "%s runs" % guest.name)
        libvirtd[0].virsh("suspend", guest.name)
    return made


def bpf_exits(guest):
    return values(guest.name, "bpf").get("exits", {"value": 0})["value"]


def values(guest, source, *options, prefix=()):
    output = subprocess.run([*prefix, rig.built("kvmstat"), "-oSource=" + source, *options, "--json", "--all", "events", guest, "0.1", "1"],
                            capture_output=True, check=True, timeout=rig.PATIENCE)
    return {row["event"]: row for row in json.loads(output.stdout.splitlines()[-1])["events"]}


def options(libvirtd, guests=(), source="libvirt"):
    only = ["-oGuest=" + guest.name for guest in guests]
    return ["-oSource=" + source, "-oLibvirtURI=" + libvirtd[0].uri, *only]


def doctor(*args):
    report = json.loads(rig.kvmstat(*args, "--json", "doctor", check=False))
    problems = {problem["name"]: problem for problem in report["problems"]}
    return {source["name"]: source for source in report["sources"]}["libvirt"], problems


def soon(state, *args):
    """What doctor() says when libvirt is in this state: on a busy host an answer may come too late."""
    def says():
        source, problems = doctor(*args)
        return source["state"] == state and (source, problems)
    return rig.wait_until(says, "libvirt is " + state)


class Watcher(rig.Program):
    """kvmstat that reports guests all the time."""

    def __init__(self, place, args):
        self.out = str(place / "watcher.out")
        with open(self.out, "wb") as out:
            super().__init__([rig.built("kvmstat"), *args, "--json", "guests", "0.2", "1000000"], place / "watcher.log", stdout=out,
                             stderr=subprocess.PIPE)

    def reports(self):
        """[(seconds, {guest: exits or None})]"""
        with open(self.out, encoding="utf-8") as file:
            lines = [line for line in file.read().split("\n")[:-1] if line]
        return [(datetime.datetime.fromisoformat(report["time"].replace("Z", "+00:00")).timestamp(),
                 {guest["name"]: guest["exits_total"] for guest in report["guests"]}) for report in map(json.loads, lines)]

    def next(self, condition, what):
        """The number of reports when a new one is as it should be."""
        before = len(self.reports())
        rig.wait_until(lambda: any(condition(exits) for _, exits in self.reports()[before:]), what)
        return len(self.reports())

    def longest_gap(self):
        times = [time for time, _ in self.reports()]
        return max(b - a for a, b in zip(times, times[1:]))


@pytest.fixture
def watcher(libvirtd, guests, started, tmp_path):
    program = Watcher(tmp_path, options(libvirtd, guests))
    started.append(program)
    program.next(lambda exits: all(exits.get(guest.name) for guest in guests), "values come")
    return program


def test_equal_to_bpf(live, libvirtd, guests):
    """Every event of vCPUs and VM, which bpf has as well; histograms are not there."""
    if {s["name"]: s["state"] for s in live["sources"]}["bpf"] != "active":
        pytest.skip("no bpf source to compare with")
    for guest in guests:
        said, bpf = values(guest.name, "libvirt", "-oLibvirtURI=" + libvirtd[0].uri), values(guest.name, "bpf")
        assert {event: row["value"] for event, row in said.items()} == {event: row["value"] for event, row in bpf.items()}
        assert said["exits"]["value"] > 0
        assert {row["scope"] for row in said.values()} == {"vm", "vcpu"}
        for event, row in said.items():
            assert row["source"] == "libvirt", row
            assert (row["class"], row["unit"], row["scope"]) == tuple(bpf[event][key] for key in ("class", "unit", "scope"))
    _, problems = soon("active", *options(libvirtd, guests))
    assert not any(problem["active"] for problem in problems.values())


def test_every_vcpu_equal_to_bpf(live, libvirtd, guests, collectd):
    if {s["name"]: s["state"] for s in live["sources"]}["bpf"] != "active":
        pytest.skip("no bpf source to compare with")
    seen = []
    for source in ("libvirt", "bpf"):
        daemon = collectd('Source %s\nLibvirtURI "%s"\nReportVcpus true\nGuest "%s"' % (source, libvirtd[0].uri, guests[0].name))
        # Three passes: whatever is in the first two is in the files.
        rig.wait_until(lambda d=daemon: len(d.rows(guests[0].name, "exits-vcpu000")) >= 3, "collectd has values of vCPUs")
        now = daemon.values(guests[0].name)
        daemon.stop()
        seen.append({event: value for event, value in now.items() if "-vcpu" in event and not event.startswith("cpu")})
    assert seen[0] == seen[1] and {event[-3:] for event in seen[0]} >= {"000"}, seen


def test_only_if_asked_for(libvirtd, guests):
    source, _ = doctor("-oLibvirtURI=" + libvirtd[0].uri)
    assert source["state"] == "unused" and "option Source" in source["text"]


def test_guests_of_others_are_covered(libvirtd, guests, vmm):
    """What libvirt does not know, the next source reads; without one, it is absent and told."""
    other = vmm()
    other.command("run 77")
    named = "-oGuest=" + other.name
    alone, problems = doctor(*options(libvirtd, guests), named)
    assert alone["state"] == "partial" and other.name in alone["text"] and "does not know" in alone["text"]
    assert problems["unreadable"]["active"] and other.name in problems["unreadable"]["text"]
    assert all(row["value"] is None for row in values(other.name, "libvirt", "-oLibvirtURI=" + libvirtd[0].uri).values())
    for order in ("libvirt bpf", "bpf libvirt"):
        rows = values(other.name, order, "-oLibvirtURI=" + libvirtd[0].uri)
        assert rows[other.run_event]["value"] == 77 and rows["exits"]["source"] == order.split()[0], rows["exits"]
    _, problems = soon("partial", *options(libvirtd, guests, "libvirt bpf"), named)
    assert not any(problem["active"] for problem in problems.values())


def test_beside_statsfd(libvirtd, guests, vmm):
    """statsfd serves those that keep statistics fds, libvirt the others, in one sample."""
    keeps = vmm(options=("--keep-stats-fds",))
    keeps.command("run 5")
    rows = {guest: values(guest, "statsfd libvirt", "-oLibvirtURI=" + libvirtd[0].uri) for guest in (keeps.name, guests[0].name)}
    assert (rows[keeps.name][keeps.run_event]["source"], rows[keeps.name][keeps.run_event]["value"]) == ("statsfd", 5)
    assert rows[guests[0].name]["exits"]["value"] == bpf_exits(guests[0]) > 0


def test_guest_that_hangs(libvirtd, guests, watcher):
    """It is absent and told, the other one is not disturbed; and it comes back."""
    hangs, answers = guests
    before = len(watcher.reports())
    hangs.signal(signal.SIGSTOP)
    try:
        watcher.next(lambda exits: exits[hangs.name] is None and exits[answers.name], "the other one is there")
        end = watcher.next(lambda exits: exits[hangs.name] is None and exits[answers.name], "and stays")
        source, problems = soon("partial", *options(libvirtd, guests))
        assert hangs.name in source["text"] and "does not answer" in source["text"], source
        assert problems["unreadable"]["active"]
        # A hundred calls of others do not wait either: nothing of the daemon's is used up.
        for _ in range(10):
            soon("partial", *options(libvirtd, guests))
    finally:
        hangs.signal(signal.SIGCONT)
    watcher.next(lambda exits: exits[hangs.name] and exits[answers.name], "it is back")
    reports = [exits for _, exits in watcher.reports()[before:end]]
    assert sum(exits[answers.name] is None for exits in reports) <= 1, reports
    assert watcher.longest_gap() < LIMIT
    soon("active", *options(libvirtd, guests))


def complete(reports):
    return [exits for _, exits in reports if all(exits.values())]


def test_many_clients(libvirtd, guests, started, tmp_path):
    """The daemon lets a call pass over a guest that another client is asking: it is asked for again, and absent if that does not help;
    how often it does not depends on how busy the host is."""
    programs = []
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        programs.append(Watcher(tmp_path / str(number), options(libvirtd, guests)))
    started.extend(programs)
    rig.wait_until(lambda: all(len(complete(program.reports())) > 10 for program in programs), "everybody has both guests")
    for program in programs:
        for guest in guests:
            seen = [exits[guest.name] for _, exits in program.reports() if exits.get(guest.name) is not None]
            assert seen == sorted(seen)


def test_two_guests_that_hang(libvirtd, guests, watcher):
    for guest in guests:
        guest.signal(signal.SIGSTOP)
    try:
        watcher.next(lambda exits: not any(exits.values()), "both are absent")
        rig.wait_until(lambda: doctor(*options(libvirtd, guests))[0]["state"] == "missing", "it is told")
    finally:
        for guest in guests:
            guest.signal(signal.SIGCONT)
    watcher.next(lambda exits: all(exits.values()), "both are back")
    assert watcher.longest_gap() < LIMIT


def test_daemon_that_hangs(libvirtd, guests, watcher):
    libvirtd[0].signal(signal.SIGSTOP)
    try:
        watcher.next(lambda exits: not any(exits.values()), "all are absent")
        before = len(watcher.reports())
        rig.wait_until(lambda: len(watcher.reports()) > before + 5, "reports go on")
        assert not any(any(exits.values()) for _, exits in watcher.reports()[before:])
        source, problems = doctor(*options(libvirtd, guests))
        assert source["state"] == "missing" and "not answer" in source["text"] and not source["text"].startswith("libvirt does")
        assert problems["no-source"]["active"] or problems["unreadable"]["active"]
    finally:
        libvirtd[0].signal(signal.SIGCONT)
    watcher.next(lambda exits: all(exits.values()), "all are back")
    assert watcher.longest_gap() < LIMIT


def test_end_while_the_daemon_hangs(libvirtd, guests, watcher, collectd):
    """Neither the command nor collectd waits for it to end."""
    daemon = collectd("Source libvirt\nLibvirtURI \"%s\"\nGuest \"%s\"" % (libvirtd[0].uri, guests[0].name))
    rig.wait_until(lambda: daemon.last(guests[0].name, "exits"), "collectd has values")
    libvirtd[0].signal(signal.SIGSTOP)
    try:
        watcher.next(lambda exits: not any(exits.values()), "all are absent")
        assert watcher.stop() in (0, -signal.SIGTERM)
        rig.wait_until(lambda: "libvirt" in daemon.text() and "not answer" in daemon.text(), "collectd says so")
        assert daemon.stop() == 0
    finally:
        libvirtd[0].signal(signal.SIGCONT)


def test_daemon_that_ends(libvirtd, guests, watcher):
    libvirtd[0].kill()
    watcher.next(lambda exits: not any(exits.values()), "all are absent")
    source, _ = doctor(*options(libvirtd, guests))
    assert source["state"] == "missing" and "check that its daemon runs" in source["text"]
    libvirtd[0] = virt.Libvirtd(libvirtd[0].place)
    watcher.next(lambda exits: all(exits.values()), "all are back")
    assert watcher.longest_gap() < LIMIT


def test_twins(libvirtd, guests, qemu):
    """Another QEMU of the same name and UUID: only the pid that the daemon wrote down tells which is libvirt's."""
    guest = guests[0]
    twin = qemu(guest.name.encode(), b"-uuid", guest.uuid.encode(), b"-S")
    both = options(libvirtd, guests[:1])
    rig.wait_until(lambda: len(rig.kvmstat_json(*both, "guests", "0.1", "1")["guests"]) == 2, "both are found")
    # Outside of the daemon's namespace its pid file is not there: then it is nobody's.
    assert [row["exits_total"] for row in rig.kvmstat_json(*both, "guests", "0.1", "1")["guests"]] == [None, None]
    inside = ["nsenter", "--target", str(libvirtd[0].pid), "--mount", rig.built("kvmstat"), *both, "--json", "guests", "0.1", "1"]
    rows = {row["pid"]: row["exits_total"] for row in json.loads(rig.run(*inside).splitlines()[-1])["guests"]}
    assert rows[guest.pid] > 0 and rows[twin.pid] is None


def test_silence(libvirtd, guests):
    """libvirt's client library writes errors to stderr, unless it is told not to."""
    done = subprocess.run([rig.built("kvmstat"), "-oSource=libvirt", "-oLibvirtURI=qemu:///system?socket=/nonexistent/sock",
                           "-oGuest=" + guests[0].name, "guests", "0.1", "1"], capture_output=True, check=False, timeout=rig.PATIENCE)
    lines = done.stderr.decode().splitlines()
    assert lines and all(line.startswith("kvmstat: ") for line in lines), lines
    assert any("/nonexistent/sock" in line for line in lines), lines
