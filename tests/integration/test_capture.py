# SPDX-License-Identifier: MIT
"""What is captured of real guests is what they did, whatever the source; under lockdown, too."""
import os

import pytest

import rig


def capture(to, *options):
    return rig.run(rig.built("kvmstat"), *options, "capture", str(to)).decode()


def only(*names):
    return [option for name in names for option in ("-o", "Guest=" + name)]


def values_and_sources(guest, root=None):
    report = rig.kvmstat_json("--all", "events", guest, "0.1", "1", root=root)
    return {row["event"]: (row["class"], row["value"]) for row in report["events"]}


def contents(top):
    for directory, names, files in os.walk(top):
        yield from (os.fsencode(name) for name in names)
        for name in files:
            path = os.path.join(directory, name)
            yield os.fsencode(name)
            if os.path.islink(path):
                yield os.fsencode(os.readlink(path))
                continue
            with open(path, "rb") as file:
                yield file.read()


@pytest.mark.parametrize("options", [(), ("--threads",), ("--helper-thread",), ("--helper-ends",), ("--keep-stats-fds",)])
def test_quiet_guest(vmm, tmp_path, options):
    guest = vmm(vcpus=3, options=options)
    guest.command("run 17")
    guest.command("halt 23")
    assert capture(tmp_path / "tree", *only(guest.name)).startswith("captured 1 guests")
    live, replayed = values_and_sources(guest.name), values_and_sources(guest.name, tmp_path / "tree")
    assert {event: replayed[event][1] for event in guest.events()} == guest.events()
    assert replayed == live
    before, after = (rig.kvmstat_json(*only(guest.name), "0.1", "1", root=root)["guests"][0] for root in (None, tmp_path / "tree"))
    for key in ("name", "uuid", "pid", "vmm", "vcpus", "exits_total"):
        assert before[key] == after[key], key


@pytest.mark.parametrize("options", [(), ("--helper-thread",), ("--helper-ends",), ("--dup-fds", "--holder")])
@pytest.mark.parametrize("named", [True, False])
def test_two_vms_of_one_process(live, started, place, unique, tmp_path, options, named):
    """Each has its own values, also where a thread made them that is not the first one, or has ended; and its own name."""
    guest = rig.Vmm(place("vmm") / "log", unique() if named else None, 2, 2, options)
    started.append(guest)
    guest.command("halt 5 0")
    guest.command("halt 9 1")
    capture(tmp_path / "tree", *(only(guest.name) if named else ["-o", "Guest=/^kvmtestvmm-%d/" % guest.pid]))
    seen = guest.guests()
    assert [vm[guest.halt_event] for vm in seen] == [10, 18]
    for vm in seen:
        directory = tmp_path / "tree/sys/kernel/debug/kvm" / ("%d-%d" % (vm["tid"], vm["fd"]))
        assert int((directory / guest.halt_event).read_text()) == vm[guest.halt_event]
        assert int((directory / guest.run_event).read_text()) == vm[guest.run_event]
    for root in (None, tmp_path / "tree"):
        rows = [row for row in rig.kvmstat_json("0.1", "1", root=root)["guests"] if row["pid"] == guest.pid]
        assert len(rows) == 2
        names = sorted(row["name"] for row in rows)
        if named:
            assert names == [guest.name] * 2
        else:
            assert names[0] == "kvmtestvmm-%d" % guest.pid
            assert names[1] in ["%s-%d" % (names[0], vm["fd"]) for vm in seen]


def test_several_guests_scrubbed(vmm, tmp_path):
    guests = [vmm(), vmm(vms=2, vcpus=2)]
    for number, guest in enumerate(guests):
        guest.command("halt %d" % (31 + number))
    assert capture(tmp_path / "tree", *only(*(guest.name for guest in guests)), "--scrub").startswith("captured 3 guests")
    rows = rig.kvmstat_json("--totals", "0.1", "1", root=tmp_path / "tree")["guests"]
    assert sorted(row["pid"] for row in rows) == sorted([guests[0].pid, guests[1].pid, guests[1].pid])
    assert {row["name"] for row in rows} <= {"guest%d" % i for i in range(1, 4)}
    for guest in guests:
        names = {row["name"] for row in rows if row["pid"] == guest.pid}
        assert len(names) == 1  # two of one name are two of one name
    single = [row["name"] for row in rows if row["pid"] == guests[0].pid]
    assert rig.kvmstat_values(single[0], root=tmp_path / "tree")[guests[0].halt_event] == 31
    for data in contents(tmp_path / "tree"):
        assert b"it-%d-" % os.getpid() not in data


def test_qemu(qemu, tmp_path, unique):
    """With named threads, a UUID and memory; it is stopped, so that it can be compared."""
    name = unique()
    guest = qemu(name, "-name", "debug-threads=on", "-smp", "2", "-uuid", "9c1b7e40-52d0-4b0f-9d55-0a0b0c0d0e0f")
    rig.wait_until(lambda: any(row["name"] == name and (row["exits_total"] or 0) > 100
                               for row in rig.kvmstat_json("0.1", "1")["guests"]), "the guest does something")
    guest.signal(19)
    rig.wait_until(lambda: values_and_sources(name) == values_and_sources(name), "the guest stands still")
    capture(tmp_path / "tree", *only(name))
    assert values_and_sources(name, tmp_path / "tree") == values_and_sources(name)
    before, after = (rig.kvmstat_json("--totals", *only(name), "0.1", "1", root=root)["guests"][0] for root in (None, tmp_path / "tree"))
    assert before == after
    guest.signal(18)


def test_busy_guest(vmm, tmp_path):
    """Its counters and the CPU times of its vCPUs grow all the time; those of one sample are in the tree, which the capture compares."""
    guest = vmm(vcpus=2, options=("--threads",))
    guest.command("spin")
    for number in range(5):
        tree = tmp_path / ("tree%d" % number)
        assert capture(tree, *only(guest.name)).startswith("captured 1 guests")
        task = tree / "proc" / str(guest.pid) / "task"
        threads = [thread for thread in task.iterdir() if (thread / "comm").read_text().startswith("CPU ")]
        assert len(threads) == 2 and all(int((thread / "schedstat").read_text().split()[0]) > 0 for thread in threads)
    guest.command("stop")


def test_guests_that_come_and_go(vmm, tmp_path):
    """Whatever is in the tree is right: the capture replays it and would fail."""
    guest = vmm(vms=4)
    for number in range(20):
        guest.process.stdin.write(b"recreate 0\nrecreate 1\nrecreate 2\n" * 10)
        guest.process.stdin.flush()
        said = capture(tmp_path / ("tree%d" % number), *only(guest.name))
        assert said.startswith("captured ")
    for _ in range(20 * 30):
        assert guest.answer().startswith("done")
