# SPDX-License-Identifier: MIT
"""A real Zabbix server takes the templates, polls a subagent with them, and has a problem while a guest is not as usual."""
import pytest
import rig
import zabbix

FILES = ["template_kvm_guests_snmp.yaml", "template_kvm_events_snmp.yaml"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    missing = zabbix.missing()
    if missing:
        pytest.skip("no %s (Debian: %s)" % (missing[0], " ".join(missing)))
    programs = []
    place = tmp_path_factory.mktemp("zabbix")
    place.parent.chmod(0o755), place.chmod(0o755), place.parent.parent.chmod(0o755)
    try:
        for name, make in (("database", zabbix.Database), ("server", zabbix.Server), ("api", zabbix.Api)):
            (place / name).mkdir()
            programs.append(make(place / name, *programs[:1]))
        yield programs[1], programs[2]
    finally:
        for program in reversed(programs):
            program.kill()


@pytest.fixture(scope="module")
def templates(server):
    """{name: id} of ours, imported."""
    from conftest import MADE
    api = server[1]
    for file in FILES * 2:  # the second time finds what is there by its identity
        assert api.load((MADE / "zabbix" / file).read_text("utf-8"))
    return {template["name"]: template["templateid"] for template in api.call("template.get", output=["name"], search={"name": "KVM "})}


def test_import(templates):
    assert len([name for name in templates if name.startswith("KVM events ")]) == 7
    assert {"KVM guests by SNMP", "KVM alarms by SNMP trap"} <= set(templates)


def hurry(api, hostid):
    """All discoveries and items at once, again and again."""
    for rule in api.call("discoveryrule.get", hostids=[hostid], output=["itemid"]):
        api.call("task.create", type=6, request={"itemid": rule["itemid"]})
    for item in api.call("item.get", hostids=[hostid], output=["itemid", "type"], filter={"type": 20}):
        api.call("task.create", type=6, request={"itemid": item["itemid"]})


def add_host(api, name, port, *templateids):
    group = api.call("hostgroup.get", output=["groupid"], limit=1)[0]["groupid"]
    interface = {"type": 2, "main": 1, "useip": 1, "ip": "127.0.0.1", "dns": "", "port": str(port),
                 "details": {"version": 2, "community": "public", "bulk": 1}}
    return api.call("host.create", host=name, groups=[{"groupid": group}], interfaces=[interface],
                    templates=[{"templateid": templateid} for templateid in templateids])["hostids"][0]


def problems(api, hostid):
    return [problem["name"] for problem in api.call("problem.get", hostids=[hostid], output=["name"])]


def test_polled(server, templates, host):
    """Every item has a value or waits for one that the host does not have; none is unsupported. An alarm is a problem until it is over."""
    api = server[1]
    machine = host()
    hostid = add_host(api, "polled", machine.snmpd.port, templates["KVM guests by SNMP"], templates["KVM events s390 by SNMP"])
    by_key = lambda: {item["key_"]: item for item in api.call(      # noqa: E731
        "item.get", hostids=[hostid], output=["key_", "lastvalue", "lastclock", "state", "error", "flags"])}
    index = machine.snmpd.index_of(machine.sick["name"])
    wanted = ["kvm.host.guests", "kvm.guest.exits[%d]" % index, "kvm.guest.ram[%d]" % index, "kvm.event[%d,exit_instruction]" % index]
    rig.wait_until(lambda: hurry(api, hostid) or all(float(by_key().get(key, {}).get("lastvalue", 0) or 0) > 0 for key in wanted), "values of guests arrive")
    items = by_key()
    assert {key: item["error"] for key, item in items.items() if item["state"] != "0"} == {}
    assert int(items["kvm.host.guests"]["lastvalue"]) == 2 and 0 <= float(items["kvm.sample.age"]["lastvalue"]) < 10
    assert int(items["kvm.guest.ram[%d]" % index]["lastvalue"]) == machine.snmpd.get("kvmGuestMemory.%d" % index) * 1048576
    assert not [name for name in problems(api, hostid) if "not as usual" in name or "64 vCPUs" in name]
    machine.storm()
    name = "%s: 64 vCPUs on 14 CPUs: " % machine.sick["name"]
    rig.wait_until(lambda: hurry(api, hostid) or any(problem.startswith(name) for problem in problems(api, hostid)), "the alarm is a problem")
    machine.end()
    rig.wait_until(lambda: hurry(api, hostid) or not any(problem.startswith(name) for problem in problems(api, hostid)), "it is over")
    assert {key: item["error"] for key, item in by_key().items() if item["state"] != "0"} == {}


@pytest.mark.parametrize("options", [("-On", "-m", "+KVMSTAT-MIB"), ("-m", "+KVMSTAT-MIB")], ids=["numbers", "names"])
def test_by_trap(server, templates, host, trapd, options):
    program, api = server
    receiver = trapd("authCommunity log,execute public\ntraphandle default %s\n" % program.handler, options=options)
    machine = host("trap2sink 127.0.0.1:%d public" % receiver.port)
    hostid = add_host(api, "trapped " + options[0], machine.snmpd.port, templates["KVM alarms by SNMP trap"])
    rig.wait_until(lambda: "trapped " + options[0] in str(api.call("host.get", hostids=[hostid])), "the host is there")
    machine.storm()
    found = rig.wait_until(lambda: problems(api, hostid), "the trap is a problem")
    assert len(found) == 1 and found[0].startswith("%s: 64 vCPUs on 14 CPUs: " % machine.sick["name"]) and found[0].endswith(machine.sick["name"])
    machine.end()
    rig.wait_until(lambda: not problems(api, hostid), "it is over")
