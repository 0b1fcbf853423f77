# SPDX-License-Identifier: MIT
"""The subagent is killed amid changes of guests, with its state directory moved about: no index is another guest's afterwards.

What the file of indices ever contained is all that was ever served: it is on disk before an index is served.
"""
import itertools
import os
import random
import shutil
import signal
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", part) for part in ("integration", "trees")]

import maketree  # noqa: E402
import rig  # noqa: E402

KILLS = 200 if os.environ.get("FIRE") else 12


class Host:
    """A host of files whose guests come and go."""

    def __init__(self, root):
        self.root, self.rng, self.numbers = str(root), random.Random(7), itertools.count(1)
        self.tree = maketree.make_tree(self.root, guests=4)
        self.guests, self.gone, self.changes = list(self.tree["guests"]), [], 0

    def add(self, guest):
        maketree.add_guest(self.root, self.tree, guest, self.rng)
        self.guests.append(guest)
        self.changes += 1

    def take(self):
        guest = self.guests.pop(self.rng.randrange(len(self.guests)))
        shutil.rmtree(maketree.guest_dir(self.root, guest))
        shutil.rmtree(os.path.join(self.root, "proc", str(guest["pid"])))
        self.changes += 1
        return guest

    def change(self):
        """One guest ends; a new one comes, or one that was here before, as another process."""
        self.gone.append(self.take())
        number = next(self.numbers)
        new = maketree.make_guest(self.rng, 100 + number, "new%d" % number, 1)
        if number % 3 == 0:
            back = self.gone.pop(self.rng.randrange(len(self.gone)))
            new.update(name=back["name"], uuid=back["uuid"])
        self.add(new)


def entries(state):
    """{index: key} of the file, {} if there is none at the moment."""
    try:
        lines = (state / "index").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {int(words[1]): words[2] for words in map(str.split, lines) if words[0] == "guest"}


class Ledger:
    """Every index that was ever in the file, and whose it was."""

    def __init__(self):
        self.owner, self.index = {}, {}

    def note(self, state, stable=True):
        found = entries(state)
        for index, key in found.items():
            assert self.owner.setdefault(index, key) == key, "index %d was given to %s, then to %s" % (index, self.owner[index], key)
            assert not stable or self.index.setdefault(key, index) == index, "%s had index %d, then %d" % (key, self.index[key], index)
        return found


def start(state, host, log):
    log.unlink(missing_ok=True)
    return rig.Program([rig.built("kvmstat-agentx"), "-c", "/dev/null", "-x", str(state.parent / "no-snmpd"), "-o", "Interval=1",
                        "-o", "Root=" + host.root, "-o", "StateDir=%s" % state], log)


def keys(host):
    return {"uuid:" + guest["uuid"] for guest in host.guests}


def wait_for_all(state, host, program, kept=()):
    """Every guest is in the file, and all that was in it."""
    def complete():
        found = entries(state)
        return keys(host) <= set(found.values()) and all(item in found.items() for item in kept)
    rig.wait_until(lambda: "no snmpd at" in program.text(), "it has read the file and taken a sample")
    rig.wait_until(complete, "every guest is in the file\n" + program.text()[-2000:])


def test_killed_amid_changes(tmp_path):
    host, state, ledger = Host(tmp_path / "host"), tmp_path / "state", Ledger()
    for kill in range(KILLS):
        program = start(state, host, tmp_path / "log")
        for _ in range(2):
            host.change()
        end = time.monotonic() + host.rng.uniform(0, 0.3 if kill % 4 else 1.5)
        rig.wait_until(lambda: time.monotonic() >= end or program.process.poll() is not None, "the moment to kill it")
        program.signal(signal.SIGKILL)
        program.process.wait()
        ledger.note(state)
        assert not (state / "index.bad").exists()
    program = start(state, host, tmp_path / "log")
    wait_for_all(state, host, program)
    assert program.stop() == 0
    ledger.note(state)
    assert "damaged" not in program.text()
    print("%d kills amid %d changes of guests: %d indices, none reassigned, none changed" % (KILLS, host.changes, len(ledger.owner)))


def replace(state, old, how):
    """As somebody does who moves the directory, puts an older copy in its place, or removes it."""
    os.rename(state, old)
    if how == "copied":
        shutil.copytree(old, state)
    elif how == "emptied":
        state.mkdir()


def test_directory_replaced(tmp_path):
    host, state, ledger, older = Host(tmp_path / "host"), tmp_path / "state", Ledger(), tmp_path / "older"
    rounds = KILLS // 4
    for number in range(rounds):
        program = start(state, host, tmp_path / "log")
        wait_for_all(state, host, program)
        kept = ledger.note(state).items()
        old, how = tmp_path / ("old%d" % number), ("copied", "emptied", "removed", "older")[number % 4]
        if how == "older" and older.exists():
            os.rename(state, old)
            os.rename(older, state)
        else:
            replace(state, old, how)
        host.change()
        wait_for_all(state, host, program, kept)
        ledger.note(state)
        rig.wait_until(lambda: "was replaced, changed or removed" in program.text(), "it has noticed")
        program.signal(signal.SIGKILL)
        program.process.wait()
        if number % 4 == 0:
            shutil.rmtree(older, ignore_errors=True)
            shutil.copytree(old, older)
    print("%d times another directory amid changes: %d indices, none reassigned, none changed" % (rounds, len(ledger.owner)))


def test_older_file_put_back(tmp_path):
    """What an administrator restores; the guests that it lacks get other indices."""
    host, state, ledger = Host(tmp_path / "host"), tmp_path / "state", Ledger()
    rounds, text = KILLS // 4, None
    for _ in range(rounds):
        program = start(state, host, tmp_path / "log")
        wait_for_all(state, host, program)
        assert program.stop() == 0
        ledger.note(state, stable=False)
        if text:
            (state / "index").write_text(text)
        else:
            text = (state / "index").read_text()
        host.change()
    print("%d times the oldest file was put back: %d indices, none reassigned" % (rounds, len(ledger.owner)))
