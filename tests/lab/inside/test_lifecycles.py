# SPDX-License-Identifier: MIT
"""Guests that live for a moment, two thousand a kernel, while somebody reads: no wrong value, nothing left of them."""
import re

import pytest

import machine
import rig
from views import check_all_ways, in_words

VMMS = 32
ALONE = 20  # lives of each that nobody looks at
# Lives of each, and of how many one may find the name of its directory taken: whoever reads of a guest at the moment when it is
# closed ends it a little later. Readers of debugfs do so now and then, the iterator hardly ever, without a reader nobody.
SOURCES = {"bpf": (48, 250), "debugfs": (16, 20)}
STAYS = 1234
pytestmark = pytest.mark.usefixtures("kvm")


def live_and_die(vmms, lives):
    """So many times each one's guest, all at the same time. Each life has one exit. How many there were."""
    for vmm in vmms:
        vmm.send("cycle %d" % lives)
    assert {vmm.done(600) for vmm in vmms} == {lives}
    return lives * len(vmms)


@pytest.fixture(name="stays")
def guest_that_stays(new_vmm):
    vmm = new_vmm("stays", vcpus=2)
    vmm.command("run %d" % (STAYS // 2))
    return vmm


@pytest.fixture(name="passing")
def passing_guests(new_vmm):
    def make():
        return [new_vmm("passes") for _ in range(VMMS)]
    return make


def check_rows(reports):
    """Of each guest by itself: its own numbers, whatever became of the others."""
    rows = [row for report in reports for row in report["guests"]]
    stays = [row for row in rows if row["name"] == "stays"]
    assert len(stays) == len(reports)
    assert {row["io_total"] for row in stays} == {STAYS}
    assert {row["io_rate"] for row in stays} <= {0, None}
    # While the helper that reads command lines gets no processor, a guest goes by its process.
    passes = [row for row in rows if row["name"] == "passes" or re.fullmatch(r"kvmtestvmm-\d+", row["name"])]
    # Whether one is seen before its exit is chance.
    assert {1} <= {row["io_total"] for row in passes} - {None} <= {0, 1}
    rates = [row["io_rate"] for row in passes if row["io_rate"] is not None]
    assert all(rate >= 0 for rate in rates)
    assert {row["name"] for row in rows} >= {"stays", "passes"}
    assert len(rows) == len(stays) + len(passes)
    return len(rows)


def test_alone(passing, log):
    """The kernel by itself never finds a directory of the guest before."""
    live_and_die(passing(), ALONE)
    assert log.lines("duplicate directory") == []


@pytest.mark.parametrize("source", SOURCES)
def test_many_lives(stays, passing, watch, log, source):
    lives, taken = SOURCES[source]
    guests, events = (watch("--option=Source=" + source, *args) for args in (["guests"], ["--option=Guest=stays", "events"]))
    assert events.values()[stays.run_event] == STAYS and len(guests.next()["guests"]) == 1
    fds, before = guests.fds(), len(guests.read())
    vmms = passing()
    rig.wait_until(lambda: len(guests.read()[-1]["guests"]) == 1 + VMMS, "all guests are seen")
    total = live_and_die(vmms, lives)
    # The last life of each goes on, with its one exit.
    guests.next()
    seen = guests.read()[before:]
    rows = check_rows(seen)
    assert set(machine.of_event(events.read(), stays.run_event)) == {STAYS}
    assert len(seen) > 20
    check_all_ways(stays)
    if source == "bpf":
        assert sum(row["io_total"] for row in guests.next()["guests"]) == STAYS + VMMS
    for vmm in vmms:
        vmm.stop()
    rig.wait_until(lambda: len(machine.directories()) == 1, "the others' directories are gone")
    rig.wait_until(lambda: guests.fds() == fds, "no fd is left")
    assert {row["name"] for row in guests.next()["guests"]} == {"stays"}
    found = len(log.lines("duplicate directory"))
    print("%s: %d lives of guests, %d samples, %d rows, %d names taken" % (source, total, len(seen), rows, found))
    assert found <= total / taken
    assert log.lines("WARNING") == []
    check_released(stays)


def check_released(stays):
    """Nothing of a guest is held: the module can be taken out, while the collectors go on."""
    stays.stop()
    machine.unload_kvm()


def test_killed(stays, passing, watch):
    """In the middle of their work and of passes; nobody has closed anything."""
    watching = [watch("--option=Source=" + source, "events") for source in (*SOURCES, "auto")]
    for watched in watching:
        assert watched.values()[stays.run_event] == STAYS
    for _ in range(3):
        vmms = passing()
        for vmm in vmms:
            vmm.send("cycle 1000000")
        for vmm in vmms:
            vmm.kill()
        # Whoever reads of one when it is killed ends it a little later.
        left = ["%d-%d" % (guest["tid"], guest["fd"]) for guest in stays.guests()]
        rig.wait_until(lambda wanted=left: machine.directories() == wanted, "the killed guests' directories are gone")
    for watched in watching:
        assert watched.values()[stays.run_event] == STAYS
        assert min(machine.of_event(watched.read(), stays.run_event)) == STAYS
    check_all_ways(stays)
    check_released(stays)
    for watched in watching:
        assert [row for row in watched.next()["events"] if row["value"] is not None] == []
