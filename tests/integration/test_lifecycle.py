# SPDX-License-Identifier: MIT
"""Guests, snmpd and the subagent come and go."""
import os
import random
import shutil
import signal

import pytest

import maketree
import rig
from opened import Opened

SAMPLES = 4

# The state directory cannot be written, not even by root.
READ_ONLY = ("unshare", "-m", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"')


def test_guests_come_and_go_in_collectd(vmm, collectd, unique):
    prefix = unique()
    stays = vmm(prefix + "stays")
    daemon = collectd('Guest "/^%s/"' % prefix)
    halts = stays.halt_event
    stays.command("halt 1")
    rig.wait_until(lambda: daemon.last(stays.name, halts) == 1, "the first guest is there")

    comes = vmm(prefix + "comes", options=("--exits", "5"))
    comes.command("halt 33")
    rig.wait_until(lambda: daemon.last(comes.name, halts) == 33, "the second guest is there")
    assert daemon.self_metric("guests") == 2
    comes.stop()
    rig.wait_until(lambda: daemon.self_metric("guests") == 1, "the second guest is gone")
    gone = daemon.rows(comes.name, halts)
    seen = len(daemon.rows(stays.name, halts))
    rig.wait_until(lambda: len(daemon.rows(stays.name, halts)) >= seen + 3, "three more passes")
    assert daemon.rows(comes.name, halts) == gone
    values = [value for _, value in gone]
    assert values == sorted(values) and values[-1] == 33


def test_recreated_guest_starts_again(vmm, collectd, carbon, agent):
    guest = vmm()
    daemon = collectd('Guest "%s"' % guest.name, carbon=carbon, interval=2)
    manager = agent('Guest "%s"' % guest.name).snmpd
    halts = guest.halt_event
    guest.command("halt 300")
    rig.wait_until(lambda: daemon.last(guest.name, halts) == 300, "the first incarnation")
    index = rig.wait_until(lambda: manager.index_of(guest.name), "SNMP has it")
    where = "%d.%d" % (index, manager.event_numbers()[halts])
    rig.wait_until(lambda: manager.get("kvmGuestEventHCCount." + where) == 300, "SNMP has its value")
    before = manager.get("kvmGuestDiscontinuity.%d" % index)

    guest.command("recreate 0")
    guest.command("halt 5")
    rig.wait_until(lambda: daemon.last(guest.name, halts) == 5, "the second incarnation")
    rig.wait_until(lambda: manager.get("kvmGuestEventHCCount." + where) == 5, "the same index has the new value")
    assert manager.index_of(guest.name) == index
    assert manager.get("kvmGuestDiscontinuity.%d" % index) > before
    guest.command("halt 10")
    rig.wait_until(lambda: daemon.last(guest.name, halts) == 15, "the second incarnation goes on")
    rows = daemon.rows(guest.name, halts)
    grown = [(value - old) / (when - before) for (before, old), (when, value) in zip(rows, rows[1:]) if old < 15 and value == 15]
    metric = "rate.%s.kvmstat-%s.derive-%s" % (daemon.HOST, guest.name, halts)

    def rates():
        return [rate for _, rate in carbon.values(metric)]
    rig.wait_until(lambda: any(rate == pytest.approx(grown[0], rel=0.01) for rate in rates()), "the rate after the restart is stored")
    assert all(0 <= rate < 2**32 for rate in rates())  # 300 to 5 is no growth of almost 2**64


def test_index_is_never_given_to_another(vmm, agent, unique):
    prefix = unique()
    manager = agent('Guest "/^%s/"' % prefix).snmpd
    first, second = vmm(prefix + "a"), vmm(prefix + "b")
    rig.wait_until(lambda: len(manager.names()) == 2, "both are there")
    old = manager.index_of(first.name)
    first.stop()
    rig.wait_until(lambda: len(manager.names()) == 1, "one is gone")
    assert not manager.walk("kvmGuestEventHCCount.%d" % old)
    third = vmm(prefix + "c")
    rig.wait_until(lambda: manager.index_of(third.name), "another is there")
    assert manager.index_of(third.name) not in (old, manager.index_of(second.name))
    vmm(first.name)
    rig.wait_until(lambda: manager.index_of(first.name) == old, "the first is back at its index")


def test_snmpd_is_killed_and_started_again(vmm, agent, snmpd, unique):
    prefix = unique()
    guests = [vmm(prefix + letter) for letter in "abc"]
    subagent = agent('Guest "/^%s/"' % prefix)
    rig.wait_until(lambda: len(subagent.snmpd.names()) == 3, "all are there")
    before = subagent.snmpd.names()
    subagent.snmpd.kill()
    again = snmpd(subagent.snmpd)
    rig.wait_until(lambda: again.get("kvmSampleNumber.0"), "the subagent is back")
    assert again.names() == before
    text = subagent.text()
    assert text.count("connected to snmpd") == 2 and len([line for line in text.splitlines() if "lost" in line]) == 1, text
    guests[0].command("halt 3")
    where = "%d.%d" % (again.index_of(guests[0].name), again.event_numbers()[guests[0].halt_event])
    rig.wait_until(lambda: again.get("kvmGuestEventHCCount." + where) == 3, "values go on")


def test_snmpd_with_tcp_serves_a_path_as_well(agent, place, snmpd, tree):
    """As the message about AgentXSocket tcp:... advises; the later line of snmpd's configuration counts."""
    path = str(place("socket") / "master")
    master = snmpd(extra="agentXSocket tcp:127.0.0.1:%d,%s" % (rig.free_port(), path))
    master.agentx = path
    subagent = agent("Root %s" % tree(guests=1)[0], master=master)
    assert "connected to snmpd at " + path in subagent.text()


def test_subagent_is_killed_and_started_again(vmm, agent, unique):
    prefix = unique()
    guests = [vmm(prefix + letter) for letter in "abc"]
    subagent = agent('Guest "/^%s/"' % prefix)
    manager = subagent.snmpd
    rig.wait_until(lambda: len(manager.names()) == 3, "all are there")
    before = manager.names()
    subagent.signal(signal.SIGKILL)
    subagent.process.wait()
    gone = guests[1]
    gone.stop()
    newcomer = vmm(prefix + "d")
    agent('Guest "/^%s/"' % prefix, again=subagent)
    after = rig.wait_until(lambda: len(manager.names()) == 3 and manager.names(), "three guests")
    index = manager.index_of(newcomer.name)
    assert index not in before
    assert {i: name for i, name in after.items() if i != index} == {i: n for i, n in before.items() if n != gone.name.encode()}


def test_hung_snmpd_does_not_stop_sampling(agent, tree):
    root, host = tree(guests=1)
    subagent = agent("Root %s\nPingInterval 1" % root)
    manager = subagent.snmpd
    before, seen = manager.get("kvmSampleNumber.0"), []
    manager.signal(signal.SIGSTOP)
    try:
        rig.wait_until(lambda: "lost the connection" in subagent.text(), "it notices that nobody answers")
        with Opened(maketree.guest_dir(str(root), host["guests"][0])) as opened:
            def samples():
                seen.extend(path for path in opened.read() if path == "exit_null")
                return len(seen) >= SAMPLES
            rig.wait_until(samples, "samples are taken all the same")
    finally:
        manager.signal(signal.SIGCONT)
    rig.wait_until(lambda: (manager.get("kvmSampleNumber.0") or 0) >= before + SAMPLES, "and served when snmpd is back")
    assert subagent.process.poll() is None


def test_subagent_ends_while_snmpd_hangs(agent, tree):
    """It waits for nobody's answer."""
    subagent = agent("Root %s\nPingInterval 1" % tree(guests=1)[0])
    subagent.snmpd.signal(signal.SIGSTOP)
    try:
        rig.wait_until(lambda: "lost the connection" in subagent.text(), "it has asked")
        assert subagent.stop() == 0
    finally:
        subagent.snmpd.signal(signal.SIGCONT)


def add_guest(root, host, number):
    rng = random.Random(1000 + number)  # another one than the tree's, which makes the same UUIDs
    guest = maketree.make_guest(rng, 50 + number, "late%d" % number, 1)
    maketree.add_guest(str(root), host, guest, rng)
    return guest["name"]


def test_guests_are_served_from_a_read_only_state_directory(tree, agent):
    """A host that was booted with a read-only root: another boot, so every guest is a new incarnation."""
    root, host = tree(guests=3)
    subagent = agent("Root %s" % root)
    manager, state = subagent.snmpd, subagent.conf.parent / "state"
    before = manager.names()
    assert len(before) == 3 and subagent.stop() == 0
    kept = (state / "index").read_bytes()
    maketree.write(str(root / "proc/sys/kernel/random/boot_id"), "00000000-0000-4000-8000-000000000000\n")
    newcomer = add_guest(root, host, 1)
    again = agent("Root %s" % root, again=subagent, wrapper=(*READ_ONLY, str(state)))
    rig.wait_until(lambda: "cannot save" in again.text(), "it has tried to save")
    assert manager.names() == before
    assert "Read-only file system; until it is saved, new guests are not served" in again.text()
    assert again.stop() == 0 and (state / "index").read_bytes() == kept
    agent("Root %s" % root, again=again)
    rig.wait_until(lambda: manager.index_of(newcomer), "the new guest is there")
    assert {index: name for index, name in manager.names().items() if index in before} == before


def test_state_directory_is_replaced(tree, agent):
    root, host = tree(guests=2)
    subagent = agent("Root %s" % root)
    manager, state = subagent.snmpd, subagent.conf.parent / "state"
    before = manager.names()
    os.rename(state, state.with_name("old"))
    shutil.copytree(state.with_name("old"), state)
    names = [add_guest(root, host, 1)]
    rig.wait_until(lambda: manager.index_of(names[0]), "the new guest is there")
    shutil.rmtree(state)
    names.append(add_guest(root, host, 2))
    rig.wait_until(lambda: manager.index_of(names[1]), "another one is there")
    after = manager.names()
    assert len(after) == 4 and before.items() <= after.items()
    assert subagent.text().count("was replaced, changed or removed") == 2, subagent.text()
    assert subagent.stop() == 0
    agent("Root %s" % root, again=subagent)
    rig.wait_until(lambda: manager.names() == after, "all have the same indices after a restart")


def test_a_fifo_named_index_is_not_waited_for(tree, agent):
    root, _ = tree(guests=2)
    subagent = agent("Root %s" % root)
    manager, index = subagent.snmpd, subagent.conf.parent / "state" / "index"
    before = manager.names()
    assert subagent.stop() == 0
    os.rename(index, index.with_name("kept"))
    os.mkfifo(index)
    again = agent("Root %s" % root, again=subagent)
    assert not manager.names() and "it is not a regular file" in again.text()
    assert again.stop() == 0
    again = agent("Root %s" % root, again=again)
    os.rename(index.with_name("kept"), index)
    rig.wait_until(lambda: manager.names() == before, "the file is back, and so are the guests")
