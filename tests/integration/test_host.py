# SPDX-License-Identifier: MIT
"""What cannot be read is told once, with the reason, and nothing is invented; as found on this host, and on hosts made of files."""
import json
import os
import shutil
import subprocess

import pytest

import rig

LOCKDOWN = "/sys/kernel/security/lockdown"
NO_CAPABILITY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


def found_lockdown():
    """"none", "integrity", "confidentiality", or None where it cannot be told."""
    try:
        with open(LOCKDOWN, encoding="ascii") as file:
            return file.read().partition("[")[2].partition("]")[0]
    except OSError:
        return None


def lines_with(text, *words):
    return [line for line in text.splitlines() if any(word in line for word in words)]


def test_lockdown_of_this_host(live, agent):
    lockdown = found_lockdown()
    if lockdown is None:
        pytest.skip("this kernel has no lockdown, or securityfs is not mounted, which the tests do as root")
    assert live["lockdown"] == lockdown
    assert lockdown.encode() in agent().snmpd.tool("snmpget", "KVMSTAT-MIB::kvmHostLockdown.0")


def test_debugfs_alone_on_this_host(live, vmm):
    """Under lockdown only what may fall is read, and the kernel has nothing to refuse; without it, all is as with any source."""
    if not os.access("/sys/kernel/debug/kvm", os.R_OK):
        pytest.skip("no debugfs with KVM's directory for this user; root's tests mount it")
    guest = vmm(vcpus=2)
    guest.command("halt 9")
    refusals = rig.run("dmesg", check=False).count(b"Lockdown: kvmstat")
    report = rig.kvmstat_json("-oSource=debugfs", "--all", "events", guest.name, "0.1", "2")
    rows = {row["event"]: row for row in report["events"]}
    if found_lockdown() in ("integrity", "confidentiality"):
        assert rows["blocking"]["value"] == 0 and rows["blocking"]["source"] == "debugfs"
        for row in rows.values():
            assert (row["value"] is None) == (row["class"] != "instant"), row
            assert row["value"] is not None or "lockdown" in row["reason"], row
        assert rig.run("dmesg", check=False).count(b"Lockdown: kvmstat") == refusals
    else:
        assert {event: rows[event]["value"] for event in guest.events()} == guest.events()


@pytest.fixture
def empty(tmp_path):
    """A host with /proc and without KVM."""
    root = tmp_path / "empty"
    (root / "proc").mkdir(parents=True)
    (root / "sys").mkdir()
    return root


def test_no_kvm_is_told_once_and_once_when_it_is_over(empty, tree, agent, collectd):
    subagent = agent("Root %s" % empty)
    daemon = collectd('Root "%s"' % empty)
    manager = subagent.snmpd
    rig.wait_until(lambda: daemon.self_metric("guests") == 0, "collectd reads")
    manager.more_samples(3)
    for program in (subagent, daemon):
        told = lines_with(program.text(), "KVM", "kvm module", "no-kvm")
        assert len([line for line in told if "kvm module" in line or "/dev/kvm" in line]) == 1, program.text()
    assert manager.get("kvmHostGuests.0") == 0
    assert not daemon.instances()

    # At once, by what rename(2) does with an empty directory: a pass amid it would see KVM without debugfs.
    root, _ = tree(guests=3)
    for name in ("proc", "sys"):
        (root / name).rename(empty / name)
    rig.wait_until(lambda: manager.get("kvmHostGuests.0") == 3, "the guests are found when KVM is loaded")
    rig.wait_until(lambda: daemon.self_metric("guests") == 3, "and by collectd")
    for program in (subagent, daemon):
        rig.wait_until(lambda p=program: len(lines_with(p.text(), "over:", "has KVM now", "over")) == 1, "it is over, once")


def test_no_debugfs(tree, agent):
    """Nothing that could be read: the guests are still there, without any event."""
    root, host = tree(guests=3)
    shutil.rmtree(str(root / "sys/kernel/debug"))
    subagent = agent("Root %s" % root)
    manager = subagent.snmpd
    assert sorted(manager.names().values()) == sorted(guest["name"].encode() for guest in host["guests"])
    assert not manager.walk("kvmGuestEventHCCount")
    manager.more_samples(3)
    assert [line for line in lines_with(subagent.text(), "debugfs") if "no debugfs" in line], subagent.text()
    lines = subagent.text().splitlines()
    assert len(lines) == len(set(lines)), "a message is repeated:\n" + subagent.text()


def test_sources_in_the_log(tree, agent):
    """What is used or missing is told once, at the start; what is not needed only to those who look for it."""
    root, _ = tree(guests=1)
    for wrapper, unused in (((), 0), (("sh", "-c", 'exec "$@" -d', "sh"), 1)):
        subagent = agent("Root %s" % root, wrapper=wrapper)
        subagent.snmpd.more_samples(2)
        text = subagent.text()
        assert len(lines_with(text, "source debugfs: active")) == 1, text
        assert len(lines_with(text, "source bpf: missing")) == 1, text
        for source in ("proc", "tracepoint", "libvirt"):
            assert len(lines_with(text, "source %s: unused" % source)) == unused, text
            assert len(lines_with(text, "source %s" % source)) == unused, text


def test_debugfs_that_is_not_mounted():
    """In a mount namespace of its own, so nothing of this host changes."""
    if os.getuid() != 0 or not os.path.ismount("/sys/kernel/debug"):
        pytest.skip("it takes root, and a kernel with debugfs")
    if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no mount namespace can be made here (in a chroot that is no mount point, for one)")
    script = "umount -l /sys/kernel/debug && exec %s -oSource=debugfs --json doctor" % rig.built("kvmstat")
    report = json.loads(rig.run("unshare", "-m", "sh", "-c", script, check=False))
    debugfs = {source["name"]: source for source in report["sources"]}["debugfs"]
    assert debugfs["state"] == "missing" and "mount -t debugfs" in debugfs["text"]
    assert not report["healthy"]


def test_what_the_tests_mount():
    """tests/mounted: all that the kernel has, for its command alone."""
    if os.getuid() != 0:
        pytest.skip("it takes root to mount")
    if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no mount namespace can be made here (in a chroot that is no mount point, for one)")
    with open("/proc/filesystems", encoding="ascii") as file:
        known = {"debugfs", "tracefs", "securityfs"} & set(file.read().split())
    script = "for name in debug tracing security; do umount -l /sys/kernel/$name; done 2>/dev/null; %s cat /proc/self/mounts; cat /proc/self/mounts"
    lines = rig.run("unshare", "-m", "sh", "-c", script % os.path.join(rig.REPO, "tests/mounted")).decode().splitlines()
    mounted = [line.split()[2] for line in lines if line.split()[1] in ("/sys/kernel/debug", "/sys/kernel/tracing", "/sys/kernel/security")]
    assert sorted(mounted) == sorted(known), lines


@pytest.mark.parametrize("who", ["root", "nobody"])
def test_no_capability(live, vmm, collectd, who, tmp_path):
    """What is denied says which capability is missing; counters that cannot be read are absent, not 0."""
    if not shutil.which("setpriv") or os.getuid() != 0:
        pytest.skip("it takes root and setpriv to give capabilities away")
    guest = vmm()
    guest.command("halt 21")
    program = shutil.copy(rig.built("kvmstat"), "/tmp/kvmstat-it-%d" % os.getpid())
    try:
        user = ("--reuid=65534", "--regid=65534", "--clear-groups") if who == "nobody" else ()
        report = json.loads(rig.run(*NO_CAPABILITY, *user, program, "--json", "doctor", check=False))
    finally:
        os.unlink(program)
    bpf = {source["name"]: source for source in report["sources"]}["bpf"]
    if bpf["state"] == "missing":
        pytest.skip("the source bpf is not there anyway: " + bpf["text"])
    assert bpf["state"] == "denied" and "CAP_BPF" in bpf["text"], bpf
    assert not report["healthy"]

    if who == "root" and found_lockdown() in ("integrity", "confidentiality"):
        daemon = collectd('Guest "%s"\nSkipNeverSeen false' % guest.name, wrapper=NO_CAPABILITY)
        rig.wait_until(lambda: daemon.self_metric("values") is not None and daemon.self_metric("guests") == 1, "collectd has the guest")
        rows = rig.wait_until(lambda: len(daemon.rows(guest.name, "blocking", "gauge")) > 3 and 1, "four passes")
        assert rows and daemon.last(guest.name, guest.halt_event) is None
        told = lines_with(daemon.text(), "CAP_BPF")
        assert len(told) <= 2 and len(set(told)) == len(told), daemon.text()


def test_broken_options_are_logged_and_collectd_goes_on(collectd, tree):
    root, _ = tree(guests=2)
    daemon = collectd('Root "%s"\nEvent "/(/"\nEvent "exit_instructoin"\nNoSuchOption 1\nEvent "exit_instruction"' % root)
    rig.wait_until(lambda: len(daemon.instances()) == 2, "the guests are there all the same")
    assert set(daemon.values("linux01")) == {"exit_instruction"}
    text = daemon.text()
    for word in ("/(/", "exit_instructoin", "NoSuchOption"):
        assert len(lines_with(text, word)) == 1, text
    assert "Event: /(/: " in lines_with(text, "/(/")[0]
