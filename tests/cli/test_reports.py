# SPDX-License-Identifier: MIT
"""kvmstat guests and events: are the numbers the host's?"""
import csv
import io
import json
import shutil

import pytest
from host import EVENTS, Host, Watch

LAST = 2**64 - 1


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def by(key, rows):
    return {row[key]: row for row in rows}


def test_totals_are_the_kernels(host):
    host.guest("one", exits=LAST, io_exits=2**53 + 1, mmio_exits=0)
    row = host.json("0.2", "1")["guests"][0]
    assert row["name"] == "one" and row["vmm"] == "qemu" and row["vcpus"] == 1 and row["pid"] == 1000
    assert row["exits_total"] == LAST
    assert row["io_total"] == 2**53 + 1
    assert row["exits_rate"] == 0


def test_rates_are_growth_per_second(host):
    directory = host.guest("one", exits=1000, io_exits=LAST - 500)
    report = host.json_between(lambda: host.set(directory, {"exits": 7000, "io_exits": LAST}), "events")
    rows = by("event", report["events"])
    assert abs(rows["exits"]["rate"] * report["seconds"] - 6000) < 10
    assert abs(rows["io_exits"]["rate"] * report["seconds"] - 500) < 2
    assert rows["io_exits"]["value"] == LAST


def test_no_rate_where_a_counter_fell_or_a_guest_is_new(host):
    directory = host.guest("old", exits=1000, io_exits=5)
    report = host.json_between(lambda: (host.set(directory, {"exits": 3}), host.guest("new", exits=50)))
    rows = by("name", report["guests"])
    assert rows["old"]["exits_rate"] is None and rows["old"]["exits_total"] == 3
    assert rows["old"]["io_rate"] == 0
    assert rows["new"]["exits_rate"] is None and rows["new"]["exits_total"] == 50


def test_busiest_guest_first(host):
    directories = [host.guest("g%d" % i, exits=1000 - i) for i in range(5)]
    report = host.json_between(lambda: [host.set(d, {"exits": 1000 + 100 * i}) for i, d in enumerate(directories)])
    assert [row["name"] for row in report["guests"]] == ["g4", "g3", "g2", "g1", "g0"]


def test_absent_is_never_zero(host):
    host.guest("some", exits=5)
    row = host.json("0.2", "1")["guests"][0]
    assert row["exits_total"] == 5
    assert row["idle_total"] is None and row["idle_rate"] is None
    line = host.run("0.2", "1").stdout.decode().splitlines()[-1].split()
    assert line[:1] == ["some"] and "-" in line[3:]
    line = list(csv.DictReader(io.StringIO(host.run("--csv", "0.2", "1").stdout.decode())))[0]
    assert line["idle_total"] == "" and line["exits_total"] == "5"


def test_text_fits_80_columns_and_is_aligned(host):
    host.guest("short", **dict.fromkeys(EVENTS, LAST))
    host.guest("sixteen-bytes-ok", **dict.fromkeys(EVENTS, 99999))
    host.guest("x" * 300, **dict.fromkeys(EVENTS, 1234567))
    for args in ([], ["-t"]):
        lines = host.run(*args, "0.2", "1").stdout.decode().splitlines()
        assert "x" * 300 in lines
        lines.remove("x" * 300)
        assert len(lines) == 4 and len({len(line) for line in lines}) == 1
        assert len(lines[0]) <= 80


def test_scaled_numbers(host):
    for i, value in enumerate((99999, 100000, 999499, 999500, 1234567, 99949999, LAST)):
        host.guest("g%d" % i, exits=value)
    lines = [line.split() for line in host.run("-t").stdout.decode().splitlines()[1:]]
    shown = {line[0]: line[4] for line in lines}
    assert [shown["g%d" % i] for i in range(7)] == ["99999", "100k", "999k", "1.00M", "1.23M", "99.9M", "18.4E"]


def test_events_are_below_their_parents(host):
    host.guest("one", halt_attempted_poll=100, halt_successful_poll=60, exits=7)
    lines = host.run("events").stdout.decode().splitlines()
    at = [i for i, line in enumerate(lines) if line.startswith("halt_attempted_poll ")][0]
    assert lines[at + 1].startswith("  halt_successful_poll ")
    assert not any("io_exits" in line for line in lines)


def test_parent_is_shown_with_its_child_and_zeros_with_all(host):
    host.guest("one", halt_attempted_poll=0, halt_successful_poll=1, exits=0, io_exits=0)
    names = [row["event"] for row in host.json("events", "0.2", "1")["events"]]
    assert names == ["halt_attempted_poll", "halt_successful_poll"]
    names = [row["event"] for row in host.json("events", "--all", "0.2", "1")["events"]]
    assert {"exits", "io_exits"} <= set(names)


def test_share_is_of_the_parents_growth(host):
    directory = host.guest("one", halt_attempted_poll=1000, halt_successful_poll=1000)
    grown = {"halt_attempted_poll": 5000, "halt_successful_poll": 2000}
    rows = by("event", host.json_between(lambda: host.set(directory, grown), "events", "one")["events"])
    assert rows["halt_successful_poll"]["percent"] == 25.0
    assert rows["halt_successful_poll"]["parent"] == "halt_attempted_poll"
    assert rows["halt_attempted_poll"]["percent"] is None


def test_sum_is_of_the_guests_that_have_it(host):
    host.guest("a", exits=5, pages_4k=10, max_mmu_rmap_size=3)
    host.guest("b", exits=6, pages_4k=20, max_mmu_rmap_size=9)
    host.guest("c", pages_4k=1)
    rows = by("event", host.json("events", "0.2", "1")["events"])
    assert (rows["exits"]["value"], rows["exits"]["guests"]) == (11, 2)
    assert (rows["pages_4k"]["value"], rows["pages_4k"]["guests"]) == (31, 3)
    assert rows["pages_4k"]["rate"] is None
    assert rows["max_mmu_rmap_size"]["value"] == 9
    assert rows["exits"]["guest"] is None and rows["exits"]["source"] == "debugfs"


def test_guest_by_name_uuid_and_pid(host):
    uuid = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    host.guest("5", exits=55)
    host.guest("other\n\\", uuid=uuid, exits=66)
    for word, value in (("name:5", 55), ("pid:1000", 55), ("other\n\\", 66), ("other\\x0a\\\\", 66),
                        (uuid.upper(), 66), ("uuid:" + uuid, 66), ("pid:1010", 66)):
        assert by("event", host.json("events", word, "0.2", "1")["events"])["exits"]["value"] == value


def test_guest_that_is_not_there_or_not_unique(host):
    host.guest("twin", exits=1)
    host.guest("twin", exits=2)
    done = host.run("events", "twin", "0.2", "1")
    assert done.returncode == 1 and done.stdout == b""
    assert b"2 guests match 'twin'" in done.stderr and b"pid:1000" in done.stderr and b"pid:1010" in done.stderr
    done = host.run("events", "nobody", "0.2", "1")
    assert done.returncode == 1 and b"there is no guest 'nobody'" in done.stderr and b"twin" in done.stderr


def test_each_word_that_is_proposed_names_one_guest(host):
    """Two VMs of one process, with one name and one UUID; another process; and one that nobody knows, called by its number."""
    uuid = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    twin = host.guest("twin", uuid=uuid, exits=1)
    host.second_vm(twin, 19, exits=2)
    host.guest("twin", uuid=uuid, exits=3)
    host.set(host.kvm + "/5000-9", {"exits": 4})
    host.set(host.kvm + "/5001-9", {"exits": 5})
    done = host.run("events", "nobody", "0.2", "1")
    assert done.returncode == 1
    words = [line.split()[0].decode() for line in done.stderr.splitlines() if line.startswith(b"  ")]
    assert sorted(words) == ["name:5000-9", "name:5001-9", "pid:1000/19", "pid:1000/9", "pid:1010"]
    exits = {}
    for word in words:
        done = host.run("--json", "events", word, "0.2", "1")
        exits[word] = by("event", json.loads(done.stdout)["events"])["exits"]["value"]
    assert sorted(exits.values()) == [1, 2, 3, 4, 5] and exits["pid:1000/19"] == 2
    done = host.run("events", "twin", "0.2", "1")
    assert done.returncode == 1 and b"3 guests match 'twin'; select one by the first word of its line:" in done.stderr
    assert [line.split()[0].decode() for line in done.stderr.splitlines() if line.startswith(b"  ")] == [
        word for word in words if word.startswith("pid:")]
    for word in ("pid:1000", "pid:1000/", "pid:1000/18", "pid:1000/19x", "pid:", "pid:x", "pid:1010x", "pid:/9"):
        assert host.run("events", word, "0.2", "1").returncode == 1, word


def test_guest_ends_while_it_is_watched(host):
    directory = host.guest("one", exits=1)
    with Watch(host, "events", "one", "0.1") as watch:
        with watch.between_samples():
            shutil.rmtree(directory)
            before = watch.text()
        assert watch.ended() == 1 and "there is no guest 'one'" in watch.said()
        assert watch.text() == before and "\nexits " in before


def test_reports_repeat(host):
    host.guest("one", exits=1)
    lines = host.run("--json", "0.2", "3").stdout.decode().splitlines()
    assert [json.loads(line)["sample"] for line in lines] == [2, 3, 4]
    # Never sooner, and on a busy machine later. Without the interval it would be a second.
    assert min(json.loads(line)["seconds"] for line in lines) >= 0.2
    assert json.loads(host.run("--json", "1.2", "1").stdout)["seconds"] >= 1.2
    lines = host.run("--csv", "guests", "0.2", "3").stdout.decode().split("\r\n")
    assert len(lines) == 5 and lines[0].startswith("time,name,") and lines[4] == ""
    assert host.run("0.2", "3").stdout.count(b"GUEST") == 3


def test_nothing_to_show(host):
    done = host.run("0.2", "1")
    assert done.returncode == 0 and b"No KVM guests." in done.stdout and done.stderr == b""
    assert host.json("0.2", "1")["guests"] == []
    assert host.run("--csv", "0.2", "1").stdout.count(b"\r\n") == 1


def test_what_filters_left_out_is_not_called_absent(host):
    host.guest("one", exits=1)
    said = host.run("-o", "Guest=two", "0.2", "1").stdout
    assert b"No KVM guest matches the options Guest and ExcludeGuest" in said
    said = host.run("-o", "Event=/^no_such/", "events", "0.2", "1").stdout
    assert b"No event matches the options Event and ExcludeEvent" in said
    assert b"Nothing to show; --all" in host.run("-o", "Event=io_exits", "events", "0.2", "1").stdout


def test_options_of_the_core(host):
    host.guest("one", exits=1, io_exits=2, halt_attempted_poll=3, halt_successful_poll=4)
    host.guest("two", exits=1)
    assert [g["name"] for g in host.json("-o", "ExcludeGuest=one", "0.2", "1")["guests"]] == ["two"]
    rows = host.json("-o", "Event=/^io_/", "-o", "guest=one", "events", "0.2", "1")["events"]
    assert [row["event"] for row in rows] == ["io_exits"]
    rows = host.json("-o", "Event=halt_successful_poll", "events", "--all", "0.2", "1")["events"]
    assert [row["event"] for row in rows] == ["halt_attempted_poll", "halt_successful_poll"]
