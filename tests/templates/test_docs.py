# SPDX-License-Identifier: MIT
"""The tables of documents for those who write templates."""
import re

import tables
from conftest import REPO


def rows(path, heading):
    """Cells of the table below a heading, without its head."""
    text = (REPO / path).read_text("utf-8").split(heading)[1]
    lines = re.search(r"(?:^\|.*\n)+", text, re.M)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_units_of_every_number(mib):
    shown = {}
    for unit, factor, _, objects in rows("docs/snmp.md", "\n## Units\n"):
        for name in re.findall(r"\bkvm\w+", objects):
            assert name not in shown, name
            shown[name] = (unit, factor)
    numbers = {name for name, found in mib.items()
               if found.access == "read-only" and re.match("Counter|Gauge|KvmGauge", found.syntax) or found.units}
    assert set(shown) == numbers
    for name, (unit, factor) in shown.items():
        units = mib[name].units
        assert units in re.split(", | and ", unit) if units else unit.startswith("none"), name
        assert float(factor) == tables.SCALES.get(units, (1,))[0], name


def test_every_consumer_is_listed():
    linked = set(re.findall(r"\.\./templates/([a-z]+)/README\.md", (REPO / "docs/consumers.md").read_text("utf-8")))
    assert linked >= {path.parent.name for path in (REPO / "templates").glob("*/README.md")}
