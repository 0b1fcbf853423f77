# SPDX-License-Identifier: MIT
"""A collector in namespaces of its own, as a container has them: with the host's pid namespace, and without it."""
import json
import os
import shutil
import subprocess

import pytest

import rig

SEEN = "mount -t debugfs none /sys/kernel/debug && mount -t securityfs none /sys/kernel/security; "
RUN = 'exec "$0" "$@"'

# A file system of its own, with nothing of the host but programs, /proc, /sys and what is mounted in.
ROOT = """
mount -t tmpfs none "$ROOT" || exit 77
for directory in usr lib lib64 bin sbin; do
	[ ! -d /$directory ] || { mkdir "$ROOT/$directory" && mount --rbind /$directory "$ROOT/$directory"; } || exit 77
done
mkdir "$ROOT/proc" "$ROOT/sys" "$ROOT/out" && cp "$0" "$ROOT/kvmstat" || exit 77
mount --rbind /proc "$ROOT/proc" && mount --rbind /sys "$ROOT/sys" || exit 77
exec chroot "$ROOT" /kvmstat "$@"
"""


def inside(script, *args, unshare=("-m",), env=None):
    """What kvmstat says in there; skips where no such place can be made."""
    if os.getuid() != 0 or not shutil.which("unshare"):
        pytest.skip("it takes root and unshare (util-linux) to make namespaces")
    if subprocess.run(["unshare", *unshare, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("no namespaces can be made here")
    done = subprocess.run(["unshare", *unshare, "sh", "-c", script, rig.built("kvmstat"), *args], capture_output=True, check=False,
                          timeout=rig.PATIENCE, env={**os.environ, **(env or {})})
    if done.returncode == 77:
        pytest.skip("nothing can be mounted here: " + done.stderr.decode())
    return done


def values(output):
    return {row["event"]: row["value"] for row in json.loads(output.splitlines()[-1])["events"] if row["value"] is not None}


def test_container_with_the_hosts_pid_namespace(vmm, tmp_path):
    """Names come from /proc, values from where they always do; nothing else of the host is needed."""
    guest = vmm(vcpus=2)
    guest.command("halt 19")
    for source in ("auto", "debugfs"):
        done = inside(SEEN + ROOT, "-oSource=" + source, "--json", "--all", "events", guest.name, "0.1", "1", env={"ROOT": str(tmp_path)})
        assert done.returncode == 0, done.stderr
        found = values(done.stdout)
        if source == "auto" or b"lockdown" not in done.stderr:
            assert {event: found[event] for event in guest.events()} == guest.events()
        assert "blocking" in found


def test_container_with_the_hosts_pid_namespace_and_no_debugfs(vmm, tmp_path):
    guest = vmm()
    guest.command("halt 18")
    script = "umount -l /sys/kernel/debug 2>/dev/null; " + ROOT
    done = inside(script, "--json", "--all", "events", guest.name, "0.1", "1", env={"ROOT": str(tmp_path)})
    if done.returncode:
        pytest.skip("no other source can read counters here: " + done.stderr.decode())
    found = values(done.stdout)
    assert {event: found[event] for event in guest.events()} == guest.events()


def in_own_pids(*args, script=SEEN):
    return inside(script + RUN, *args, unshare=("-m", "-p", "-f", "--mount-proc"))


def directories(guest):
    return {"%d-%d" % (seen["tid"], seen["fd"]) for seen in guest.guests()}


def test_container_with_pids_of_its_own(vmm):
    """The guests are there, without names, and it is said why; none is left out without a word."""
    guest = vmm(vms=2)
    guest.command("halt 17")
    for source in ("auto", "bpf,debugfs", "debugfs"):
        done = in_own_pids("-oSource=" + source, "--json", "--totals", "0.1", "1")
        assert done.returncode == 0
        assert directories(guest) <= {row["name"] for row in json.loads(done.stdout)["guests"]}
        assert [line for line in done.stderr.splitlines() if b"pid namespace" in line and b"--pid=host" in line], done.stderr
    report = json.loads(in_own_pids("--json", "doctor").stdout)
    assert not report["healthy"]
    bpf = {source["name"]: source for source in report["sources"]}["bpf"]
    assert bpf["state"] == "missing" and "--pid=host" in bpf["text"]
    assert [problem for problem in report["problems"] if problem["name"] == "unnamed" and problem["active"]]


def test_container_with_pids_of_its_own_and_no_debugfs(vmm):
    """Then there is nothing to see, which is not the same as that there is nothing."""
    vmm()
    done = in_own_pids("0.1", "1", script="umount -l /sys/kernel/debug 2>/dev/null; ")
    assert b"No KVM guests are visible; see 'kvmstat doctor'." in done.stdout, done.stdout
    assert b"--pid=host" in done.stderr


def test_capture_in_a_container(vmm, tmp_path):
    guest = vmm(vcpus=2)
    guest.command("halt 16")
    done = inside(SEEN + RUN, "-o", "Guest=" + guest.name, "capture", str(tmp_path / "host"))
    assert done.returncode == 0 and b"captured 1 guests" in done.stdout, done.stderr
    found = rig.kvmstat_values(guest.name, root=tmp_path / "host")
    assert {event: found[event] for event in guest.events()} == guest.events()
    directory = tmp_path / "host/sys/kernel/debug/kvm" / directories(guest).pop()
    lockdown = tmp_path / "host/sys/kernel/security/lockdown"
    if lockdown.exists() and "[none]" not in lockdown.read_text():
        assert os.stat(directory / guest.halt_event).st_mode & 0o777 == 0o440
        assert os.stat(directory / "blocking").st_mode & 0o777 == 0o444

    done = in_own_pids("capture", str(tmp_path / "foreign"))
    assert done.returncode == 0, done.stderr
    names = {row["name"] for row in rig.kvmstat_json("0.1", "1", root=tmp_path / "foreign")["guests"]}
    assert directories(guest) <= names
