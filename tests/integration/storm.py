# SPDX-License-Identifier: MIT
"""Guests of a made-up host that begin to give up their vCPUs all the time, and what was known of them before."""
import json
import os
import shutil
import subprocess
import threading
import time

import maketree
import rig

EVENT, PARENT = "instruction_diagnose_44", "exit_instruction"
USUAL, STORM = 5000, maketree.STORM  # a second
DAYS = 9
PLENTY = 1000000000
CPU_TIMES = (65534, 65535)


def checksum(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return value


def judged_numbers():
    with open(maketree.EVENTS, encoding="utf-8") as table:
        fields = [line.rstrip("\n").split("\t") for line in table if line[0].isdigit()]
    return {field[1]: int(field[0]) for field in fields if field[-3] != "-"}


def write_baseline(directory, guests):
    """What a front end that watched these guests for days would have left: nothing is rare but the event."""
    now, numbers = int(time.time()), judged_numbers()
    lines = ["kvmstat-baseline 1", "host\t%s\t%d\t1.000\t0\t0.000" % (os.uname().release, now)]
    for guest in guests:
        lines.append("guest\tuuid:%s\t%s\t%d\t%d\t%d\t%d\tquiet=%s" % (
            guest["uuid"], guest["name"], guest["vcpus"], now - DAYS * 86400, now, DAYS * 86400, ",".join(["0.000"] * 24)))
        for event, number in sorted(numbers.items(), key=lambda item: item[1]):
            lines.append("%d\t%d\t%d" % ((number, USUAL, USUAL) if event == EVENT else (number, PLENTY, PLENTY)))
        lines += ["%d\t%d\t%d" % (number, 64 * PLENTY, 64 * PLENTY) for number in CPU_TIMES]
    data = ("\n".join(lines) + "\n").encode()
    directory.mkdir()
    (directory / "baseline").write_bytes(data + b"end\t%016x\n" % checksum(data))


def resting_guest(vmm, place):
    """A real one that "spin" makes abnormal: (guest, state directory), where it is recorded how it rests.

    Its threads leave the CPUs to whoever else tests here."""
    guest, state = vmm(vcpus=64, options=("--threads",), wrapper=("nice", "-n", "19")), place("state")
    subprocess.run([rig.built("kvmstat"), "--state-dir", str(state), "baseline", "save", "--for", "5", guest.name], check=True,
                   stdout=subprocess.DEVNULL, timeout=rig.PATIENCE)
    return guest, state


def add(root, guest, event, count):
    path = os.path.join(maketree.guest_dir(str(root), guest), event)
    with open(path, encoding="ascii") as file:
        value = int(file.readline())
    maketree.rewrite(path, value + count)


class Time:
    """It passes on the host; guests may storm meanwhile, and end. ticking: everybody does what is usual, pace times as much."""

    def __init__(self, root, ticking=True):
        self.root, self.ticking, self.storming, self.pace = str(root), ticking, [], 1
        self.lock, self.ended, self.failed = threading.Lock(), threading.Event(), None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        last = time.monotonic()
        try:
            while not self.ended.wait(0.3):
                with self.lock:
                    last = self.turn(last)
        except Exception as error:  # pylint: disable=broad-except
            self.failed = error

    def turn(self, last):
        now = time.monotonic()
        if self.ticking:
            maketree.tick(self.root, self.pace * (now - last))
        for guest in self.storming:
            for event in (EVENT, PARENT):
                add(self.root, guest, event, int(STORM * (now - last)))
        return now

    def storm(self, *guests):
        with self.lock:
            self.storming = list(guests)

    def end_guest(self, guest):
        """As if it was shut down."""
        with self.lock:
            self.storming = [other for other in self.storming if other != guest]
            with open(os.path.join(self.root, "tree.json"), encoding="utf-8") as file:
                tree = json.load(file)
            tree["guests"] = [other for other in tree["guests"] if other["uuid"] != guest["uuid"]]
            maketree.save(self.root, tree)
            shutil.rmtree(maketree.guest_dir(self.root, guest))
            shutil.rmtree(os.path.join(self.root, "proc/%d" % guest["pid"]))

    def end(self):
        self.ended.set()
        self.thread.join()
        assert not self.failed, self.failed
