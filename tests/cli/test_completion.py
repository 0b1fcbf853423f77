# SPDX-License-Identifier: MIT
"""What bash proposes for kvmstat: words that kvmstat knows, names of this host, and nothing that would need quoting."""
import os
import re
import shutil
import subprocess

import pytest
from host import ENVIRONMENT, KVMSTAT, Host, rig, run

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cli", "completion.bash")
COMPLETE = """source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kvmstat 2>"$ERRORS"; printf '%s\\n' "${COMPREPLY[@]}" """

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="no bash")


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path / "host")
    for name in ("web01", "web02", "db", "two words", "$(touch bad)"):
        host.guest(name, exits=5)
    os.makedirs(tmp_path / "bin")
    os.symlink(os.path.abspath(KVMSTAT), tmp_path / "bin/kvmstat")
    host.path = str(tmp_path / "bin") + ":" + os.environ["PATH"]
    return host


def proposed(host, *words):
    """For the last word, in the parts into which bash breaks a line."""
    parts = [part for word in ("kvmstat", *words) for part in re.split("(=)", word) if part or part == word]
    errors = host.root + "/errors"
    done = subprocess.run(["bash", "--norc", "-c", COMPLETE, SCRIPT, *parts], capture_output=True, timeout=rig.PATIENCE, check=True,
                          env={**ENVIRONMENT, "PATH": host.path, "ERRORS": errors}, cwd=host.root)
    with open(errors, encoding="utf-8") as file:
        said = [line for line in file if "compopt" not in line]  # not while a line is typed
    assert done.stderr == b"" and not said
    return done.stdout.decode().split()


def test_commands(host):
    assert proposed(host, "") == re.findall(r"^  ([a-z]+)  ", run("--help").stdout.decode(), re.M)
    assert proposed(host, "to") == ["top"]
    assert proposed(host, "baseline", "s") == ["save", "show"]
    assert proposed(host, "doctor", "") == []


def test_options(host):
    assert proposed(host, "--to") == ["--totals"] and proposed(host, "--ro") == ["--root="]
    assert set(proposed(host, "--")) >= {"--all", "--csv", "--json", "--color=", "--state-dir=", "--option="}
    assert proposed(host, "-o", "ReportV") == ["ReportVcpus="]
    assert proposed(host, "--color=", ) == ["auto", "always", "never"] and proposed(host, "--color=ne") == ["never"]


def test_files(host):
    with open(os.path.join(host.root, "night"), "wb"):
        assert proposed(host, "record", "ni") == ["night"]
        assert proposed(host, "--from=ni") == ["night"] and proposed(host, "capture", "ni") == []


def test_events(host):
    root = "--root=" + host.root
    assert proposed(host, root, "-o", "Event=io_") == ["io_exits"]
    assert set(proposed(host, root, "-o", "ExcludeEvent=halt_")) >= {"halt_exits", "halt_wait_ns"}
    assert proposed(host, root, "-o", "Root=") == []


@pytest.mark.parametrize("command", ["events", "vcpus", "histogram", "top", "check"])
def test_guests(host, command):
    root = "--root=" + host.root
    assert proposed(host, root, command, "web") == ["web01", "web02"]
    assert sorted(proposed(host, root, "-o", "Guest=x", command, "")) == ["db", "web01", "web02"]
    assert not os.path.exists(os.path.join(host.root, "bad"))
