# SPDX-License-Identifier: MIT
"""The source statsfd: what the VMM keeps is read as bpf reads it, and nothing of it is kept."""
import json
import os
import shutil
import signal
import subprocess

import pytest

import rig

KEEP = ("--keep-stats-fds",)
DEBUGFS = "/sys/kernel/debug/kvm"


def supported():
    """KVM_GET_STATS_FD is of 5.14, its reference to the VM of 6.5 and of some stable kernels before."""
    return tuple(int(n) for n in os.uname().release.split("-")[0].split(".")[:2]) >= (5, 14)


pytestmark = pytest.mark.skipif(not supported(), reason="this kernel has no binary statistics (Linux 5.14)")


def values(guest, source, *options):
    report = rig.kvmstat_json("-oSource=" + source, *options, "--all", "events", guest, "0.1", "2")
    return {row["event"]: row for row in report["events"]}


def source(name, *options, prefix=()):
    output = subprocess.run([*prefix, rig.built("kvmstat"), *options, "--json", "doctor"], capture_output=True, check=False, timeout=rig.PATIENCE)
    report = json.loads(output.stdout)
    return report, {source["name"]: source for source in report["sources"]}[name]


def test_equal_to_bpf(live, vmm):
    """Every event of the vCPUs, histograms too, and with this VMM those of the VM."""
    if {s["name"]: s["state"] for s in live["sources"]}["bpf"] != "active":
        pytest.skip("no bpf source to compare with")
    guest = vmm(vcpus=3, options=(*KEEP, "--threads"))
    guest.command("run 1234")
    guest.command("halt 56")
    histograms = "-oReportHistograms=true"
    stats, bpf = values(guest.name, "statsfd", histograms), values(guest.name, "bpf", histograms)
    assert {event: row["value"] for event, row in stats.items()} == {event: row["value"] for event, row in bpf.items()}
    for event, row in stats.items():
        assert row["source"] == "statsfd", row
        assert (row["class"], row["unit"], row["scope"]) == tuple(bpf[event][key] for key in ("class", "unit", "scope"))
    assert {event: stats[event]["value"] for event in guest.events()} == guest.events()
    assert stats[guest.run_event]["value"] == 3 * (1234 + 56)


def test_busy_guest_between_two_of_bpf(vmm):
    """Sums taken between two of bpf are between them."""
    guest = vmm(vcpus=2, options=(*KEEP, "--threads"))
    guest.command("spin")
    event = "exits" if os.uname().machine == "x86_64" else "exit_null"
    seen = [values(guest.name, name)[event]["value"] for name in ("bpf", "statsfd", "bpf")]
    guest.command("stop")
    assert seen == sorted(seen), seen


def test_guests_without_are_covered(vmm):
    """What one VMM does not keep, the next source reads; without one, it is absent and told."""
    keeps, not_kept = vmm(options=KEEP), vmm(vcpus=2)
    for guest in (keeps, not_kept):
        guest.command("run 77")
    only = "-oGuest=/^(%s|%s)$/" % (keeps.name, not_kept.name)
    for guest in (keeps, not_kept):
        both = values(guest.name, "statsfd,bpf", only)
        assert {event: both[event]["value"] for event in guest.events()} == guest.events()
        assert both[guest.run_event]["source"] == "statsfd"
    alone = values(not_kept.name, "statsfd", only)
    assert all(row["value"] is None for row in alone.values())
    report, statsfd = source("statsfd", "-oSource=statsfd", only)
    assert statsfd["state"] == "partial" and "8.1" in statsfd["text"] and not_kept.name in statsfd["text"]
    told = {problem["name"]: problem for problem in report["problems"]}["unreadable"]
    assert told["active"] and not_kept.name in told["text"]
    report, statsfd = source("statsfd", "-oSource=statsfd bpf", only)
    assert not any(problem["active"] for problem in report["problems"]), report["problems"]


def test_bpf_leaves_it_alone(vmm):
    vmm(options=KEEP)
    assert source("statsfd")[1]["state"] == "unused"


def test_two_vms_of_a_process(vmm):
    guest = vmm(vms=2, options=KEEP)
    _, statsfd = source("statsfd", "-oSource=statsfd", "-oGuest=/^%s/" % guest.name)
    assert statsfd["state"] == "missing" and "several VMs" in statsfd["text"]


def kvm_fds(pid):
    """Of other programs' guests: the collector has none of its own. (It keeps what names the VMM's process, which pins neither VM nor memory.)"""
    found = []
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            target = os.readlink("/proc/%d/fd/%s" % (pid, fd))
        except FileNotFoundError:
            continue
        if target.startswith("anon_inode:kvm"):
            found.append(target)
    return found


@pytest.fixture
def watcher(started, place):
    """kvmstat that takes ten samples a second, which is the most that it takes."""
    def make(*options):
        args = [rig.built("kvmstat"), "-oSource=statsfd debugfs", *options, "--all", "events", "0.1", "1000000"]
        program = rig.Program(args, place("watcher") / "log")
        started.append(program)
        return program
    return make


def test_no_fd_is_left(vmm, watcher):
    """Between passes nothing of the guest's is open, and nothing gathers."""
    guest = vmm(vcpus=4, options=KEEP)
    program = watcher("-oGuest=" + guest.name)
    rig.wait_until(lambda: "statsfd" in program.text(), "values come")
    counts = set()
    for _ in range(20):
        with rig.stopped_between_samples(program.process):
            assert kvm_fds(program.pid) == []
            counts.add(len(os.listdir("/proc/%d/fd" % program.pid)))
    assert len(counts) == 1, counts


def directories(guest):
    return [name for name in os.listdir(DEBUGFS) if name.startswith("%d-" % guest.pid)]


def test_nothing_is_pinned(vmm, watcher):
    """While samples are taken, a VM that is closed is gone, and one that is made has its directory."""
    if not os.access(DEBUGFS, os.R_OK):
        pytest.skip("no debugfs with KVM's directory for this user; root's tests mount it")
    guest = vmm(vcpus=2, options=KEEP)
    programs = [watcher("-oGuest=" + guest.name) for _ in range(3)]
    for program in programs:
        rig.wait_until(lambda p=program: "statsfd" in p.text(), "values come")
    for _ in range(30):
        guest.command("close 0")
        rig.wait_until(lambda: not directories(guest), "the directory is gone")
        guest.command("create 0")
        assert len(directories(guest)) == 1
        guest.command("run 10")
    expected = guest.events()
    rows = values(guest.name, "statsfd debugfs")
    assert {event: rows[event]["value"] for event in expected} == expected


def test_killed_between_passes(vmm, watcher):
    guest = vmm(vcpus=2, options=KEEP)
    pid = guest.pid
    program = watcher("-oGuest=/^%s/" % guest.name)
    rig.wait_until(lambda: "statsfd" in program.text(), "values come")
    os.killpg(pid, signal.SIGKILL)
    guest.process.wait()
    seen = len(program.text())
    rig.wait_until(lambda: len(program.text()) > seen, "reports go on")
    if os.access(DEBUGFS, os.R_OK):
        rig.wait_until(lambda: not directories(guest), "its directory is gone")
    assert program.process.poll() is None
    assert not [line for line in program.text().splitlines() if "rror" in line]


def test_denied_with_the_remedy(vmm):
    if os.getuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("it takes root, who gives up a capability, and setpriv (Debian: util-linux)")
    guest = vmm(options=KEEP)
    without = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")
    for order in ("statsfd", "statsfd debugfs"):
        report, statsfd = source("statsfd", "-oSource=" + order, prefix=without)
        assert statsfd["state"] == "denied" and "CAP_SYS_PTRACE" in statsfd["text"], statsfd
        # Without a lockdown debugfs has what is needed.
        assert report["healthy"] == ("debugfs" in order and report["lockdown"] == "none"), report
    rows = json.loads(subprocess.run([*without, rig.built("kvmstat"), "-oSource=statsfd debugfs", "--json", "--all", "events", "0.1", "2"],
                                     capture_output=True, check=True, timeout=rig.PATIENCE).stdout.splitlines()[-1])["events"]
    assert all(row["source"] != "statsfd" for row in rows)
    assert guest.name


def test_qemu(qemu):
    """QEMU keeps them since 8.1."""
    version = rig.run("qemu-system-x86_64", "--version").split()[3].decode() if shutil.which("qemu-system-x86_64") else ""
    if not version or tuple(int(n) for n in version.split(".")[:2]) < (8, 1):
        pytest.skip("QEMU %s keeps no statistics fds: 8.1 does (Debian 13)" % (version or "is not there"))
    name = "it-%d-statsfd" % os.getpid()
    qemu(name.encode(), b"-smp", b"2")
    only = "-oGuest=" + name
    rig.wait_until(lambda: json.loads(rig.kvmstat("--json", "-oSource=statsfd", only, "guests", "0.1", "2").splitlines()[-1])["guests"],
                   "the guest is found")
    seen = [values(name, source, only)["exits"] for source in ("bpf", "statsfd", "bpf")]
    assert [row["source"] for row in seen] == ["bpf", "statsfd", "bpf"]
    assert 0 < seen[0]["value"] <= seen[1]["value"] <= seen[2]["value"]
    # It keeps none of the VM: whether somebody else has its events is told.
    statsfd = source("statsfd", "-oSource=statsfd", only)[1]
    assert statsfd["state"] == "active" and "debugfs or libvirt" in statsfd["text"]
    assert source("statsfd", "-oSource=statsfd bpf", only)[1]["text"] == ""
