# SPDX-License-Identifier: MIT
"""Wrong words, closed outputs, the doctor, the manual page."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest
from host import KVMSTAT, Host, Watch, refused, rig, run, write

HERE = os.path.dirname(os.path.abspath(__file__))
MANUAL = os.path.join(HERE, "../../cli/kvmstat.1")
OPTIONS = os.path.join(HERE, "../../common/kvmstat-options.7")


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path)
    host.guest("one", exits=5, io_exits=1)
    return host


@pytest.mark.parametrize("args, message", [
    (["nonsense"], "there is no command 'nonsense'"),
    (["guests", "x"], "interval 'x' is not a number of seconds"),
    (["0"], "interval '0' is not a number of seconds from 0.1 to 86400"),
    (["1e9"], "there is no command '1e9'"),
    (["86401"], "interval '86401'"),
    (["1..5"], "there is no command '1..5'"),
    (["1", "0"], "count '0' is not a number of reports"),
    (["1", "-1"], "invalid option"),
    (["1", "1.5"], "count '1.5'"),
    (["1", "many"], "count 'many'"),
    (["1", "2", "3"], "unexpected argument '3'"),
    (["events", "guest", "1", "2", "3"], "unexpected argument '3'"),
    (["doctor", "now"], "unexpected argument 'now'"),
    (["doctor", "--csv"], "'kvmstat doctor' does not accept --csv"),
    (["doctor", "--all"], "'kvmstat doctor' does not accept --all"),
    (["vcpus"], "'kvmstat vcpus' needs the name of a guest"),
    (["vcpus", "1"], "'kvmstat vcpus' needs the name of a guest"),
    (["vcpus", "guest", "--all"], "'kvmstat vcpus' does not accept --all"),
    (["vcpus", "guest", "other"], "interval 'other' is not a number of seconds"),
    (["histogram", "guest"], "'kvmstat histogram' needs the names of a guest and of an event, such as halt_wait_hist"),
    (["histogram", "guest", "0.5"], "'kvmstat histogram' needs the names"),
    (["histogram", "-t", "guest", "halt_wait_hist"], "'kvmstat histogram' does not accept --totals"),
    (["histogram", "guest", "halt_wait_hist", "1", "2", "3"], "unexpected argument '3'"),
    (["guests", "--all"], "'kvmstat guests' does not accept --all"),
    (["events", "-t"], "'kvmstat events' does not accept --totals"),
    (["--csv", "--json"], "cannot combine --csv and --json"),
    (["--nonsense"], "--help"),
    (["-o", "Guest"], "'Guest' is not an option with a value; expected NAME=VALUE"),
    (["-o", "=x"], "NAME=VALUE"),
    (["-o", "Gast=x"], "there is no option 'Gast'; 'kvmstat --help' lists"),
    (["-o", "Guest=/(/"], "kvmstat: Guest: /(/: invalid regular expression"),
    (["-o", "Source=tea"], "kvmstat: Source \"tea\": unknown source"),
    (["-o", "IgnoreSelected=perhaps"], "kvmstat: IgnoreSelected \"perhaps\": not a truth value"),
])
def test_wrong_words(args, message):
    said = refused(*args)
    assert message in said
    assert all(re.match(r"(\S*/)?kvmstat: |Try ", line) for line in said.splitlines())


def test_unknown_event_is_told_with_the_nearest(host):
    done = host.run("-o", "Event=io_exit", "0.2", "1")
    assert done.returncode == 2 and b"there is no event 'io_exit', did you mean 'io_exits'?" in done.stderr
    done = host.run("-o", "Event=/^nothing_at_all/", "0.2", "1")
    assert done.returncode == 0


def test_root_that_is_not_there():
    done = run("--root=/no/such/place")
    assert done.returncode == 1 and b"/no/such/place" in done.stderr and b"No such file" in done.stderr


def test_version_and_help():
    assert re.fullmatch(rb"kvmstat \S+\n", run("-V").stdout)
    shown = run("--help")
    assert shown.returncode == 0 and shown.stderr == b"" and shown.stdout.startswith(b"Usage: ")
    assert max(map(len, shown.stdout.splitlines())) <= 80


def options():
    """Of the core, which every front end accepts."""
    found = re.findall(r"^  (\w+)=", run("--help").stdout.decode(), re.M)
    assert len(found) >= 12
    return found


def test_manual_of_options_has_every_option():
    with open(OPTIONS, encoding="ascii") as file:
        assert re.findall(r"^\.BI (\w+) ", file.read().partition(".SH OPTIONS OF THE DIAGNOSIS")[0], re.M) == options()


def test_manual_has_every_option():
    with open(MANUAL, encoding="ascii") as file:
        manual = file.read().replace("\\-", "-")
    for option in re.findall(r"^ +(?:-\w, +)?(--\w+)", run("--help").stdout.decode(), re.M):
        assert option in manual, option
    for command in re.findall(r"^  (\w+)  ", run("--help").stdout.decode(), re.M):
        assert ".SS %s\n" % command in manual, command


@pytest.mark.parametrize("page", ["cli/kvmstat.1", "collectd-plugin/collectd-kvmstat.5", "common/kvmstat-options.7",
                                  "snmp-subagent/kvmstat-agentx.8"])
def test_manuals_have_no_mistake(page):
    if not shutil.which("groff"):
        pytest.skip("no groff to check the manual page with")
    done = subprocess.run(["groff", "-man", "-ww", "-Tascii", os.path.join(HERE, "../..", page)], capture_output=True, check=True)
    assert done.stderr == b""


def start(host, *args, **options):
    return subprocess.Popen([KVMSTAT, "--root", host.root, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            **options)


def test_reader_that_leaves(host):
    for restore in (True, False):
        process = start(host, "0.1", restore_signals=restore)  # with and without SIGPIPE ignored
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=rig.PATIENCE) in (-signal.SIGPIPE, 1)
        assert process.stderr.read() == b""
        process.stderr.close()


def test_output_that_is_closed_or_full(host):
    for redirection in (">&-", "<&- >&- "):
        done = subprocess.run("exec %s --root %s 0.1 1 %s" % (KVMSTAT, host.root, redirection), shell=True,
                              stderr=subprocess.PIPE, timeout=rig.PATIENCE)
        assert done.returncode == 1 and b"standard output is closed" in done.stderr
    done = subprocess.run("exec %s --root %s 0.1 1 >/dev/full" % (KVMSTAT, host.root), shell=True,
                          stderr=subprocess.PIPE, timeout=rig.PATIENCE)
    assert done.returncode == 1 and b"cannot write to standard output: No space left" in done.stderr


def test_each_report_is_out_at_once(host):
    """Between two samples nothing of a report is missing. If it stayed in a buffer, half a report would come when that is full."""
    host.guest("long" * 20, exits=1)  # no whole number of reports fills a buffer
    with Watch(host, "--json", "0.1") as watch:
        for _ in range(3):
            with watch.between_samples():
                assert watch.text().endswith("\n") and watch.reports()
        watch.process.send_signal(signal.SIGINT)
        assert watch.ended() == -signal.SIGINT


def test_doctor_of_a_healthy_host(host):
    done = host.run("doctor")
    assert done.returncode == 0 and done.stderr == b""
    assert b"Everything that exists can be read." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    report = json.loads(host.run("doctor", "--json").stdout)
    assert report["healthy"] is True and report["missing_events"] == [] and report["guests"] == 1
    assert {s["name"]: s["state"] for s in report["sources"]}["debugfs"] == "active"


@pytest.mark.parametrize("mode, bpf_reads", [("integrity", True), ("confidentiality", False)])
def test_doctor_names_who_reads_under_lockdown(host, mode, bpf_reads):
    write(host.root + "/sys/kernel/security/lockdown", "none integrity confidentiality\n".replace(mode, "[%s]" % mode))
    said = " ".join(host.run("doctor").stdout.decode().split())
    lockdown = said[said.index("lockdown " + mode):said.index(" sample taken")]
    assert "statsfd and libvirt" in lockdown and "vCPUs" in lockdown and "only" not in lockdown
    assert ("the source bpf can read them" in lockdown) == bpf_reads
    report = json.loads(host.run("doctor", "--json").stdout)
    debugfs = {source["name"]: source["text"] for source in report["sources"]}["debugfs"]
    assert "statsfd and libvirt can read those of vCPUs" in debugfs
    assert ("the source bpf can read them" in debugfs) == bpf_reads
    reason = report["missing_events"][0]["reason"]
    assert ", and of the sources that could read them bpf is missing: " in reason and "; statsfd is missing: " in reason
    assert "libvirt" not in reason


def test_doctor_under_lockdown(host):
    write(host.root + "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n")
    done = host.run("doctor")
    assert done.returncode == 1 and b"integrity" in done.stdout and b"\n  refused " in done.stdout
    done = host.run("doctor", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1 and report["healthy"] is False and report["lockdown"] == "integrity"
    missing = {event["event"]: event["reason"] for event in report["missing_events"]}
    assert "exits" in missing and "lockdown" in missing["exits"]
    done = host.run("0.2", "1")
    assert done.returncode == 0 and b"lockdown" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_doctor_without_kvm(tmp_path):
    done = run("--root", str(tmp_path), "doctor")
    assert done.returncode == 1 and b"no-kvm" in done.stdout


def test_problem_is_told_when_it_is_over(host):
    lockdown = host.root + "/sys/kernel/debug/kvm"
    os.rename(lockdown, lockdown + ".away")
    os.rename(host.root + "/dev/kvm", host.root + "/dev/kvm.away")
    with Watch(host, "--json", "0.2") as watch:
        with watch.between_samples():
            told = watch.said().splitlines()
            os.rename(lockdown + ".away", lockdown)
            os.rename(host.root + "/dev/kvm.away", host.root + "/dev/kvm")
        rig.wait_until(lambda: len(watch.said().splitlines()) >= 2 * len(told), "it is over")
        before = len(watch.reports())
        rig.wait_until(lambda: len(watch.reports()) > before, "another report")
        assert told and len(told) == len(set(told))
        assert watch.said().splitlines() == told + ["kvmstat: over: " + line[len("kvmstat: "):] for line in told]
