# SPDX-License-Identifier: MIT
"""Whatever a guest is called, all three outputs stay well-formed and tell all guests apart."""
import csv
import io
import re

import pytest
from host import Host, rig

NAMES = [
    b"plain", b"a/b", b"with space", b" lead and trail ", b'quote"s', b"'", b"new\nline", b"cr\rlf\r\n", b"tab\there",
    b"semi;colon", b"comma,comma", b"-dash", b"per%cent%s%n", b"back\\slash", b"lit\\xff", b"lit\xff", b"\\", b"\\\\",
    b"=1+1", "m\u00fcnchen".encode(), "\u65e5\u672c".encode(), "\U0001f600".encode(), "rtl\u202eevil".encode(),
    "zero\u200bwidth".encode(), b"zerowidth", "\u2028".encode(), "c1\u0085".encode(), b"\x7f", b"\x1b[31mred\x07",
    b"\xff\xfe\x80", b"cut\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe0\x80\xaf", b"x" * 300,
    b"x" * 299 + b"\xc3\xbc", b"a\xc3\xbc\xc3", b"null", b"true", b"{}",
]


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    host = Host(tmp_path_factory.mktemp("names"))
    for number, name in enumerate(NAMES):
        host.guest(name, exits=number + 1)
    return host


def unescape(text):
    """What the manual page says of names, backwards."""
    data = text.encode()
    return re.sub(rb"\\(\\|x[0-9a-f]{2})", lambda m: m[1] if m[1] == b"\\" else bytes([int(m[1][1:], 16)]), data)


def test_json(host):
    rows = host.json("0.2", "1")["guests"]
    assert {row["exits_total"]: unescape(row["name"]) for row in rows} == {i + 1: n for i, n in enumerate(NAMES)}


def test_csv(host):
    done = host.run("--csv", "0.2", "1")
    text = done.stdout.decode("utf-8", "strict")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert {int(row["exits_total"]): unescape(row["name"]) for row in rows} == {
        i + 1: n for i, n in enumerate(NAMES)}
    assert all(None not in row and None not in row.values() for row in rows)


def test_text(host):
    text = host.run("-t", "0.2", "1").stdout.decode("utf-8", "strict")
    assert text.count("\n") == len(NAMES) + 1 + 2  # the head; two long names have a line of their own
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", text)
    names = set()
    rest = ""
    for line in text.splitlines()[1:]:
        if len(line) > 250:
            rest = line
            continue
        match = re.fullmatch(r"(.*?) +1 +[-0-9.]+ +[-0-9.]+ +(\d+)(?: +\S+){7}", line)
        assert match, line
        names.add((int(match[2]), unescape(rest or match[1])))
        rest = ""
    assert {number: name.rstrip(b" ") for number, name in names} == {
        i + 1: n.rstrip(b" ") for i, n in enumerate(NAMES)}


def test_wide_characters_keep_columns_aligned(host):
    lines = host.run("-t", "-o", "Guest=\u65e5\u672c", "-o", "Guest=plain", "0.2", "1").stdout.decode().splitlines()
    ends = sorted(len(line) for line in lines[1:])
    assert ends == [len(lines[0]) - 2, len(lines[0])]


def test_other_locales_get_ascii(host):
    import os
    import subprocess
    from host import KVMSTAT
    done = subprocess.run([KVMSTAT, "--root", host.root, "-t", "0.2", "1"], capture_output=True,
                          env=dict(os.environ, LC_ALL="C"), timeout=rig.PATIENCE)
    assert b"m\\xc3\\xbcnchen" in done.stdout and max(done.stdout) < 128


def test_empty_name(tmp_path):
    host = Host(tmp_path)
    host.guest("", exits=1)
    assert host.json("0.2", "1")["guests"][0]["name"] == ""
    assert host.run().stdout.decode().splitlines()[1].startswith('"" ')


def test_name_in_a_message(host):
    done = host.run("events", "no\nsuch\x1b[31m", "0.2", "1")
    assert b"'no\\x0asuch\\x1b[31m'" in done.stderr
    assert done.stderr.count(b"\n") == len(NAMES) + 1 and b"\x1b" not in done.stderr
