# SPDX-License-Identifier: MIT
"""telegraf's configuration: TOML, and every object once. That each OID is in the MIB is in test_all.py."""
import pytest

tomllib = pytest.importorskip("tomllib", reason="Python before 3.11 reads no TOML")


def test_configuration(made, mib):
    snmp, = tomllib.loads((made / "telegraf/kvmstat.conf").read_text("utf-8"))["inputs"]["snmp"]
    objects = {found.oid: found for found in mib.values()}
    oids = []
    for field in snmp["field"]:
        found = objects[field["oid"][1:].removesuffix(".0")]
        assert field["oid"].endswith(".0") and not mib.indexes(found)
        oids.append(field["oid"])
    for table in snmp["table"]:
        fields = table["field"]
        assert table["index_as_tag"] and len({field["name"] for field in fields}) == len(fields)
        found = [objects[field["oid"][1:]] for field in fields]
        assert all(mib.indexes(column) == mib.indexes(found[0]) != [] for column in found), table["name"]
        assert any(field.get("is_tag") for field in fields)
        oids += [field["oid"] for field in fields]
    assert len(set(oids)) == len(oids) > 30
    guest = {field["name"]: field for table in snmp["table"] if table["name"] == "kvmstat_guest" for field in table["field"]}
    assert guest["cpu_rate"]["conversion"] == "float(3)" and "conversion" not in guest["exits_rate"]
    assert {"name", "uuid", "exits_rate", "io_rate", "wait_rate", "yield_rate", "alarm"} <= set(guest)
