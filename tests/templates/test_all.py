# SPDX-License-Identifier: MIT
"""What holds for the files of every consumer, whatever they are for."""
import json
import re
import xml.etree.ElementTree

import pytest
from conftest import MADE, OTHER, REPO, load_yaml

CONSUMERS = sorted(path.name for path in (REPO / "templates").iterdir() if path.is_dir() and path.name != "__pycache__")
FILES = sorted(str(path.relative_to(MADE)) for path in MADE.rglob("*") if path.is_file())
OID = re.compile(r"(?<![\w.])\.?((?:\d+\.){6,}\d+)")


def oids(text):
    return set(OID.findall(text))


def test_every_consumer_is_made():
    assert CONSUMERS == sorted({name.split("/")[0] for name in FILES})


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_readme(consumer):
    """Short, says how to install it, what one sees, and how it was tried."""
    text = (REPO / "templates" / consumer / "README.md").read_text("utf-8")
    assert text.startswith("# ") and len(text.splitlines()) <= 60
    for word in ("Install", "What you see", "Validated"):
        assert re.search(r"^(## )?%s\b|^\*\*%s" % (word, word), text, re.M), "no paragraph '%s'" % word
    # A file that is named is there.
    for name in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (MADE / consumer / name).exists() or (REPO / "templates" / consumer / name).exists(), name


@pytest.mark.parametrize("name", FILES)
def test_parses(name):
    text = (MADE / name).read_text("utf-8")
    assert text.endswith("\n") and "\t\n" not in text and " \n" not in text
    if name.endswith(".json"):
        json.loads(text)
    elif name.endswith(".xml"):
        xml.etree.ElementTree.fromstring(text.encode())
    elif name.endswith((".yml", ".yaml")):
        load_yaml(MADE / name)
    elif name.endswith(".py") or text.startswith("#!/usr/bin/python3"):
        compile(text, name, "exec")


def check_oid(oid, mib, numbers):
    """An object or a node of the MIB, .0 of a scalar, an instance of a column whose event there is."""
    places = {found.oid: found for found in mib.values()}
    if oid in places:
        return
    head, found = next((oid[len(place):], found) for place, found in sorted(places.items(), reverse=True) if oid.startswith(place + "."))
    instance = [int(arc) for arc in head.strip(".").split(".")]
    indexes = mib.indexes(found)
    assert found.access == "read-only", "%s is below %s" % (oid, found.name)
    assert len(instance) <= len(indexes) if indexes else instance == [0], "%s is no instance of %s" % (oid, found.name)
    for index, number in zip(indexes, instance):
        assert index != "kvmEventNumber" or number in numbers, "%s is of an event that there is not" % oid


@pytest.mark.parametrize("name", FILES)
def test_oids_are_in_the_mib(name, mib, events):
    numbers = {event.number for event in events.values()}
    for oid in oids((MADE / name).read_text("utf-8")):
        if oid.startswith(mib.root + "."):
            check_oid(oid, mib, numbers)


@pytest.mark.parametrize("name", FILES)
def test_another_root_is_honoured(name, mib, other_mib):
    """The file is the same but for the root; what is made has it nowhere else."""
    text, other = (MADE / name).read_text("utf-8"), (OTHER / name).read_text("utf-8")
    if (REPO / "templates" / name).exists():
        assert not oids(text), "a file with OIDs is to be made"
    # Some receivers of traps call the first arc iso: a pattern for them begins behind it.
    assert text.replace(mib.root[1:], other_mib.root[1:]) == other
