# SPDX-License-Identifier: MIT
"""Netcool's rules: every notification, every cause and severity, and names that are those of the objects."""
import re

import pytest


@pytest.fixture(scope="module")
def rules(made):
    return (made / "netcool/kvmstat.include.snmptrap.rules").read_text("utf-8")


def test_notifications(rules, mib):
    cases = {number: (name, kind) for number, name, kind in re.findall(r'case "(\d)": ### (\w+)\n.*\n *@Type = (\d)', rules)}
    assert cases == {found.oid.split(".")[-1]: (found.name, "1" if found.name.endswith("Abnormal") else "2") for found in mib.notifications()}


def test_objects(rules, mib):
    named = [name for name, _ in sorted(re.findall(r"^    \$(\w+) = \$(\d)$", rules, re.M), key=lambda pair: int(pair[1]))]
    assert all(found.objects == named for found in mib.notifications())
    assert set(re.findall(r"\$(kvm\w+)", rules)) <= set(named)


def test_tables(made, mib):
    text = (made / "netcool/kvmstat.include.snmptrap.lookup").read_text("utf-8")
    for name in ("kvmAlarmCause", "kvmAlarmSeverity"):
        body = re.search(r"table %s =\n\{\n(.*?)\n\}" % name, text, re.S)[1]
        rows = re.findall(r'\{"(\d+)","(\w+)"\}', body)
        assert [int(number) for number, _ in rows] == list(mib[name].values.values())
        assert body.count("{") == len(rows) == body.count("\n") + 1 and body.count("},\n") == len(rows) - 1
    assert [word for _, word in re.findall(r'\{"(\d+)","([a-z]\w+)"\}', text)] == list(mib["kvmAlarmCause"].values)


def test_braces(rules):
    assert rules.count("{") == rules.count("}") and rules.count("(") == rules.count(")") and rules.count('"') % 2 == 0
