# SPDX-License-Identifier: MIT
"""Guests on the kernel's own KVM in an emulated s390x: what they did, what the kernel counts, and what is published.

The processor has no SIE, and kvm.ko does not notice (patchkvm.py).
"""
import collections
import json
import lzma
import os
import re
import stat

import pytest

import machine
import patchkvm
from machines import EMULATED, HERE, ROOT

import initramfs

OPTIONS = """LoadPlugin kvmstat
<Plugin kvmstat>
ReportVcpus true
ReportHistograms true
ReportExitReasons true
</Plugin>
"""
INTERVAL = 5  # a second is too short for thousand values under emulation
GUESTS = ("alpha", "beta", "gamma")
PLAN = 'modules="irqbypass kvm"\ninterval=%d\noid=%s\ncolumns="%s"\n'
REASONS = os.path.join(HERE, "..", "..", "common", "events", "reasons.tsv")
CSV = re.compile(r"kvmstat-(\w+)/(?:derive|gauge)-(\S+)-\d{4}-\d\d-\d\d,[0-9.]+,(\S+)")
# Columns of the MIB: names, and counts with what their indices are.
EVENT_NAME, GUEST_NAME = "5.1.2", "6.1.2"
COUNTS = {"9.1.1": "guest event", "12.1.1": "guest vcpu event", "13.1.4": "guest event bucket"}
WALKED = re.compile(re.escape(ROOT) + r"\.1\.(\d+\.\d+\.\d+)\.(\S+) = \w+: (.*)")


def unpacked(where, name):
    with lzma.open(os.path.join(where, name + ".ko.xz")) as file:
        return file.read()


def kvm_without_sie(where):
    with open(os.path.join(EMULATED.build, "tests/s390x/guests/standin.o"), "rb") as file:
        standin = file.read()
    try:
        return patchkvm.patched(unpacked(where, "kvm"), standin)
    except LookupError as error:  # of a kernel that another compiler has made
        pytest.skip(str(error))


def write_initramfs(path, where):
    kvm = kvm_without_sie(where)
    with open(path, "wb") as out:
        archive = initramfs.Archive(out)
        archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
        for name, text in (("etc/collectd.conf", machine.COLLECTD.replace("Interval 1", "Interval %d" % INTERVAL) + OPTIONS),
                           ("etc/snmpd.conf", machine.SNMPD.replace("agentXTimeout 4", "agentXTimeout 60")),
                           ("plan", PLAN % (INTERVAL, ROOT, " ".join((EVENT_NAME, GUEST_NAME, *COUNTS))))):
            archive.add(name, stat.S_IFREG | 0o644, text.encode())
        for name, module in (("irqbypass", unpacked(where, "irqbypass")), ("kvm", kvm)):
            archive.add("modules/%s.ko" % name, stat.S_IFREG | 0o644, module)
        archive.file(os.path.join(EMULATED.build, "tests/s390x/guests/guests"), "bin/guests")
        machine.add_programs(archive)
        archive.file(os.path.join(machine.LAB, "init-guests"), "init")
        archive.end()


class Booted:
    """Values by guest, by what of it ("-" or a vCPU's number), and by event."""

    def __init__(self, directory):
        where, missing = machine.kernel()
        if missing:
            pytest.skip(missing)
        write_initramfs(directory / "initrd", where)
        said, self.console = machine.boot(directory, where, "-smp", "2")
        # Without the times, and the empty lines of the console.
        self.said = {name: [line for line in lines if line and line[0] != "#"] for name, lines in said.items()}

    def answer(self, name):
        assert name in self.said and "end" in self.said and "late" not in self.said, self.console[-4000:]
        return self.said[name]

    def numbers(self, name, word):
        """{(guest, what, event): [value]} of lines that begin with the word."""
        found, guest = {}, None
        for line in self.answer(name):
            first, *rest = line.split()
            if first == "name":
                guest = rest[0]
            elif first == word:
                found[guest, rest[1], rest[2]] = [int(value) for value in rest[3:]]
        return found

    def did(self, name):
        """What the program did: {(guest, what, event): count}"""
        return {key: values[0] for key, values in self.numbers(name, "expect").items() if ":" not in key[2]}

    def reasons(self, name):
        """What tracepoints saw: {(guest, what, event): count}"""
        found, named = collections.Counter(), reason_names()
        for (guest, what, event), (count,) in self.numbers(name, "expect").items():
            if ":" in event:
                tracepoint, code = event.split(":")
                found[guest, what, tracepoint] += count
                found[guest, what, named.get((tracepoint, code_of(tracepoint, int(code, 0))), tracepoint + "_other")] += count
        return dict(found)

    def stats(self, name):
        """What the kernel's statistics descriptors say: {(guest, what, event): [value]}"""
        return self.numbers(name, "stats")

    def debugfs(self, name, said):
        """{(guest, event): value}"""
        names = [line.split()[1] for line in self.answer(said) if line.startswith(("name", "guest"))]
        guests = dict(zip(names[1::2], names[::2]))
        rows = re.findall(r"^\./([^/]+)/(\w+):(\d+)$", "\n".join(self.answer(name)), re.MULTILINE)
        return {(guests[directory], event): int(value) for directory, event, value in rows}

    def events(self, label):
        """{(guest, event): value} by the command, and the sources that it names."""
        found, sources = {}, set()
        for guest in GUESTS:
            for row in json.loads(self.answer("%s_%s" % (label, guest))[-1])["events"]:
                found[guest, row["event"]] = row["value"]
                sources.add(row["source"])
        return found, sources - {None}

    def collectd(self, name):
        """{(guest, name): value}"""
        matches = (CSV.fullmatch(line) for line in self.answer(name))
        return {match.group(1, 2): int(float(match.group(3))) for match in matches if match}

    def snmp(self, name):
        """By the subagent: {(guest, event)}, {(guest, vcpu, event)} and {(guest, event, bucket)} with their values."""
        texts, found = {}, {}
        for column, index, value in (match.groups() for match in map(WALKED.fullmatch, self.answer(name)) if match):
            texts[column, index] = value.strip('"')
        for (column, index), value in texts.items():
            if column in COUNTS:
                names = dict(zip(COUNTS[column].split(), index.split(".")))
                names["guest"] = texts[GUEST_NAME, names["guest"]]
                names["event"] = texts[EVENT_NAME, names["event"]]
                found[tuple(names.values())] = int(value)
        return found


def reason_names():
    """{(tracepoint, code): event} of s390"""
    found = {}
    with open(REASONS, encoding="utf-8") as file:
        for row in (line.rstrip("\n").split("\t") for line in file):
            if row[0] == "reason":
                codes = re.findall(r"(?:any|s390):(\w+)", row[4])
                found.update(((row[2], int(code, 0)), "%s_%s" % (row[2], row[3])) for code in codes)
    return found


def code_of(tracepoint, code):
    """Of an instruction its operation code."""
    if tracepoint != "kvm_s390_intercept_instruction":
        return code
    first, second, last = code >> 56, code >> 48 & 255, code >> 16 & 255
    low = {0x01: second, 0xb2: second, 0xb9: second, 0xe5: second, 0xaa: second & 15, 0xc8: second & 15, 0xe3: last, 0xeb: last}
    return first << 8 | low[first] if first in low else first


def sums(numbers):
    """{(guest, event): sum}"""
    total = collections.Counter()
    for (guest, _, event), value in numbers.items():
        total[guest, event] += value if isinstance(value, int) else sum(value)
    return dict(total)
