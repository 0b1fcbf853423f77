# SPDX-License-Identifier: MIT
"""The parts of `make fleet`, each a table, and what they share."""
import contextlib
import importlib.metadata
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

import bursts
import choices
import costs
import maketree
import outages
import parts
import rig
import scrape
import sizes as size_tables

SECTIONS = [
    ("What was sent, and what the stores have", outages), ("Bursts over UDP", bursts), ("Options", choices),
    ("What a value costs", costs), ("Prometheus' snmp_exporter", scrape),
]
VERSIONS = [("collectd", ["collectd", "-h"]), ("carbon-c-relay", ["carbon-c-relay", "-v"]),
            ("snmp_exporter", ["prometheus-snmp-exporter", "--version"])]


class Run(contextlib.ExitStack):
    """Where everything is, and what several rows share."""

    def __init__(self):
        super().__init__()
        # Files in memory are the nearest to those of debugfs.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="kvmstat-fleet-", dir=memory))
        self.callback(shutil.rmtree, self.place, ignore_errors=True)
        self.fleets, self.made = 0, {}
        self.values, self.costs = {}, {}  # values in a pass by options, and what one costs: for the sizes

    def started(self, program):
        """It is ended at the end."""
        self.callback(program.stop)
        return program

    def once(self, key, make):
        """What make(run) made the first time."""
        if key not in self.made:
            self.made[key] = make(self)
        return self.made[key]

    def moving_tree(self, number):
        """A host of files whose counters move."""
        tree = self.place / ("tree%d" % number)
        maketree.make_tree(str(tree), guests=20, seed=number + 1)
        self.started(rig.Program([sys.executable, maketree.__file__, str(tree), "--tick", "--every", "1"],
                                 self.place / ("tick%d.log" % number)))
        return tree

    def fleet(self, **options):
        self.fleets += 1
        return parts.Fleet(self.place / ("fleet%d" % self.fleets), **options)


def print_table(columns, lines):
    widths = [max(len(line[i]) for line in [columns] + lines) for i in range(len(columns))]
    for line in [columns, ["-" * width for width in widths]] + lines:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
    print(flush=True)


def version(command):
    text = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    found = re.search(r"\d+(\.\d+)+", text)
    return found.group() if found else "unknown"


def machine():
    print("machine: %s, %d CPUs, Linux %s; load at the start: %.1f" % (platform.machine(), os.cpu_count(), platform.release(),
                                                                      os.getloadavg()[0]))
    print("versions: %s, carbon %s\n" % (", ".join("%s %s" % (name, version(command)) for name, command in VERSIONS),
                                         importlib.metadata.version("carbon")), flush=True)


def run_section(shared, section, word, broken):
    lines = []
    for name, function in section.ROWS:
        if word in name:
            print("  FLEET    %s" % name, file=sys.stderr, flush=True)
            row = function(shared)
            lines.append(section.cells(row))
            broken += ["%s: %s" % (row.name, words) for words in row.broken]
    return lines


def run(word):
    """Every section is a table of rows: (name, function(run) -> row)."""
    machine()
    broken = []
    with Run() as shared:
        for title, section in SECTIONS:
            lines = run_section(shared, section, word, broken)
            if lines:
                print("### %s\n" % title)
                print_table(section.COLUMNS, lines)
        if shared.costs and shared.values:
            size_tables.write({"values": shared.values, **shared.costs})
            sizes()
    print("\n".join("BROKEN: " + words for words in broken) or "All that must hold does.")
    return 1 if broken else 0


def sizes():
    if not os.path.exists(size_tables.FILE):
        print("skipped: there are no costs yet: run `make fleet` once")
        return 77
    for title, columns, lines in size_tables.tables(size_tables.read()):
        print("### %s\n" % title)
        print_table(columns, lines)
    return 0
