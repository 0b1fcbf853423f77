# SPDX-License-Identifier: MIT
"""kvmstat record, and --from: is what is played what was recorded, and what remains of a damaged file?"""
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import zlib

import pytest
from host import ENVIRONMENT, KVMSTAT, Host, refused, rig, run
from test_details import thread

LAST = 2**64 - 1
HEAD = 36
MAGIC = b"KVMSTAT\x01"
ODD = [b"new\nline", b"\xff\xfe", b"", b"x" * 300, "\u65e5\u672c".encode(), b"twin", b"twin"]


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path / "host")


@pytest.fixture
def file(tmp_path):
    return str(tmp_path / "file")


def record(host, file, *args):
    done = host.run("record", file, *args)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    with open(file, "rb") as recorded:
        return recorded.read()


def play(file, *args):
    """(reports, what was said)"""
    done = run("--from", file, "--json", *args)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def blocks(data):
    """(at, end, kind) of each block."""
    at, found = 0, []
    while at < len(data):
        assert data[at:at + 8] == MAGIC
        length = struct.unpack_from("<I", data, at + 12)[0]
        found.append((at, at + HEAD + length, data[at + 8]))
        at = found[-1][1]
    return found


def write(file, data):
    with open(file, "wb") as out:
        out.write(data)


class Recorder:
    """One that runs, and stands still between samples where a test changes the host."""

    def __init__(self, host, file, *args, **options):
        self.file = file
        self.process = subprocess.Popen([KVMSTAT, "--root", host.root, "record", file, *args], stderr=subprocess.PIPE,
                                        env=ENVIRONMENT, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def size(self):
        return os.path.getsize(self.file) if os.path.exists(self.file) else 0

    def another(self):
        size = self.size()
        rig.wait_until(lambda: self.size() > size, "another sample")

    def change(self, what):
        """Between two samples, which are both there afterwards."""
        if not self.size():
            self.another()
        with rig.stopped_between_samples(self.process):
            what()
        self.another()


# ---- the same as live

def test_playing_is_as_live(host, file):
    for i, name in enumerate(ODD):
        host.guest(name, exits=LAST - i, io_exits=2**53 + 1, halt_wait_ns=7, pages_4k=i)
    record(host, file, "0.1", "2")
    for command in (("guests",), ("events", "--all"), ("events", "pid:1010")):
        live = host.json(*command, "0.1", "1")
        (played,), said = play(file, *command)
        for report in (live, played):
            del report["time"], report["seconds"]
        assert played == live and said == ""


def test_vcpus_are_played_if_they_were_recorded(host, file):
    host.guest("one", exits=5)
    for vcpu in (0, 1):
        thread(host, 1000, vcpu, 1005 - vcpu, 10**9, 10**6)
    record(host, file, "0.1", "2", "-o", "ReportVcpus=true")
    done = run("--from", file, "vcpus", "one", "--json")
    assert done.returncode == 0
    assert [(row["vcpu"], row["tid"], row["cpu_percent"]) for row in json.loads(done.stdout)["vcpus"]] == [(0, 1005, 0), (1, 1004, 0)]
    record(host, file + ".sums", "0.1", "2")
    done = run("--from", file + ".sums", "vcpus", "one")
    assert done.returncode == 1 and b"were not recorded" in done.stderr


def test_changes_are_played_as_they_came(host, file):
    directory = host.guest("one", exits=1000, pages_4k=50)
    with Recorder(host, file, "0.1") as recorder:
        recorder.change(lambda: host.set(directory, {"exits": 7000}))
        recorder.change(lambda: host.set(directory, {"exits": LAST, "pages_4k": 3}))
        recorder.change(lambda: host.set(directory, {"exits": 2}))
    reports, said = play(file, "events", "one", "0.1")
    values = [{row["event"]: row for row in report["events"]} for report in reports]
    exits = [row["exits"]["value"] for row in values]
    assert sorted(set(exits), key=exits.index) == [value for value in (1000, 7000, LAST, 2) if value in exits]
    assert {7000, LAST, 2} <= set(exits) and said == ""
    assert [row["pages_4k"]["value"] for row in values][-1] == 3
    rise, fall = exits.index(7000), exits.index(2)
    if rise:
        assert abs(values[rise]["exits"]["rate"] * reports[rise]["seconds"] - 6000) < 10
    assert values[fall]["exits"]["rate"] is None


def test_guests_come_and_go(host, file):
    host.guest("stays", exits=1)
    directory = host.guest("goes", exits=2)
    with Recorder(host, file, "0.1") as recorder:
        recorder.change(lambda: host.guest("comes", exits=3))
        recorder.change(lambda: shutil.rmtree(directory))
        recorder.change(lambda: None)
    reports, said = play(file, "guests", "0.1")
    names = [sorted(row["name"] for row in report["guests"]) for report in reports]
    assert ["comes", "goes", "stays"] in names and names[-1] == ["comes", "stays"] and said == ""


def test_many_samples_have_keys(host, file):
    host.guest("one", exits=1)
    data = record(host, file, "0.1", "62")
    found = blocks(data)
    assert [kind for _, _, kind in found] == [1] + [2] * 59 + [1, 2]
    times = [struct.unpack_from("<Q", data, at + 24)[0] for at, _, _ in found]
    for later in (1, 30, 59, 60):
        between = (times[later - 1] + times[later]) / 2 - times[0]
        (report,), said = play(file, "--at", "+%.6f" % (between / 1e9))
        assert report["sample"] == later + 2 and said == ""


# ---- what is left of a file

def samples(file):
    """Numbers of the later samples of all reports, and what was said."""
    done = run("--from", file, "--json", "guests", "0.1")
    assert done.returncode in (0, 1), done.stderr
    return [json.loads(line)["sample"] for line in done.stdout.splitlines()], done.stderr.decode()


def test_cut_at_every_byte_of_the_last_block(host, file):
    host.guest("one", exits=1)
    data = record(host, file, "0.1", "4")
    start, end, _ = blocks(data)[-1]
    assert samples(file) == ([2, 3, 4], "")
    for size in range(start + 1, end):
        write(file, data[:size])
        numbers, said = samples(file)
        assert numbers == [2, 3] and "%d bytes from byte %d on are damaged" % (size - start, start) in said


def test_every_flipped_bit_is_noticed(host, file):
    host.guest("one", exits=1)
    data = record(host, file, "0.1", "3")
    first, second, third = blocks(data)
    for at in [*range(HEAD), *range(HEAD, first[1], 50), *range(first[1], third[1], 3)]:
        write(file, data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:])
        numbers, said = samples(file)
        expected = [] if at < second[1] else [2]
        assert numbers == expected and said, at


def test_what_follows_the_damage_plays(host, file):
    host.guest("one", exits=1)
    data = record(host, file, "0.1", "3")
    start = blocks(data)[1][0]
    write(file, data[:start] + b"\0" * 100 + data[start + 100:] + data)
    numbers, said = samples(file)
    assert numbers == [2, 3] and "bytes from byte %d on" % start in said


def test_a_cut_file_is_continued(host, file):
    host.guest("one", exits=1)
    data = record(host, file, "0.1", "3")
    for cut in (1, 10, HEAD, HEAD + 1):
        write(file, data[:-cut])
        continued = record(host, file, "0.1", "3")
        assert continued.startswith(data[:-cut])
        numbers, said = samples(file)
        assert numbers == [2, 2, 3] and said.count("damaged") == 1


def test_sessions_are_not_compared(host, file):
    directory = host.guest("one", exits=10**9)
    record(host, file, "0.1", "2")
    host.set(directory, {"exits": 10**9 + 5})
    record(host, file, "0.1", "2")
    reports, said = play(file, "guests", "0.1")
    assert [(report["sample"], report["guests"][0]["exits_rate"]) for report in reports] == [(2, 0), (2, 0)] and said == ""


def test_full_disk(host, file):
    host.guest("one", exits=1)
    whole = len(record(host, file + ".whole", "0.1", "3"))

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (whole + 20, whole + 20))

    with Recorder(host, file, "0.1", preexec_fn=limit) as recorder:
        said = recorder.process.communicate(timeout=rig.PATIENCE)[1].decode()
        assert recorder.process.returncode == 1
    assert "cannot write to %s: " % file in said
    assert len(samples(file)[0]) >= 1 and samples(file)[1] == ""


def test_killed(host, file):
    host.guest("one", exits=1)
    with Recorder(host, file, "0.1") as recorder:
        recorder.another()
        recorder.another()
        recorder.process.kill()
        recorder.process.wait()
    record(host, file, "0.1", "2")
    numbers, said = samples(file)
    assert numbers[0] == 2 and numbers[-1] == 2 and said == ""


# ---- refusals

def test_two_recorders_of_one_file(host, file):
    host.guest("one", exits=1)
    with Recorder(host, file, "60") as recorder:
        recorder.another()
        done = host.run("record", file, "0.1", "1")
    assert done.returncode == 1 and b"another kvmstat records to it" in done.stderr


def test_nothing_else_is_overwritten(host, file):
    write(file, b"precious")
    done = host.run("record", file, "0.1", "1")
    assert done.returncode == 1 and b"it is not a recording" in done.stderr
    with open(file, "rb") as kept:
        assert kept.read() == b"precious"
    done = host.run("record", os.path.dirname(file), "0.1", "1")
    assert done.returncode == 1 and b"Is a directory" in done.stderr
    os.mkfifo(file + ".fifo")
    done = host.run("record", file + ".fifo", "0.1", "1")
    assert done.returncode == 1 and b"not a regular file" in done.stderr


def test_only_the_owner_reads_it(host, file):
    record(host, file, "0.1", "1")
    assert os.stat(file).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("args, words", [
    (("record",), "specify a file"),
    (("--from", "x", "top"), "does not accept --from"),
    (("--at", "+1"), "--at needs --from"),
    (("--from", "x", "-o", "Event=exits"), "cannot combine --from"),
    (("--from", "x", "--root", "/"), "cannot combine --from"),
])
def test_wrong_words(args, words):
    assert words in refused(*args)


# ---- bytes written by hand

def number(value):
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def change(value):
    return number(value * 2 if value >= 0 else -value * 2 - 1)


def text(value):
    return number(len(value) + 1) + value


SAME = b"\0"


def block(kind, seconds, body):
    head = MAGIC + struct.pack("<BBHIIIQ", kind, 0, 0, len(body), len(body), zlib.crc32(body), seconds * 10**9)
    return head + struct.pack("<I", zlib.crc32(head)) + body


def sample_head(session, count, seconds, realtime):
    return number(session) + change(count) + change(seconds * 10**9) + change(realtime * 10**9) + number(1000) + change(1) + \
        number(1) + number(1) + number(4) + number(1)


def statuses(content):
    return number(2) + (number(0) + content) * 2 + number(1) + number(0) + change(0) + content


def event(name, place):
    return text(name) + text(b"It counts.") + number(0) + number(70000 + place) + bytes([0, 0, 1, 0, 1, 0, 0])


def key(session, count, seconds, realtime, exits):
    return block(1, realtime, sample_head(session, count, seconds, realtime) + statuses(text(b"")) +
                 number(2) + event(b"first", 0) + event(b"second", 1) +
                 number(2) + b"".join(number(i) + number(1) + number(2) + text(b"") + SAME for i in range(2)) +
                 number(1) + number(0) +
                 number(1) + text(b"hand-made") + text(b"") + text(b"name:hand-made") + text(b"x") + text(b"qemu") +
                 change(4711) + change(9) + change(0) * 4 + change(2**30) +
                 number(2) + number(1) + change(10**9) + change(0) +
                 number(1) + number(1) + number(2) + number(1) + number(0) + change(exits) + number(0))


def changes(session, realtime, grown, by=1):
    return block(2, realtime, sample_head(session, 1, by, by) + statuses(SAME) + number(1) + number(0) +
                 number(1) + SAME * 5 + change(0) * 7 + number(2) + number(1) + change(10**9) + change(0) +
                 SAME + change(grown) + number(0))


def test_bytes_written_by_hand(file):
    write(file, key(77, 5, 1000, 1800000000, -(2**63)) + changes(77, 1800000001, 250) + changes(77, 1800000002, -(2**63)))
    reports, said = play(file, "events", "hand-made", "--all", "1")
    assert said == "" and [report["time"] for report in reports] == ["2027-01-15T08:00:01.000Z", "2027-01-15T08:00:02.000Z"]
    first, second = reports[0]["events"]
    assert (first["event"], first["value"], first["rate"]) == ("first", 2**63 + 250, 250)
    assert first["source"] == "debugfs" and second["value"] is None
    assert reports[1]["events"][0]["value"] == 250 and reports[1]["events"][0]["rate"] is None
    (report,), _ = play(file)
    assert report["guests"][0]["pid"] == 4711 and report["guests"][0]["cpu_percent"] == 100
    assert report["guests"][0]["memory_bytes"] == 2**30 and report["guests"][0]["exits_total"] == 2**63 + 250


def test_clock_set_back(file):
    """The wall clock goes back an hour; rates and the order of the file stay."""
    write(file, key(77, 5, 1000, 1800000000, 100) + changes(77, 1800000001, 250) +
          key(77, 7, 1002, 1799996400, 600) + changes(77, 1799996401, 250))
    reports, said = play(file, "guests", "1")
    assert [report["guests"][0]["exits_rate"] for report in reports] == [250, 250, 250] and said == ""
    (report,), _ = play(file, "--at", "2027-01-15T08:00:00Z")
    assert report["time"] == "2027-01-15T08:00:01.000Z"
    (report,), _ = play(file, "--at", "+0")
    assert report["time"] == "2027-01-15T08:00:01.000Z"
    assert run("--from", file, "--at", "2027-01-15T08:00:02Z").returncode == 1


def test_valid_checksums_over_nonsense(file):
    """A body whose checksum is right is not trusted."""
    good = key(77, 5, 1000, 1800000000, 100)
    body = good[HEAD:]
    for size in range(0, len(body), 5):
        write(file, block(1, 1800000000, body[:size]) + good + changes(77, 1800000001, 1))
        numbers, said = samples(file)
        assert numbers == [6] and "damaged" in said
    for at in range(0, len(body), 3):
        write(file, block(1, 1800000000, body[:at] + b"\xff\xff\xff\xff\x0f" + body[at + 1:]))
        assert run("--from", file).returncode in (0, 1)
