# SPDX-License-Identifier: MIT
"""The first thing a newcomer runs."""
import os
import platform
import re
import subprocess

import conftest
import pytest
import rig

# What a make that runs this test would tell the one that the demo runs.
MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "SAN")
DEMO = os.path.join(rig.REPO, "scripts", "demo")

# Others emulate a boot sector instruction by instruction, without exits (kvm_pvm).
RUNS_ANY_GUEST = any(os.path.exists("/sys/module/" + module) for module in ("kvm_intel", "kvm_amd"))

GUEST = pytest.mark.skipif(platform.machine() != "x86_64", reason="the demo's boot sector is for x86")


def demo(path=None, what="replay"):
    # A newcomer's collectd loads no plugin with sanitizers: make SAN=1 puts that one below the usual build.
    build = os.path.dirname(rig.BUILD) if rig.sanitizers() else rig.BUILD
    env = {name: value for name, value in os.environ.items() if name not in MAKE}
    env = {**env, "O": build, "DEMO": what, **({"PATH": path} if path else {})}
    return subprocess.run([DEMO], env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=5 * rig.PATIENCE, check=False)


def test_demo_shows_the_same_from_all_three():
    conftest.need("collectd", "carbon-cache", "snmpd", "snmpget", "snmptrapd", "whisper-fetch")
    done = demo()
    text = done.stdout.decode()
    assert done.returncode == 0, text + done.stderr.decode()
    rows = re.findall(r"^  (\w+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", text, re.MULTILINE)
    assert len(rows) >= 5
    for _, graphite, collectd, rate, csv, total in rows:
        assert graphite == collectd
        assert int(rate) > 0 and abs(int(csv) - int(total)) < 20 * (int(rate) + 10)
    alarm = text.partition("6. A guest that is not as usual")[2]
    assert re.search(r"^    linux01: 64 vCPUs on 16 CPUs: instruction_diagnose_44 \d+/s, never above \d+ for a minute \(overcommit\)", alarm, re.MULTILINE), text
    for line in ("kvmGuestEventAbnormal", "kvmAlarmGuestName.1 = linux01", "kvmAlarmCause.1 = overcommit"):
        assert line in alarm, text


@GUEST
def test_demo_shows_ten_events_of_its_guest(live):
    conftest.need("collectd", "carbon-cache", "snmpd", "snmpget", "snmptrapd", "whisper-fetch", "qemu-system-x86_64")
    done = demo(what="guest")
    text = done.stdout.decode()
    assert done.returncode == 0, text + done.stderr.decode()
    rows = re.findall(r"^  (\w+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", text, re.MULTILINE)
    assert "event of guest demo" in text and len(rows) >= (10 if RUNS_ANY_GUEST else 3), text
    assert ({"exits", "halt_exits", "io_exits"} if RUNS_ANY_GUEST else {"exits"}) <= {row[0] for row in rows}, text


@GUEST
def test_the_guest_ticks_and_talks(tmp_path):
    """Emulated: its serial line says so for as long as timer interrupts wake it."""
    conftest.need("qemu-system-x86_64", "as", "ld")
    image, line = tmp_path / "build" / "demo-guest", tmp_path / "line"
    rig.run("make", "-s", "-C", rig.REPO, "O=%s" % (tmp_path / "build"), str(image), env=dict.fromkeys(MAKE, ""))
    assert image.stat().st_size == 512
    program = rig.Program(["qemu-system-x86_64", "-accel", "tcg", "-m", "32", "-display", "none", "-monitor", "none",
                           "-serial", "file:%s" % line, "-drive", "file=%s,format=raw,if=floppy,readonly=on" % image, "-boot", "a"],
                          tmp_path / "qemu.log")
    rig.wait_until(lambda: line.exists() and line.read_bytes().count(b"kvmstat\n") > 100, "the guest talks")
    program.stop()


def test_demo_says_what_failed(tmp_path):
    conftest.need("collectd", "carbon-cache", "snmpd", "snmpget", "snmptrapd", "whisper-fetch")
    (tmp_path / "carbon-cache").write_text("#!/bin/sh\necho 'no disk space today' >&2\nexit 3\n")
    (tmp_path / "carbon-cache").chmod(0o755)
    done = demo("%s:%s" % (tmp_path, os.environ["PATH"]))
    assert done.returncode == 1
    assert b"carbon-cache" in done.stderr and b"no disk space today" in done.stderr
