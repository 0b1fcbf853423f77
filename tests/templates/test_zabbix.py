# SPDX-License-Identifier: MIT
"""Zabbix' templates: whatever a trigger, graph or dashboard names is there, and every identity is one, and the same for ever."""
import re

import pytest
from conftest import OTHER, load_yaml

FILES = ["template_kvm_guests_snmp.yaml", "template_kvm_events_snmp.yaml"]
# Identities that people's servers know.
PROMISED = {
    ("KVM guests by SNMP", "kvm.sample.age"): "ac64d7914778455cb700e7f6d64571a4",
}


@pytest.fixture(scope="module")
def templates(made):
    """{name: template}"""
    return {template["name"]: template for file in FILES for template in load_yaml(made / "zabbix" / file)["zabbix_export"]["templates"]}


def items(template):
    """Items and item prototypes."""
    return template.get("items", []) + [item for rule in template.get("discovery_rules", []) for item in rule["item_prototypes"]]


def triggers(template):
    return [trigger for item in items(template) for trigger in item.get("triggers", [])] + [
        trigger for rule in template.get("discovery_rules", []) for trigger in rule.get("trigger_prototypes", [])]


def graphs(template):
    return [graph for rule in template.get("discovery_rules", []) for graph in rule.get("graph_prototypes", [])]


def every(value, key):
    """All values of a key, wherever it is."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == key:
                yield item
            yield from every(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from every(item, key)


def test_identities(templates):
    found = list(every(list(templates.values()), "uuid"))
    assert len(set(found)) == len(found)
    assert all(re.fullmatch("[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", uuid) for uuid in found)
    for (template, key), uuid in PROMISED.items():
        assert [item["uuid"] for item in items(templates[template]) if item["key"] == key] == [uuid]


def test_another_root_has_the_same_identities(made):
    for file in FILES:
        assert list(every(load_yaml(OTHER / "zabbix" / file), "uuid")) == list(every(load_yaml(made / "zabbix" / file), "uuid"))


def test_keys_are_unique(templates):
    """On one host, whatever templates are linked; events of one architecture only."""
    for name, template in templates.items():
        keys = [item["key"] for item in items(template)] + [rule["key"] for rule in template.get("discovery_rules", [])]
        assert len(set(keys)) == len(keys), name
    alone = [{item["key"] for item in items(templates[name])} for name in ("KVM guests by SNMP", "KVM alarms by SNMP trap", "KVM events s390 by SNMP")]
    assert not (alone[0] & alone[1] or alone[0] & alone[2] or alone[1] & alone[2])


def test_triggers_name_items(templates):
    for name, template in templates.items():
        keys = {item["key"] for item in items(template)}
        for trigger in triggers(template):
            for expression in (trigger["expression"], trigger.get("recovery_expression", "")):
                named = re.findall(r"\(/([^/]+)/((?:[^,()\[]|\[(?:\"[^\"]*\"|[^\"\]]*)\])+)[,)]", expression)
                assert named or not expression, expression
                assert all(host == name and key in keys for host, key in named), (expression, named)


def test_graphs_name_items_that_are_found(templates):
    for name, template in templates.items():
        found = {item["key"] for item in items(template) if item.get("discover") != "NO_DISCOVER"}
        for graph in graphs(template):
            assert all(item["item"]["host"] == name and item["item"]["key"] in found for item in graph["graph_items"]), graph["name"]


def test_dashboards_name_graphs(templates):
    for name, template in templates.items():
        names = {graph["name"] for graph in graphs(template)}
        shown = [value for value in every(template.get("dashboards", []), "value") if isinstance(value, dict)]
        assert all(value["host"] == name and value["name"] in names for value in shown)
        assert bool(shown) == bool(names)


def test_macros_and_valuemaps_are_there(templates):
    for template in templates.values():
        macros = {macro["macro"] for macro in template.get("macros", [])}
        assert set(re.findall(r"\{\$[A-Z._]+", str(template.get("discovery_rules", [])))) <= {macro[:-1] for macro in macros}
        maps = {valuemap["name"] for valuemap in template.get("valuemaps", [])}
        assert {valuemap["name"] for valuemap in every(items(template), "valuemap")} == maps


def test_discovery_macros_are_those_of_the_rule(templates):
    for template in templates.values():
        for rule in template.get("discovery_rules", []):
            known = set(re.findall(r"\{#\w+\}", rule["snmp_oid"])) | {"{#SNMPINDEX}"}
            assert set(re.findall(r"\{#\w+\}", str(rule))) <= known, rule["name"]


def test_rates_are_gauges(templates, mib):
    """Counters become changes, rates stay what they are."""
    by_oid = {found.oid: found for found in mib.values()}
    for template in templates.values():
        for item in items(template):
            if item["type"] != "SNMP_AGENT":
                continue
            column = by_oid[re.match(r"[\d.]*\d(?=\.(?:0$|\{))", item["snmp_oid"])[0]]
            steps = [step["type"] for step in item.get("preprocessing", [])]
            assert ("SIMPLE_CHANGE" in steps) == column.syntax.startswith("Counter"), item["name"]
            text = column.syntax in ("DisplayString", "KvmText", "KvmName")
            assert (item.get("value_type", "UNSIGNED") in ("CHAR", "TEXT")) == text, item["name"]


def test_events_are_those_of_the_architecture(templates, events):
    for arch in {arch for event in events.values() for arch in event.archs}:
        found = items(templates["KVM events %s by SNMP" % arch])
        wanted = {event.name: event for event in events.values()
                  if arch in event.archs and not event.dead and not event.reason and not event.cls.endswith("hist")}
        assert {item["name"].split(": ")[1] for item in found} == set(wanted)
        for item in found:
            event = wanted[item["name"].split(": ")[1]]
            assert item["key"] == "kvm.event[{#SNMPINDEX},%s]" % event.name
            assert item["snmp_oid"].endswith(".{#SNMPINDEX}.%d" % event.number)
            assert (".1.8.1.1." in item["snmp_oid"]) == (event.cls == "cumulative")
            assert (item.get("discover") == "NO_DISCOVER") == (event.judge == "-")


def test_severities_are_those_of_the_mib(templates, mib):
    """Each one that is no end of an alarm is in one trigger."""
    expressions = [trigger["expression"] for trigger in triggers(templates["KVM guests by SNMP"]) if "alarm.severity" in trigger["expression"]]
    numbers = [int(number) for expression in expressions for number in re.findall(r"=(\d)", expression)]
    assert sorted(numbers) == sorted(number for word, number in mib["kvmAlarmSeverity"].values.items() if word != "cleared")


# As Zabbix' own receiver in Perl writes a trap, with and without the MIB, and as its script for snmptrapd's traphandle does.
RECEIVED = {
    "perl": "  KVMSTAT-MIB::kvmAlarmCause.7 type=2  value=INTEGER: {cause}\n  KVMSTAT-MIB::kvmAlarmText.7 type=4  value=STRING: \"{text}\"\n",
    "perl without the MIB": "  iso{root}.1.15.1.5.7 type=2  value=INTEGER: {cause}\n  iso{root}.1.15.1.16.7 type=4  value=STRING: \"{text}\"\n",
    "traphandle": "KVMSTAT-MIB::kvmAlarmCause.7 {cause}\nKVMSTAT-MIB::kvmAlarmText.7 {text}\n",
    "traphandle -On": ".1{root}.1.15.1.5.7 {cause}\n.1{root}.1.15.1.16.7 \"{text}\"\n",
}


@pytest.mark.parametrize("form", RECEIVED)
def test_traps_are_taken_apart(templates, mib, form):
    trigger, = triggers(templates["KVM alarms by SNMP trap"])
    patterns = {name: re.search(r'regsub\("(.*)","\\1"\)', text)[1] for name, text in (
        ("text", trigger["event_name"]), ("pair", trigger["tags"][0]["value"]))}
    text = "rhel7: 64 vCPUs on 14 CPUs: instruction_diagnose_44 2400/s (overcommit). virsh vcpuinfo rhel7"
    trap = "VARBINDS:\n" + RECEIVED[form].format(root=mib.root[1:], cause=3, text=text)
    assert re.search(patterns["text"], trap)[1] == text
    assert re.search(patterns["pair"], trap)[1].startswith("7 ") and re.search(patterns["pair"], trap)[1].endswith("3")
