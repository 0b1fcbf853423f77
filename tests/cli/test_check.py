# SPDX-License-Identifier: MIT
"""kvmstat check and alarms, and the columns that a front end's judgement adds: what they make of the file that it keeps, and that they only read it."""
import csv
import io
import json
import os
import re
import subprocess
import sys

import pytest
from host import ENVIRONMENT, KVMSTAT, Host, refused, rig, run
from kept import Kept

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trees"))
import maketree  # noqa: E402

# As in the guidelines for plugins of monitoring-plugins.org: one line, performance data behind one bar.
LINE = re.compile(r"KVMSTAT (OK|WARNING|CRITICAL|UNKNOWN) - ([^|\n]+)(?: \| ((?:[a-z_]+=\d+(?:;\d*){0,4})(?: [a-z_]+=\d+(?:;\d*){0,4})*))?\n")
STATUS = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}


def judged(done):
    """(status, text, performance data) of a run, whose line and exit status agree."""
    line = LINE.fullmatch(done.stdout.decode("utf-8", "strict"))
    assert line, done.stdout
    assert done.returncode == STATUS[line[1]], (done.returncode, done.stdout)
    assert (line[3] is None) == (line[1] == "UNKNOWN")
    return line[1], line[2], line[3]


def check(kept, *args, **options):
    """It changes nothing."""
    before = snapshot(kept.directory)
    done = run("--state-dir", kept.directory, "check", *args, **options)
    assert snapshot(kept.directory) == before
    return judged(done)


def snapshot(directory):
    found = {}
    for name in sorted(os.listdir(directory)):
        info = os.lstat(os.path.join(directory, name))
        found[name] = (info.st_mtime_ns, info.st_ino, info.st_size)
    return found


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "state").guest("web", "uuid:11111111-2222-3333-4444-555555555555", vcpus=64).guest("db").guest("gone", ago=86400)


def test_nothing_wrong(kept):
    kept.write()
    status, text, data = check(kept)
    assert status == "OK" and re.fullmatch(r"no guest is abnormal, of 2; written \d+ s ago", text)
    assert data == "alarms=0;0;0 guests=2"


def test_past_alarms_are_no_alarms(kept):
    kept.past(1, "db").write()
    assert check(kept)[0] == "OK"


def test_warning_and_critical(kept):
    kept.alarm(7, "name:db", "io", "db: io_exits 700/s, never above 100 for a minute (io). virsh domblkstat db", severity=6).write()
    status, text, data = check(kept)
    assert status == "WARNING" and text.startswith("db: io_exits 700/s, never above 100 for a minute (io). virsh domblkstat db; written ")
    assert data == "alarms=1;0;0 guests=2"
    kept.alarm(8, "uuid:11111111-2222-3333-4444-555555555555").write()
    status, text, data = check(kept)
    assert status == "CRITICAL" and text.startswith("web: 64 vCPUs on 14 CPUs (overcommit). virsh vcpuinfo web; also db (io); written ")
    assert data == "alarms=2;0;0 guests=2"


def test_alarm_of_the_host(kept):
    kept.alarm(9, "", "cpu-starved", "host: waits 30 % of the time for a CPU (cpu-starved). virsh schedinfo host", event=65535).write()
    assert check(kept)[0] == "CRITICAL"
    assert check(kept, "web")[0] == "OK"


@pytest.mark.parametrize("word", ["web", "name:web", "11111111-2222-3333-4444-555555555555", "uuid:11111111-2222-3333-4444-555555555555"])
def test_one_guest(kept, word):
    kept.alarm(7, "uuid:11111111-2222-3333-4444-555555555555").write()
    status, _, data = check(kept, word)
    assert status == "CRITICAL" and data == "alarms=1;0;0 guests=1"
    assert check(kept, "db")[::2] == ("OK", "alarms=0;0;0 guests=1")
    assert check(kept, "db", word)[0] == "CRITICAL"
    status, text, _ = check(kept, "db", "nobody")
    assert status == "UNKNOWN" and text.startswith("there is no guest 'nobody' in ")


def test_too_old(tmp_path):
    fresh = Kept(tmp_path / "fresh", age=19 * 60).guest("web").write()
    assert check(fresh)[0] == "OK"
    status, text, _ = check(fresh, "--max-age", "600")
    assert status == "UNKNOWN" and "was written 19 min ago, more than 10 min: its front end does not run" in text
    assert check(fresh, "--max-age", "20m")[0] == "OK"
    old = Kept(tmp_path / "old", age=21 * 60).guest("web").write()
    assert check(old)[0] == "UNKNOWN"
    assert check(old, "--max-age", "22m")[0] == "OK"
    future = Kept(tmp_path / "future", age=-3600).guest("web").write()
    status, text, _ = check(future)
    assert status == "UNKNOWN" and "in the future" in text


def test_damaged(kept):
    whole = kept.data()
    for cut in range(0, len(whole), 41):
        kept.write(whole[:cut])
        status, text, _ = check(kept)
        assert status == "UNKNOWN" and "/baseline is damaged: " in text
    kept.first = b"kvmstat-baseline 2"
    status, text, _ = check(kept.write())
    assert status == "UNKNOWN" and "another version wrote it" in text


def test_cannot_be_read(kept):
    assert "/baseline does not exist" in check(kept)[1]
    os.mkfifo(kept.path)
    status, text, _ = check(kept)
    assert status == "UNKNOWN" and "it is not a regular file" in text
    os.unlink(kept.path)
    os.symlink("/etc/passwd", kept.path)
    assert check(kept)[1].endswith("it is not a regular file")
    os.unlink(kept.path)
    kept.write()
    os.chmod(kept.path, 0)
    if os.geteuid() == 0:
        pytest.skip("root may read every file")
    status, text, _ = check(kept)
    assert status == "UNKNOWN" and "Permission denied; run the command as root" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.skipif(bool(os.environ.get("RUN")), reason="nobody may not read what an emulated program needs")
def test_nobody_may_not_read_it(kept, tmp_path):
    kept.write()
    for directory in [tmp_path, *tmp_path.parents][:-2]:
        os.chmod(directory, 0o755)
    os.chmod(kept.path, 0o600)
    done = subprocess.run([KVMSTAT, "--state-dir", kept.directory, "check"], capture_output=True, timeout=rig.PATIENCE, env=ENVIRONMENT,
                          user=65534, group=65534, extra_groups=[])
    status, text, _ = judged(done)
    assert status == "UNKNOWN" and "Permission denied; run the command as root" in text
    os.chmod(kept.path, 0o644)
    done = subprocess.run([KVMSTAT, "--state-dir", kept.directory, "check"], capture_output=True, timeout=rig.PATIENCE, env=ENVIRONMENT,
                          user=65534, group=65534, extra_groups=[])
    assert judged(done)[0] == "OK"


@pytest.mark.parametrize("args", [["--max-age", "x"], ["--max-age", "0"], ["--nonsense"], ["--json"], ["--all"], ["-o", "Gast=x"], ["--name", "x"]])
def test_wrong_usage_is_unknown(args):
    done = run("check", *args)
    assert judged(done)[0] == "UNKNOWN" and done.stderr
    assert judged(run(*args, "check", "check"))[0] == "UNKNOWN"


def test_wrong_usage_of_others_is_not():
    assert refused("--nonsense", "guests", "check")


ODD = [b"bar|bar", b"new\nline", b"\xff\xfe", b"back\\slash", b"quote'\"", "\u65e5\u672c".encode(), b"x" * 300, b"a=b;c", b"\x1b[31m"]


def test_odd_names(tmp_path):
    for number, name in enumerate(ODD):
        kept = Kept(tmp_path / str(number)).guest(name).alarm(1, b"name:" + name, text=name[:100] + b": 9 vCPUs on 2 CPUs").write()
        status, _, data = check(kept, name)
        assert (status, data) == ("CRITICAL", "alarms=1;0;0 guests=1"), name
        assert check(kept)[0] == "CRITICAL"


def test_a_thousand_guests(tmp_path):
    kept = Kept(tmp_path)
    for i in range(1000):
        kept.guest("g%04d" % i, levels={1252: 10, 1007: 300})
    for i in range(1000):
        kept.alarm(i + 1, "name:g%04d" % i, text="g%04d: too many vCPUs" % i, ago=2000 - i)
    status, text, data = check(kept.write())
    assert status == "CRITICAL" and data == "alarms=1000;0;0 guests=1000"
    assert text.startswith("g0000: too many vCPUs; also g0001 (overcommit), g0002 (overcommit), g0003 (overcommit) and 996 more; written ")
    assert len(json.loads(run("--json", "--state-dir", kept.directory, "alarms").stdout)["alarms"]) == 1000


# ---- without a front end ----------------------------------------------------

def between(*args, change=lambda: None):
    """A run of which the host was changed after its first sample."""
    with subprocess.Popen([KVMSTAT, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
        with rig.stopped_between_samples(process):
            change()
        out, err = process.communicate(timeout=rig.PATIENCE)
    return subprocess.CompletedProcess(args, process.returncode, out, err)


def wait_for_cpus(root, guest, cpu, wait):
    """Each vCPU gets so much of it, in ms: both together in less than the second between two samples."""
    for vcpu in range(guest["vcpus"]):
        path = os.path.join(root, "proc/%d/task/%d/schedstat" % (guest["pid"], guest["pid"] + 2 + vcpu))
        with open(path, encoding="ascii") as file:
            old = [int(number) for number in file.readline().split()]
        with open(path, "w", encoding="ascii") as file:
            file.write("%d %d %d\n" % (old[0] + cpu * 1e6, old[1] + wait * 1e6, old[2]))


@pytest.fixture
def tree(tmp_path):
    def make(vcpus, cpus, guests=3):
        root = str(tmp_path / "root")
        host = maketree.make_tree(root, "s390x-6.12", guests=guests, vcpus=vcpus)
        with open(root + "/sys/devices/system/cpu/online", "w", encoding="ascii") as file:
            file.write("0-%d\n" % (cpus - 1))
        return root, host["guests"]
    return make


def test_two_samples_of_too_many_vcpus(tree):
    root, guests = tree(64, 14)
    done = between("--root", root, "check", change=lambda: wait_for_cpus(root, guests[1], 700, 280))
    status, text, data = judged(done)
    assert status == "CRITICAL" and text.startswith("linux02: 64 vCPUs on 14 CPUs: ") and "(overcommit)" in text
    assert data == "alarms=1;0;0 guests=3"
    done = between("--root", root, "check", "linux01", "linux03", change=lambda: wait_for_cpus(root, guests[1], 700, 280))
    assert judged(done)[::2] == ("OK", "alarms=0;0;0 guests=2")
    done = between("--root", root, "check", change=lambda: wait_for_cpus(root, guests[1], 700, 140))
    assert judged(done)[0] == "OK"


def test_two_samples_of_a_host_that_is_short(tree):
    root, guests = tree(4, 4)
    done = between("--root", root, "check", change=lambda: [wait_for_cpus(root, guest, 700, 280) for guest in guests])
    status, text, _ = judged(done)
    assert status == "CRITICAL" and text.startswith("host: waits 29 % of the time for a CPU; linux")
    done = between("--root", root, "check", change=lambda: [wait_for_cpus(root, guest, 700, 280) for guest in guests[:2]])
    assert judged(done)[0] == "OK"


def test_two_samples_without_times(tmp_path):
    host = Host(tmp_path)
    host.guest("one", exits=1)
    status, text, _ = judged(host.run("check"))
    assert status == "UNKNOWN" and "how long they wait for a CPU cannot be read" in text
    assert judged(host.run("check", "nobody"))[1].startswith("there is no guest 'nobody', or there are several")


def test_no_source(tmp_path):
    done = run("--root", str(tmp_path), "check")
    assert judged(done)[0] == "UNKNOWN"
    assert judged(run("--root", str(tmp_path / "none"), "check"))[0] == "UNKNOWN"


# ---- where it is ------------------------------------------------------------

PLACES = ("/var/lib/kvmstat", "/var/lib/collectd/kvmstat")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_the_newest_of_the_known_places(tmp_path):
    def written(*ages):
        files = []
        for place, age in zip(PLACES, ages):
            if age is not None:
                files.append("mkdir -p %s && cp %s %s/baseline && touch -d '-%d seconds' %s/baseline" % (
                    place, Kept(tmp_path / str(age), age).guest("g%d" % age).write().path, place, age, place))
        script = "mount -t tmpfs none /var/lib && %s; exec %s check g5" % (" && ".join(files) or "true", KVMSTAT)
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, timeout=rig.PATIENCE, env=ENVIRONMENT)
        if b"unshare" in done.stderr or b"mount:" in done.stderr:
            pytest.skip("no namespace to mount in: " + done.stderr.decode())
        return judged(done)
    assert written(5, None)[0] == "OK"
    assert written(None, 5)[0] == "OK"
    assert written(5, 400)[0] == "OK"
    assert written(400, 5)[0] == "OK"
    assert written(400, None)[1].startswith("there is no guest 'g5' in /var/lib/kvmstat/baseline")


# ---- alarms -----------------------------------------------------------------

def alarms(kept, *args):
    done = run("--state-dir", kept.directory, *args, "alarms")
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def test_alarms(kept):
    kept.past(3, "db").alarm(7, "uuid:11111111-2222-3333-4444-555555555555").write()
    rows = json.loads(alarms(kept, "--json"))["alarms"]
    assert [row["number"] for row in rows] == [7, 3]
    active, past = rows
    assert active["guest"] == "web" and active["cause"] == "overcommit" and active["severity"] == "major" and active["ended"] is None
    assert active["event"] == "instruction_diagnose_44" and active["rate"] == 2400 and abs(active["usual"] - 61) < 0.1
    assert active["next"] == "virsh vcpuinfo web" and 300 <= active["seconds"] < 300 + rig.PATIENCE
    assert active["text"].startswith("web: 64 vCPUs on 14 CPUs") and active["ending"] is None
    assert past["ending"] == "normal again" and past["seconds"] == 600 and past["guest"] == "db" and past["ended"] > past["since"]
    lines = alarms(kept).splitlines()
    assert len(lines) == 3 and lines[0].split()[:2] == ["NO", "GUEST"]
    assert "overcommit" in lines[1] and "5 min" in lines[1] and "normal again" in lines[2] and "10 min" in lines[2]
    rows = list(csv.DictReader(io.StringIO(alarms(kept, "--csv"))))
    assert [row["cause"] for row in rows] == ["overcommit", "io"] and rows[0]["ended"] == ""


def test_no_alarms(kept, tmp_path):
    assert alarms(kept.write()) == "No guest is abnormal, and none was within a day.\n"
    assert json.loads(alarms(kept, "--json"))["alarms"] == []
    done = run("--state-dir", str(tmp_path), "alarms")
    assert done.returncode == 1 and done.stdout == b"" and b"/baseline does not exist" in done.stderr
    old = Kept(tmp_path / "old", age=3 * 3600).guest("web").write()
    done = run("--state-dir", old.directory, "alarms")
    assert done.returncode == 0 and b"was written 3 h ago: its front end does not run" in done.stderr


# ---- columns of the reports -------------------------------------------------

def test_reports_have_what_is_known(tmp_path):
    host = Host(tmp_path / "root")
    host.guest("web", exits=5, io_exits=7)
    host.guest("db", exits=4)
    kept = Kept(tmp_path / "state").guest("web", levels={2001: 100}).guest("db").write()
    plain = {args: host.run(*args, "0.2", "1").stdout for args in ((), ("events", "web"), ("events",), ("--csv", "events"))}
    named = ("--state-dir", kept.directory)
    assert host.run(*named, "0.2", "1").stdout == plain[()]
    rows = {row["event"]: row for row in host.json(*named, "events", "web", "0.2", "1")["events"]}
    assert abs(rows["io_exits"]["usual"] - 100) < 0.5 and rows["exits"]["usual"] == 0
    assert b" USUAL" in host.run(*named, "events", "web", "0.2", "1").stdout and b" USUAL" not in plain[("events", "web")]
    assert host.run(*named, "events", "0.2", "1").stdout == plain[("events",)]
    kept.alarm(1, "name:web").write()
    lines = host.run(*named, "0.2", "1").stdout.decode().splitlines()
    assert lines[0].endswith(" ALARM") and {line.split()[0]: line.split()[-1] for line in lines[1:]} == {"web": "overcommit", "db": "-"}
    assert {row["name"]: row["alarm"] for row in host.json(*named, "0.2", "1")["guests"]} == {"web": "overcommit", "db": None}
    kept.write(b"damaged")
    assert host.run(*named, "0.2", "1").stdout == plain[()]
    Kept(tmp_path / "state", age=1300).guest("web").alarm(1, "name:web").write()
    assert host.run(*named, "0.2", "1").stdout == plain[()]
