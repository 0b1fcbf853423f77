# SPDX-License-Identifier: MIT
"""kvm is a module: it is not loaded at first, comes, goes and comes again, and its types with it."""
import machine
import rig
from views import check_all_ways


def any_value(watching):
    return [row for row in watching.next()["events"] if row["value"] is not None]


def test_kvm_is_not_loaded():
    report = machine.doctor()
    assert (report["status"], report["guests"]) == (1, 0)
    assert report["problems"]["no-kvm"]["active"]


def test_kvm_comes_while_watched(watch, new_vmm):
    watching = watch("events")
    assert not any_value(watching)
    ids = []
    for exits in (300, 500):
        machine.load_kvm()
        ids.append(machine.last_btf_id())
        vmm = new_vmm("passing", vcpus=2)
        vmm.command("run %d" % exits)
        assert rig.wait_until(lambda v=vmm: watching.values().get(v.run_event), "an event") == 2 * exits
        assert {row["source"] for row in watching.next()["events"]} == {"bpf"}
        check_all_ways(vmm)
        vmm.stop()
        machine.unload_kvm()
        assert not any_value(watching)
    assert ids[0] < ids[1]
    assert watching.process.poll() is None


