# SPDX-License-Identifier: MIT
"""kvmstat baseline: a good case is recorded, shown, compared with, renamed and forgotten."""
import csv
import io
import json
import os
import shutil
import stat
import subprocess
import sys

import pytest
from host import ENVIRONMENT, KVMSTAT, Host, refused, rig, run
from kept import Kept

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trees"))
import maketree  # noqa: E402

UUID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
OTHER = "11111111-2222-3333-4444-555555555555"


class Place:
    """A host whose guests' counters a test moves, and a state directory."""

    def __init__(self, path):
        self.host, self.state = Host(path / "root"), str(path / "state")
        os.makedirs(self.state)
        self.web = self.host.guest("web", UUID, exits=10**9, io_exits=10**9, halt_exits=10**9)
        self.db = self.host.guest("db", exits=10**9, io_exits=10**9, halt_exits=10**9)
        self.counters = {}

    def path(self, name="good"):
        return os.path.join(self.state, "baselines", name)

    def run(self, *args, between=None):
        """Counters of between, {directory: {event: growth}}, grow after the first sample. Once more if that was too late."""
        command = [KVMSTAT, "--root", self.host.root, "--state-dir", self.state, "baseline", *args]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
            try:
                if between is not None:
                    with rig.stopped_between_samples(process):
                        self.grow(between)
            except rig.Ended:
                process.communicate(timeout=rig.PATIENCE)
                return self.run(*args, between=between)
            out, err = process.communicate(timeout=rig.PATIENCE)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def grow(self, between):
        for directory, events in between.items():
            for event, count in events.items():
                key = directory, event
                self.counters[key] = self.counters.get(key, 10**9) + count
                self.host.set(directory, {event: self.counters[key]})

    def save(self, *args, growth=10000):
        done = self.run("save", "--for", "2", *args, between={d: {"exits": growth, "io_exits": growth} for d in (self.web, self.db)})
        assert (done.returncode, done.stderr) == (0, b""), done.stderr
        return done

    def shown(self, name="good", *args):
        done = self.run("show", name, "--json", *args)
        assert (done.returncode, done.stderr) == (0, b"")
        return json.loads(done.stdout)["levels"]


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_save_and_show(place):
    assert place.save().stdout.decode() == place.path() + " has 2 guests; front ends read it when they start\n"
    levels = place.shown()
    assert {(level["guest"], level["event"]) for level in levels} == {(g, e) for g in ("web", "db") for e in ("exits", "io_exits")}
    for level in levels:
        assert 100 < level["minute"] <= 5050, level  # 10,000 in two seconds or more
    assert {level["key"] for level in levels} == {"uuid:" + UUID, "name:db"}
    assert {level["guest"] for level in place.shown("good", "web")} == {"web"}
    for path, mode in ((place.path(), 0o644), (os.path.dirname(place.path()), 0o755)):
        assert stat.S_IMODE(os.stat(path).st_mode) == mode
    assert os.listdir(os.path.dirname(place.path())) == ["good"]


def test_umask_does_not_hide_it_from_front_ends(place):
    old = os.umask(0o077)
    try:
        place.save()
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(place.path()).st_mode) == 0o644


def test_names(place):
    place.save("-n", "monday")
    shutil.copy(place.path("monday"), place.path())
    rows = json.loads(place.run("list", "--json").stdout)["baselines"]
    assert [(row["name"], row["guests"], row["problem"]) for row in rows] == [("good", 2, None), ("monday", 2, None)]
    with open(place.path("monday"), "r+b") as file:
        file.truncate(100)
    rows = json.loads(place.run("list", "--json").stdout)["baselines"]
    assert "is damaged" in rows[1]["problem"] and rows[1]["guests"] is None
    assert place.run("forget", "monday").returncode == 0
    done = place.run("forget", "monday")
    assert done.returncode == 1 and b"baselines/monday cannot be removed: No such file" in done.stderr
    assert [row["name"] for row in csv.DictReader(io.StringIO(place.run("list", "--csv").stdout.decode()))] == ["good"]
    assert place.run("forget", "good").returncode == 0
    assert place.run("list").stdout == b"No good case is recorded; 'kvmstat baseline save' records one.\n"


def test_a_guest_is_recorded_again_without_the_others(place):
    place.save(growth=1000)
    before = {(level["guest"], level["event"]): level["minute"] for level in place.shown()}
    place.save("web", growth=1000000)
    after = {(level["guest"], level["event"]): level["minute"] for level in place.shown()}
    assert after["web", "io_exits"] > 10 * before["web", "io_exits"]
    assert after["db", "io_exits"] == pytest.approx(before["db", "io_exits"], rel=0.01)


def compare(place, *args, between=None):
    done = place.run("compare", "--for", "1", "--json", *args, between=between or {place.web: {"io_exits": 1}})
    return done, {(row["guest"], row["event"]): row for row in json.loads(done.stdout or b'{"events": []}')["events"]}


def test_compare_with_a_changed_host(place):
    place.save()
    done, rows = compare(place)
    assert (done.returncode, done.stderr, rows) == (0, b"", {})
    done, rows = compare(place, "--all")
    assert done.returncode == 0 and rows["web", "io_exits"]["above"] == 0
    done, rows = compare(place, between={place.web: {"io_exits": 10**7}})
    assert done.returncode == 1 and set(rows) == {("web", "io_exits")}
    row = rows["web", "io_exits"]
    assert row["above"] == 1 and row["number"] == 2001 and row["times"] == pytest.approx(row["now"] / row["good"], rel=0.01)
    assert compare(place, "db", between={place.web: {"io_exits": 10**7}})[0].returncode == 0
    assert compare(place, "web", between={place.web: {"io_exits": 10**7}})[0].returncode == 1
    done = place.run("compare", "--for", "1", between={place.web: {"io_exits": 10**7}})
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("Now and in %s of " % place.path()) and lines[1].split() == ["GUEST", "EVENT", "GOOD", "NOW", "TIMES"]
    assert lines[2].split()[:2] == ["web", "io_exits"] and lines[2].endswith(" above")
    done = place.run("compare", "--for", "1", between={})
    assert done.returncode == 0 and done.stdout.decode().splitlines()[1:] == ["Nothing is above twice the good case."]


def test_what_nobody_acts_on_is_not_above(place):
    """The floor of io_exits is 20 a second."""
    place.save(growth=1)
    assert compare(place, between={place.web: {"io_exits": 5}})[0].returncode == 0
    assert compare(place, between={place.web: {"io_exits": 10**6}})[0].returncode == 1


def test_an_event_that_the_good_case_never_had(place):
    place.save()
    done, rows = compare(place, between={place.web: {"mmio_exits": 0, "halt_exits": 10**7}})
    assert done.returncode == 1 and rows["web", "halt_exits"]["good"] == 0 and rows["web", "halt_exits"]["times"] is None


def test_no_such_baseline(place):
    for args in ((), ("-n", "monday")):
        done = place.run("compare", *args)
        assert done.returncode == 3 and done.stdout == b"" and b" does not exist" in done.stderr
    place.save()
    done = place.run("compare", "-n", "monday")
    assert done.returncode == 3 and b"baselines/monday does not exist" in done.stderr
    with open(place.path(), "r+b") as file:
        file.truncate(100)
    done = place.run("compare")
    assert done.returncode == 3 and b"is damaged" in done.stderr


def test_compare_with_what_was_learnt(place):
    Kept(place.state).guest("web", "uuid:" + UUID, levels={2001: 100}).write()
    done, rows = compare(place, between={place.web: {"io_exits": 10**6}})
    assert done.returncode == 1 and rows["web", "io_exits"]["good"] == pytest.approx(100, rel=0.01)
    assert compare(place, "db")[0].returncode == 3
    assert b"the baseline has no guest 'db'" in compare(place, "db")[0].stderr


def test_rename(place):
    place.save()
    shutil.copy(place.path(), place.path("monday"))
    done = place.run("rename", UUID.upper(), OTHER)
    assert done.returncode == 0 and done.stdout.decode() == "%s: renamed\n%s: renamed\n" % (place.path(), place.path("monday"))
    assert {level["key"] for level in place.shown()} == {"uuid:" + OTHER, "name:db"}
    done = place.run("rename", "web", "name:db")
    assert done.returncode == 1 and b"the other one is there already" in done.stderr
    done = place.run("rename", "nobody", "web")
    assert done.returncode == 1 and b"has a guest 'nobody'; --learnt also looks at" in done.stderr


def test_rename_what_was_learnt(place):
    kept = Kept(place.state).guest("web", "uuid:" + UUID, levels={2001: 100}).guest("db").alarm(1, "name:db").past(0 + 2, "web").write()
    before = kept.data().decode()
    assert place.run("rename", "web", OTHER).returncode == 1
    with open(kept.path, "rb") as file:
        assert file.read().decode() == before
    assert place.run("rename", "--learnt", "web", OTHER).returncode == 0
    with open(kept.path, "rb") as file:
        after = file.read().decode()
    assert "guest\tuuid:%s\tweb\t1\t" % OTHER in after and UUID not in after and "\nalarm\t1\tname:db\t" in after and "\npast\t2\t" in after
    assert "host\t6.1\t%d\t" % kept.now in after and "\t%d\tquiet=" % (9 * 86400) in after
    done = place.run("rename", "--learnt", "db", "name:new")
    assert done.returncode == 1 and b"it has an alarm" in done.stderr


@pytest.mark.parametrize("args, message", [
    ([], "does one of save, compare, list, show, forget and rename"),
    (["sing"], "does one of save, compare, list, show, forget and rename, not 'sing'"),
    (["show"], "expected 'kvmstat baseline show NAME [GUEST]'"),
    (["list", "x"], "expected 'kvmstat baseline list'"),
    (["rename", "x"], "expected 'kvmstat baseline rename OLD NEW'"),
    (["save", "-n", "../x"], "'../x' is not the name of a good case"),
    (["save", "-n", ""], "'' is not the name of a good case"),
    (["forget", "a.new"], "'a.new' is not the name of a good case"),
    (["save", "--for", "ten"], "--for 'ten' is not a time"),
    (["save", "--for", "0"], "--for '0' is not a time"),
    (["save", "--for", "200h"], "is not a time from above 0 to a week"),
    (["save", "--json"], "'kvmstat baseline save' does not accept --json"),
    (["list", "--all"], "'kvmstat baseline list' does not accept --all"),
    (["list", "--for", "1m"], "'kvmstat baseline list' does not accept --for"),
    (["save", "--learnt"], "'kvmstat baseline save' does not accept --learnt"),
    (["show", "good", "-n", "x"], "'kvmstat baseline show' does not accept --name"),
])
def test_wrong_words(args, message):
    assert message in refused("baseline", *args)


@pytest.mark.parametrize("args, option", [(["guests", "-n", "x"], "--name"), (["doctor", "--state-dir", "x"], "--state-dir"),
                                          (["alarms", "--max-age", "9"], "--max-age"), (["events", "--for", "1m"], "--for"),
                                          (["guests", "--learnt"], "--learnt")])
def test_options_of_other_commands(args, option):
    assert "does not accept %s;" % option in refused(*args)


def test_nowhere_to_write(place):
    done = run("--root", place.host.root, "baseline", "save")
    assert done.returncode == 1 and b"there is no state directory to keep good cases in" in done.stderr
    done = run("--root", place.host.root, "--state-dir", place.state + "/none", "baseline", "save")
    assert done.returncode == 1 and b"/none/baselines cannot be written: No such file" in done.stderr
    os.rmdir(place.state)
    with open(place.state, "w", encoding="ascii"):
        pass
    done = place.run("save")
    assert done.returncode == 1 and b"cannot be written: Not a directory" in done.stderr


def test_odd_names_and_many(tmp_path):
    host, state = Host(tmp_path / "root"), str(tmp_path)
    names = [b"new\nline", b"\xff\xfe", b"tab\there", b"back\\slash", b"\x7f", "\u65e5".encode(), b"x" * 300]
    directories = [host.guest(name, io_exits=1) for name in names] + [host.guest("g%03d" % i, io_exits=1) for i in range(50)]
    command = [KVMSTAT, "--root", host.root, "--state-dir", state, "baseline", "save", "--for", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        count = 1
        while process.poll() is None:
            count += 100000
            for directory in directories:
                maketree.rewrite(directory + "/io_exits", count)
        out = process.communicate(timeout=rig.PATIENCE)[0]
    assert b" has 57 guests" in out
    levels = json.loads(run("--state-dir", state, "--json", "baseline", "show", "good").stdout)["levels"]
    assert len({level["key"] for level in levels}) == 57
    for name in names:
        done = run("--state-dir", state, "--json", "baseline", "show", "good", name)
        assert {level["event"] for level in json.loads(done.stdout)["levels"]} == {"io_exits"}, name
