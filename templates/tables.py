# SPDX-License-Identifier: MIT
"""What the files for consumers are made from: KVMSTAT-MIB of the chosen root, the events, the causes. Every script
templates/CONSUMER/make.py is called as `make.py FILE MIB` and prints that file; main() does what all of them share."""
import pathlib
import re
import sys
from typing import NamedTuple

REPO = pathlib.Path(__file__).resolve().parent.parent
EVENTS = REPO / "common/events/events.tsv"
REASONS = REPO / "common/events/reasons.tsv"
CAUSES = REPO / "common/derive/causes.tsv"


class Object(NamedTuple):
    """An object of the MIB, or one of its nodes. oid has no leading dot."""
    name: str
    kind: str           # OBJECT-TYPE, NOTIFICATION-TYPE, MODULE-IDENTITY or OBJECT IDENTIFIER
    oid: str
    parent: str
    syntax: str         # the first word of SYNTAX
    values: dict        # of an enumeration: {word: number}
    units: str
    access: str
    indexes: list       # names, of an entry; those of the entry that it augments
    objects: list       # names, of a notification
    text: str           # DESCRIPTION as one line


class Event(NamedTuple):
    """A row of events.tsv, or one of reasons.tsv: an event that only the source tracepoint counts."""
    number: int
    name: str
    cls: str
    unit: str
    scope: str
    category: str
    parent: str
    archs: tuple        # empty: any
    dead: bool
    text: str
    judge: str          # "-" if it is not judged
    reason: bool        # of reasons.tsv


class Cause(NamedTuple):
    """A row of causes.tsv."""
    number: int
    name: str
    severity: str
    hold: int
    words: str
    next: str
    meaning: str

    @property
    def word(self):
        """As KVMSTAT-MIB spells it: cpu-starved is cpuStarved."""
        return re.sub("-(.)", lambda found: found[1].upper(), self.name)


class Mib(dict):
    """{name: Object}, in the order of the file."""

    def __init__(self, path):
        super().__init__()
        text = re.sub("^ *--.*", "", pathlib.Path(path).read_text("utf-8"), flags=re.M)
        for found in re.finditer(r"^(\w+) +(MODULE-IDENTITY|OBJECT-TYPE|NOTIFICATION-TYPE|OBJECT IDENTIFIER)\b"
                                 r"(.*?)::= \{ *([^}]*?) *\}", text, re.M | re.S):
            self.add(*found.groups())
        for name, found in self.items():
            if found.indexes and found.indexes[0].endswith("Entry"):
                self[name] = found._replace(indexes=self[found.indexes[0]].indexes)

    def add(self, name, kind, body, place):
        if kind == "MODULE-IDENTITY":
            oid, parent = root_of(place), ""
        else:
            parent, number = place.split()
            oid = "%s.%s" % (self[parent].oid, number)
        first = lambda pattern, group=1: (re.search(pattern, body, re.M | re.S) or [""] * (group + 1))[group]  # noqa: E731
        self[name] = Object(
            name, kind, oid, parent, first(r"^ *SYNTAX +(\w+)"),
            {word: int(number) for word, number in re.findall(r"(\w+)\((\d+)\)", first(r"^ *SYNTAX +INTEGER \{(.*?)\}"))},
            first(r'^ *UNITS +"(.*?)"'), first(r"^ *MAX-ACCESS +([\w-]+)"), names(first(r"^ *(?:INDEX|AUGMENTS) +\{(.*?)\}")),
            names(first(r"^ *OBJECTS +\{(.*?)\}")), " ".join(first(r'^ *DESCRIPTION\s+"(.*?)"').split()))

    @property
    def root(self):
        return next(iter(self.values())).oid

    def scalars(self):
        return [found for found in self.values() if found.kind == "OBJECT-TYPE" and found.access == "read-only" and not self.indexes(found)]

    def columns(self, table):
        """The readable columns of a table."""
        entry = next(found.name for found in self.values() if found.parent == table)
        return [found for found in self.values() if found.parent == entry and found.access == "read-only"]

    def indexes(self, column):
        """Names of a column's indices; none of a scalar."""
        return self[column.parent].indexes

    def notifications(self):
        return [found for found in self.values() if found.kind == "NOTIFICATION-TYPE"]


# What a number of these UNITS is to be multiplied by, and what it then is.
SCALES = {"hundredths of a second": (0.01, "s"), "microseconds": (0.000001, "s"), "seconds": (1, "s"), "thousandths of a CPU": (0.001, "CPUs"),
          "MiB": (1048576, "B")}

# What the values of MODULE-IDENTITY may hang below, as scripts/mib.awk writes it.
NODES = {"org": "1.3", "dod": "1.3.6", "internet": "1.3.6.1", "directory": "1.3.6.1.1", "mgmt": "1.3.6.1.2", "mib-2": "1.3.6.1.2.1",
         "experimental": "1.3.6.1.3", "private": "1.3.6.1.4", "enterprises": "1.3.6.1.4.1", "security": "1.3.6.1.5", "snmpV2": "1.3.6.1.6"}


def root_of(place):
    """enterprises arc7(8072) 7619"""
    first, *rest = place.split()
    return ".".join([NODES[first], *(re.sub(r".*\((\d+)\)", r"\1", arc) for arc in rest)])


def names(text):
    return re.findall(r"\w+", text)


def rows(path):
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def events():
    """By number."""
    found = [Event(int(row[0]), *row[1:6], row[7], tuple(row[9].split(",")), row[10] == "dead", row[11], row[13], False)
             for row in rows(EVENTS) if row[0] != "alias"]
    archs, isas = {}, {}
    for row in rows(REASONS):
        if row[0] == "isa":
            isas[row[1]] = row[2]
        elif row[0] == "tracepoint":
            archs[row[2]] = arches(item.split(":")[0] for item in row[3].split())
            found.append(Event(int(row[1]), row[2], "cumulative", "count", "vcpu", row[4], "-", archs[row[2]], False, row[5], "-", True))
        else:
            mine = archs[row[2]] if row[4] == "-" else arches(isas.get(item.split(":")[0], item.split(":")[0]) for item in row[4].split(","))
            found.append(Event(int(row[1]), "%s_%s" % (row[2], row[3]), "cumulative", "count", "vcpu", row[5], row[2], mine, False, row[6], "-", True))
    return sorted(found)


def arches(words):
    words = list(dict.fromkeys(words))
    return () if "any" in words else tuple(words)


def causes():
    return [Cause(int(row[0]), row[1], row[2], int(row[3]), *row[4:7]) for row in rows(CAUSES)]


def main(files):
    """files: {name: function of the Mib that returns the text}"""
    if len(sys.argv) != 3 or sys.argv[1] not in files:
        sys.exit("usage: make.py %s MIB" % "|".join(files))
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.write(files[sys.argv[1]](Mib(sys.argv[2])))
