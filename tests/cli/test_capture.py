# SPDX-License-Identifier: MIT
"""kvmstat capture: the tree says what the host said, tells nothing that it is not to tell, and is whole or not there."""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading

import pytest
from host import KVMSTAT, Host, refused, rig, run, write

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trees"))
import kernels  # noqa: E402
import maketree  # noqa: E402

SECRET = b"s3cr3t"
UUID = "c0ffee00-1111-4222-8333-%012d"
UID = 4242424242  # so long that no inode number and no time has it in it


def capture(root, to, *options, **more):
    return run("--root", str(root), "capture", str(to), *options, **more)


def captured(root, to, *options):
    done = capture(root, to, *options)
    assert (done.returncode, done.stderr) == (0, b""), done
    return to


def report(root, *args):
    return json.loads(run("--json", "--all" if "events" in args else "--totals", "--root", str(root), *args, "0.1", "1").stdout)


def guests(root):
    """{pid: row}, which does not depend on the order in which a directory lists them."""
    rows = report(root, "guests")["guests"]
    return {row["pid"]: row for row in rows}


def events(root, pid):
    return {row["event"]: row for row in report(root, "events", "pid:%d" % pid)["events"]}


def doctor(root):
    said = json.loads(run("--json", "--root", str(root), "doctor").stdout)
    return {key: said[key] for key in ("healthy", "cpus", "guests", "vcpus", "lockdown", "unnamed_guests", "missing_events")}


def check_same(root, tree, pids):
    assert guests(root) == guests(tree)
    assert doctor(root) == doctor(tree)
    for pid in pids:
        assert events(root, pid) == events(tree, pid)


def everything(top):
    """Every name, every link and every byte below a directory."""
    for directory, names, files in os.walk(os.fsencode(top)):
        for name in names + files:
            path = os.path.join(directory, name)
            yield name
            if os.path.islink(path):
                yield os.fsencode(os.readlink(path))
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    yield file.read()


# ---- it says the same ----

@pytest.mark.parametrize("kernel", kernels.names())
def test_round_trip(tmp_path, kernel):
    made = kernels.make(tmp_path / "host", {"kvm": kernel})
    tree = captured(tmp_path / "host", tmp_path / "tree")
    check_same(tmp_path / "host", tree, [made[-1].pid])
    for guest in made:
        for vcpu in range(guest.vcpus):
            path = "proc/%d/task/%d/schedstat" % (guest.pid, guest.pid + 1 + vcpu)
            assert (tree / path).read_text() == (tmp_path / "host" / path).read_text()
    # The kernel's names and modes as well, old ones too.
    for row in kernels.table(kernel):
        path = "sys/kernel/debug/kvm/" + row.file
        if not kernels.is_histogram(row):
            assert os.stat(tmp_path / "tree" / path).st_mode & 0o777 == row.mode


def test_two_kvms(tmp_path):
    made = kernels.make(tmp_path / "host", {"kvm": "s390x-7.1", "kvm-arm64": "arm64-7.1"})
    tree = captured(tmp_path / "host", tmp_path / "tree")
    check_same(tmp_path / "host", tree, [guest.pid for guest in made])
    assert sorted(os.listdir(tree / "sys/kernel/debug")) == ["kvm", "kvm-arm64"]


def test_what_was_refused_stays_refused(tmp_path):
    made = kernels.make(tmp_path / "host", {"kvm": "s390x-6.12"}, lockdown="integrity")
    tree = captured(tmp_path / "host", tmp_path / "tree")
    assert (tree / "sys/kernel/security/lockdown").read_text() == "none [integrity] confidentiality\n"
    assert doctor(tree)["missing_events"]
    check_same(tmp_path / "host", tree, [guest.pid for guest in made])


def test_what_was_read_in_spite_of_lockdown_stays_readable(tmp_path):
    """A host that was captured so, captured once more."""
    made = kernels.make(tmp_path / "host", {"kvm": "s390x-6.12"})
    first = captured(tmp_path / "host", tmp_path / "first")
    lockdown = first / "sys/kernel/security/lockdown"
    lockdown.chmod(0o644)
    lockdown.write_text("none [integrity] confidentiality\n")
    for directory, _, files in os.walk(first / "sys/kernel/debug/kvm"):
        for name in files:
            if os.stat(os.path.join(directory, name)).st_mode & 0o200:
                os.chmod(os.path.join(directory, name), 0o440)
    tree = captured(first, tmp_path / "tree")
    for guest in made:
        rows = events(tree, guest.pid)
        assert {name: row["value"] for name, row in rows.items()} == {
            row.event: guest.values[row.event] for row in kernels.table("s390x-6.12") + kernels.UNKNOWN if not kernels.is_histogram(row)}
        assert rows["zz_new_counter"]["class"] == "cumulative" and rows["zz_new_level"]["class"] == "instant"
    assert doctor(tree)["lockdown"] == "integrity" and doctor(tree)["healthy"]
    check_same(first, tree, [])


@pytest.fixture
def odd(tmp_path):
    """Every awkward name, two guests of one name, VMs that were made by another thread."""
    root = tmp_path / "host"
    return root, maketree.make_tree(str(root), "s390x-4.18", guests=8, odd=True)


def test_odd_names(odd, tmp_path):
    root, host = odd
    tree = captured(root, tmp_path / "out" / ".." / "tree" if (tmp_path / "out").mkdir() else tmp_path / "tree")
    check_same(root, tree, [guest["pid"] for guest in host["guests"]][::5])
    assert any(guest["tid"] != guest["pid"] for guest in host["guests"])
    # Nothing beside it, wherever a name might have led.
    assert sorted(os.listdir(tmp_path)) == ["host", "out", "tree"] and not os.listdir(tmp_path / "out")
    assert sorted(os.listdir(tree)) == ["dev", "proc", "report.txt", "sys"]


def test_a_command_line_that_is_not_to_be_had(tmp_path):
    """Who opens a FIFO waits for its writer, as who reads the command line of a process may wait for that."""
    host = Host(tmp_path / "host")
    host.guest("silent", exits=5)
    host.guest("web", exits=7)
    cmdline = tmp_path / "host/proc/1000/cmdline"
    cmdline.unlink()
    os.mkfifo(cmdline)
    done = capture(tmp_path / "host", tmp_path / "tree")
    assert done.returncode == 0, done
    assert done.stderr.decode().count("\n") == 1 and "the command line of process 1000 is left out" in done.stderr.decode()
    assert not (tmp_path / "tree/proc/1000/cmdline").exists()
    assert (tmp_path / "tree/proc/1010/cmdline").read_bytes() == (tmp_path / "host/proc/1010/cmdline").read_bytes()
    assert {row["name"]: row["pid"] for row in guests(tmp_path / "tree").values()} == {"qemu-system-x86-1000": 1000, "web": 1010}
    assert [events(tmp_path / "tree", pid)["exits"]["value"] for pid in (1000, 1010)] == [5, 7]


def test_some_guests_and_events_only(tmp_path):
    kernels.make(tmp_path / "host", {"kvm": "x86-6.1"})
    options = ["-o", "Guest=guest-1", "-o", "Event=io_exits"]
    tree = captured(tmp_path / "host", tmp_path / "tree", *options)
    assert [row["name"] for row in guests(tree).values()] == ["guest-1"]
    assert set(events(tree, 3100)) == {"exits", "io_exits"} or set(events(tree, 3100)) == {"io_exits"}
    assert not [data for data in everything(tree) if b"guest-0" in data]


def test_every_guest_is_captured(tmp_path):
    """Also where an option leaves most of them to one row."""
    kernels.make(tmp_path / "host", {"kvm": "x86-6.1"}, guests=4)
    tree = captured(tmp_path / "host", tmp_path / "tree", "-o", "TopGuests=1", "-o", "ReportVcpus=no")
    assert guests(tree) == guests(tmp_path / "host") and len(guests(tree)) == 4


def test_guests_without_events(tmp_path):
    kernels.make(tmp_path / "host", {"kvm": "x86-6.1"})
    shutil.rmtree(tmp_path / "host/sys/kernel/debug")
    tree = captured(tmp_path / "host", tmp_path / "tree")
    assert len(guests(tree)) == 2 and guests(tree) == guests(tmp_path / "host")
    assert doctor(tree) == doctor(tmp_path / "host")


def test_report(tmp_path):
    kernels.make(tmp_path / "host", {"kvm": "s390x-4.18"})
    tree = captured(tmp_path / "host", tmp_path / "tree")
    text = (tree / "report.txt").read_text()
    ino = os.stat(tmp_path / "host/sys/kernel/debug/kvm/3000-11").st_ino
    assert [line for line in text.splitlines() if line.split()[:5] == ["3000", "11", "kvm", "3000-11", str(ino)]]
    assert [line for line in text.splitlines() if line.split()[:2] == ["exit_userspace", "userspace_handled"]]
    for word in ("kvmstat --root", "version   kvmstat ", "lockdown  none", "CPUs      8 online", "Output of 'kvmstat doctor'", "Sources\n"):
        assert word in text, word
    before = os.stat(tmp_path / "host/sys/kernel/debug/kvm/3000-11").st_ctime_ns
    assert os.stat(tree / "sys/kernel/debug/kvm/3000-11").st_mtime_ns == before


# ---- scrubbed ----

def secret_process(root, pid, args, comm, fd=9):
    proc = "%s/proc/%d" % (root, pid)
    write(proc + "/cmdline", b"\0".join(args) + b"\0")
    write(proc + "/comm", comm[:15] + b"\n")
    write(proc + "/stat", b"%d (%s) S 1 %s 77 0 0\n" % (pid, comm[:15], b" ".join([b"0"] * 17)))
    write(proc + "/status", b"Name:\t%s\nTgid:\t%d\nPid:\t%d\nUid:\t%d\n" % (comm[:15], pid, pid, UID))
    write(proc + "/cgroup", b"0::/machine.slice/machine-qemu\\x2d1\\x2d%s.scope\n" % SECRET)
    for link, target in ((3, b"/var/lib/%s/disk" % SECRET), (fd, b"anon_inode:kvm-vm"), (fd + 1, b"anon_inode:kvm-vcpu:0")):
        os.makedirs(proc + "/fd", exist_ok=True)
        os.symlink(target, "%s/fd/%d" % (proc, link))
    for tid, name in ((pid, comm[:15]), (pid + 1, b"CPU 0/KVM"), (pid + 2, SECRET + b"-io")):
        write("%s/task/%d/comm" % (proc, tid), name + b"\n")
        write("%s/task/%d/schedstat" % (proc, tid), b"%d 20 3\n" % (pid * 10))
        write("%s/task/%d/status" % (proc, tid), b"Name:\t%s\n" % name)
    directory = "%s/sys/kernel/debug/kvm/%d-%d" % (root, pid, fd)
    kernels.write_stats(directory, kernels.table("x86-6.1"), {"exits": pid, "io_exits": 2 * pid})


PROGRAMS = [
    ([b"/opt/%s/qemu-system-x86_64" % SECRET, b"-name", b"guest=%s,,Bank,process=%s" % (SECRET, SECRET), b"-m", b"2G",
      b"-uuid", UUID.encode() % 1, b"-append", b"password=" + SECRET, b"-drive", b"file=/srv/%s.img" % SECRET], SECRET + b"-worker"),
    ([b"qemu-kvm", b"-name", b"guest=%s,,Bank" % SECRET, b"-m", b"1G", b"-uuid", UUID.encode() % 1], b"qemu-kvm"),
    ([b"firecracker", b"--id", SECRET, b"--config-file", b"/etc/%s.json" % SECRET], b"firecracker"),
    ([b"cloud-hypervisor", b"--api-socket", b"/run/%s.sock" % SECRET, b"--memory", b"size=1G",
      b"--platform", b"uuid=" + UUID.encode() % 2], b"cloud-hyperviso"),
    ([b"crosvm", b"run", b"--name", SECRET + b"-c", b"--mem", b"512", b"/srv/" + SECRET], b"crosvm"),
    ([b"/opt/kata/bin/containerd-shim-kata-v2", b"-namespace", SECRET, b"-id", SECRET + b"-k8s"], b"containerd-shim"),
    ([b"lkvm", b"run", b"--name", SECRET + b"-k", b"-m", b"256"], b"lkvm"),
    ([b"/opt/%s-vmm" % SECRET, b"--name", SECRET + b"-u", b"--token=" + SECRET], SECRET + b"-vmm"),
]


@pytest.fixture
def secrets(tmp_path):
    root = str(tmp_path / "host")
    kernels.write_host(root, "none")
    write(root + "/proc/sys/kernel/random/boot_id", "b007b007-%s\n" % SECRET.decode())
    kernels.write_stats(root + "/sys/kernel/debug/kvm", kernels.table("x86-6.1"), {})
    for i, (args, comm) in enumerate(PROGRAMS):
        secret_process(root, 5000 + 10 * i, args, comm)
    return root


def test_scrubbed_leaves_no_trace(secrets, tmp_path):
    tree = captured(secrets, tmp_path / "tree", "--scrub")
    found = list(everything(tree))
    assert len(found) > 500
    for word in (SECRET, b"c0ffee", b"b007b007", b"%d" % UID, b"Bank"):
        assert not [data for data in found if word in data], word
    # What is looked for is there where nothing is scrubbed: it could have been found.
    found = list(everything(captured(secrets, tmp_path / "open")))
    for word in (SECRET, b"c0ffee", b"b007b007", b"Bank"):
        assert [data for data in found if word in data], word
    assert not [data for data in found if b"/disk" in data], "files of the guest that are nobody's business"


def test_scrubbed_says_the_same(secrets, tmp_path):
    tree = captured(secrets, tmp_path / "tree", "--scrub")
    before, after = guests(secrets), guests(tree)
    for key in ("vcpus", "memory_bytes", "exits_total", "io_total"):
        assert {pid: row[key] for pid, row in before.items()} == {pid: row[key] for pid, row in after.items()}, key
    named = {pid: row["vmm"] for pid, row in before.items()}
    assert {pid: row["vmm"] for pid, row in after.items()} == {
        pid: "vmm" if SECRET.decode() in vmm else vmm for pid, vmm in named.items()}
    for pid, row in before.items():
        again = after[pid]
        assert again["name"].startswith("guest") and (row["uuid"] is None) == (again["uuid"] is None)
        for other, that in before.items():
            assert (row["name"] == that["name"]) == (again["name"] == after[other]["name"])
            assert (row["uuid"] == that["uuid"]) == (again["uuid"] == after[other]["uuid"])
        assert {name: event["value"] for name, event in events(secrets, pid).items()} == {
            name: event["value"] for name, event in events(tree, pid).items()}
    assert before[5000]["name"] == before[5010]["name"]


def test_scrubbed_odd_names(odd, tmp_path):
    root, host = odd
    tree = captured(root, tmp_path / "tree", "--scrub")
    found = list(everything(tree))
    for guest in host["guests"]:
        name = os.fsencode(guest["name"])
        assert not [data for data in found if guest["uuid"].encode() in data]
        if len(name) > 4 and not name.isalpha():
            assert not [data for data in found if name in data], name
    assert len(guests(tree)) == len(host["guests"])
    assert {pid: row["exits_total"] for pid, row in guests(root).items()} == {
        pid: row["exits_total"] for pid, row in guests(tree).items()}


# ---- whole or not there ----

@pytest.fixture
def small(tmp_path):
    root = tmp_path / "host"
    kernels.make(root, {"kvm": "arm64-4.18"})
    return root


@pytest.mark.parametrize("args, message", [
    (["capture"], "specify a new directory"),
    (["capture", "a", "b"], "unexpected argument 'b': 'kvmstat capture' takes one"),
    (["capture", "a", "--csv"], "'kvmstat capture' does not accept --csv"),
    (["capture", "a", "--json"], "'kvmstat capture' does not accept --json"),
    (["capture", "a", "--all"], "'kvmstat capture' does not accept --all"),
    (["guests", "--scrub"], "'kvmstat guests' does not accept --scrub"),
    (["doctor", "--scrub"], "'kvmstat doctor' does not accept --scrub"),
])
def test_wrong_words(args, message, tmp_path):
    assert message in refused(*args, cwd=tmp_path)
    assert not os.listdir(tmp_path)


def test_places(small, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()
    (tmp_path / "file").touch()
    for place, message in (("full", "is not empty"), ("file", "Not a directory"), ("file/x", "Not a directory"), ("", "No such file"),
                           ("no/such", "No such file"), ("full/x", "Not a directory")):
        done = capture(small, place, cwd=tmp_path)
        assert done.returncode == 1 and message in done.stderr.decode() and done.stdout == b"", place
    assert sorted(os.listdir(tmp_path)) == ["empty", "file", "full", "host"] and os.listdir(tmp_path / "full") == ["x"]
    for place in ("empty", "new", "slashes//", "full/below"):
        done = capture(small, place, cwd=tmp_path)
        assert done.returncode == 0 and len(guests(tmp_path / place)) == 2, place
        assert os.stat(tmp_path / place).st_mode & 0o777 == 0o700
    assert capture(small, "new", cwd=tmp_path).returncode == 1


def check_nothing_kept(done, tmp_path, message):
    assert done.returncode == 1 and message in done.stderr.decode() and done.stdout == b"", done
    assert os.listdir(tmp_path) == ["host"], "something was left"


@pytest.mark.parametrize("limit", [0, 1, 5, 500])
def test_file_that_may_not_grow(small, tmp_path, limit):
    done = capture(small, tmp_path / "tree", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    check_nothing_kept(done, tmp_path, "File too large; nothing was kept")


def test_disk_that_is_full(small, tmp_path):
    """A file system of some pages, in a mount namespace of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o %s none "$0" || exit 77; "$@"; status=$?; ls -A "$0" >&2; exit $status'
    for options, said in (("size=64k", b"No space left on device; nothing was kept\n"), ("size=64m,nr_inodes=40", b"No space left on device; nothing was kept\n"),
                          ("ro", b"Read-only file system\n"), ("size=64m", None)):
        done = subprocess.run(["unshare", "-m", "sh", "-c", script % options, disk, KVMSTAT, "--root", small, "capture", disk / "tree"],
                              capture_output=True, check=False, timeout=rig.PATIENCE)
        if done.returncode == 77 or b"unshare" in done.stderr:
            pytest.skip("no file system can be mounted here")
        if said:
            assert done.returncode == 1 and done.stderr.endswith(said), done
        else:
            assert done.returncode == 0 and done.stderr == b"tree\n", done


class Between:
    """Stops the command between its sample and the guests: it reads this file for the sample first, and then to copy it."""

    def __init__(self, root, action):
        self.fifo = str(root) + "/sys/devices/system/cpu/online"
        os.unlink(self.fifo)
        os.mkfifo(self.fifo)
        self.action, self.process = action, None

    def run(self, root, to):
        thread = threading.Thread(target=self.serve, daemon=True)
        thread.start()
        with subprocess.Popen([KVMSTAT, "--root", str(root), "capture", str(to)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as self.process:
            try:
                out, err = self.process.communicate(timeout=rig.PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        return subprocess.CompletedProcess([], self.process.returncode, out, err)

    def serve(self):
        with open(self.fifo, "w", encoding="ascii") as file:
            # Its reader has it open; the next one shall meet another.
            os.mkfifo(self.fifo + ".new")
            os.rename(self.fifo + ".new", self.fifo)
            file.write("0-7\n")
        with open(self.fifo, "w", encoding="ascii") as file:
            self.action(self)
            file.write("0-7\n")


def test_guest_that_ends_in_the_middle(small, tmp_path):
    for what in ("process", "reused"):
        shutil.copytree(small, tmp_path / what, symlinks=True)

    def end(root, what):
        if what == "process":
            shutil.rmtree(root / "proc/3100")
        else:
            os.chmod(root / "proc/3100/stat", 0o644)
            text = (root / "proc/3100/stat").read_text()
            (root / "proc/3100/stat").write_text(text.replace(" 10100 ", " 999999 "))

    for what in ("process", "reused"):
        done = Between(tmp_path / what, lambda _, w=what: end(tmp_path / w, w)).run(tmp_path / what, tmp_path / ("tree-" + what))
        assert done.returncode == 0 and b"captured 1 guests" in done.stdout, done
        assert done.stderr == b"kvmstat: guest guest-1, process 3100, is left out: it ended during the capture\n"
        tree = tmp_path / ("tree-" + what)
        assert set(guests(tree)) == {3000}
        assert not (tree / "proc/3100").exists() and not (tree / "sys/kernel/debug/kvm/3100-12").exists()
        assert "1 of them ended" in (tree / "report.txt").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(small, tmp_path, number):
    done = Between(small, lambda between: between.process.send_signal(number)).run(small, tmp_path / "tree")
    check_nothing_kept(done, tmp_path, "interrupted; nothing was kept")
