# SPDX-License-Identifier: MIT
"""OpenNMS: short names, columns that are there, and keys that pair begin and end."""
import re
import xml.etree.ElementTree

import pytest

COLLECTION, EVENTS = "{http://xmlns.opennms.org/xsd/config/datacollection}", "{http://xmlns.opennms.org/xsd/eventconf}"


@pytest.fixture(scope="module")
def collection(made):
    return xml.etree.ElementTree.parse(made / "opennms/datacollection.xml").getroot()


@pytest.fixture(scope="module")
def events_of(made):
    return list(xml.etree.ElementTree.parse(made / "opennms/KVMSTAT.events.xml").getroot())


def test_names_are_short_and_different(collection):
    aliases = [found.get("alias") for found in collection.iter(COLLECTION + "mibObj")]
    assert len(set(aliases)) == len(aliases) and max(map(len, aliases)) <= 19


def test_objects(collection, mib):
    by_oid = {"." + found.oid: found for found in mib.values()}
    for found in collection.iter(COLLECTION + "mibObj"):
        column = by_oid[found.get("oid")]
        assert found.get("instance") == (mib.indexes(column) or ["0"])[0]
        assert (found.get("type") == "counter") == column.syntax.startswith("Counter")
    label, = re.findall(r"\w+", collection.find(COLLECTION + "resourceType").get("resourceLabel"))
    assert [found.get("type") for found in collection.iter(COLLECTION + "mibObj") if found.get("alias") == label] == ["string"]
    groups = {group.get("name") for group in collection.iter(COLLECTION + "group")}
    assert {found.text for found in collection.iter(COLLECTION + "includeGroup")} == groups


def test_graphs_show_what_is_collected(made, collection):
    text = (made / "opennms/kvmstat-graph.properties").read_text("utf-8")
    aliases = {found.get("alias") for found in collection.iter(COLLECTION + "mibObj")}
    for report in re.search(r"^reports=(.*)$", text, re.M)[1].split(", "):
        columns = re.search(r"^report\.%s\.columns=(.*)$" % re.escape(report), text, re.M)[1].split(",")
        command = re.search(r"^report\.%s\.command=((?:.*\\\n)*.*)$" % re.escape(report), text, re.M)[1]
        assert set(columns) <= aliases
        assert re.findall(r"\{rrd(\d)\}:(\w+)", command) == [(str(place), column) for place, column in enumerate(columns, 1)]
        assert set(re.findall(r"(?:AREA|LINE2):(\w+)", command)) <= set(re.findall(r"C?DEF:(\w+)=", command))


def test_begin_and_end_have_one_key(events_of, mib):
    begins = {event.find(EVENTS + "alarm-data").get("reduction-key") for event in events_of if event.find(EVENTS + "alarm-data").get("alarm-type") == "1"}
    ends = [event.find(EVENTS + "alarm-data") for event in events_of if event.find(EVENTS + "alarm-data").get("alarm-type") == "2"]
    assert {data.get("clear-key") for data in ends} == begins and len(ends) == 2 == len(begins)
    objects = mib.notifications()[0].objects
    for key in begins:
        assert [objects[int(number) - 1] for number in re.findall(r"#(\d)", key)] == ["kvmAlarmGuestKey", "kvmAlarmCause"]


def test_each_severity_is_taken_once(events_of, mib):
    taken = [(event.find(".//*[%smename='specific']/%smevalue" % (EVENTS, EVENTS)).text, int(value.text))
             for event in events_of for value in event.iter(EVENTS + "vbvalue")]
    wanted = [(found.oid.split(".")[-1], number) for found in mib.notifications() for word, number in mib["kvmAlarmSeverity"].values.items()
              if (word == "cleared") == found.name.endswith("Normal")]
    assert sorted(taken) == sorted(wanted)
