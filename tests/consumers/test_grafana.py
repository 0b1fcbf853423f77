# SPDX-License-Identifier: MIT
"""Every query of the dashboards for Grafana and graphite-web, asked of a real graphite-web and of a real Prometheus."""
import json
import re
import subprocess

import pytest
import rig
import test_prometheus
from conftest import integration, need
from graphite_web import GraphiteWeb
from storm import write_baseline

carbon = integration.carbon
exporter, form = test_prometheus.exporter, test_prometheus.form
integration.PROGRAMS["graphite-manage"] = "graphite-web"
KERNEL, OPTIONS = "s390x-6.12", "SkipNeverSeen false\nReportVcpus true\nReportUsual true"
# Without values here: tracepoints, of which a replay has none.
ABSENT = re.compile(r"kvm_\w*exit")


def board(made, name):
    return json.loads((made / "grafana" / (name + ".json")).read_text("utf-8"))


def queries(made, source):
    return [target.get("target") or target["expr"] for kind in ("fleet", "guest") for panel in board(made, "%s-%s" % (kind, source))["panels"]
            for target in panel["targets"]]


class Sender(rig.Collectd):
    """Writes to Graphite as the dashboards expect it."""

    def configuration(self, plugins, options, carbon, interval):  # pylint: disable=redefined-outer-name
        return super().configuration(plugins, options, carbon, interval).replace('Prefix "rate."', 'Prefix "collectd."')


def learnt(directory, host):
    """A folder of collectd's in which the plugin finds what is usual of the host's guests."""
    write_baseline(directory / "kvmstat", host["guests"])
    return directory


@pytest.fixture
def graphite(tree, passing, place, started, carbon):  # pylint: disable=redefined-outer-name
    """(graphite-web, name of a guest), with values."""
    need("graphite-manage", "collectd")
    root, host = tree(KERNEL, guests=3, vcpus=2)
    passing(root)
    started.append(Sender(learnt(place("collectd"), host), 'Root "%s"\n%s' % (root, OPTIONS), carbon=carbon))
    conf = (carbon.whisper.parent.parent / "conf/carbon.conf").read_text()
    web = GraphiteWeb(place("web"), carbon.whisper, int(re.search(r"CACHE_QUERY_PORT = (\d+)", conf)[1]))
    started.append(web)
    guest = host["guests"][0]["name"]
    rig.wait_until(lambda: len(next(iter(web.values("collectd.host.kvmstat-%s.derive-exit_instruction" % guest).values()), [])) > 5, "rates arrive")
    return web, guest


def test_graphite_answers_every_query(graphite, made):  # pylint: disable=redefined-outer-name
    web, guest = graphite
    asked = [query.replace("$host", "host").replace("$guest", guest) for query in queries(made, "graphite")]
    for target in asked:
        values = web.values(target)
        assert ABSENT.search(target) or any(values.values()), target
    assert set(web.values(next(target for target in asked if "derive-{exits," in target))) == {"host linux0%d" % n for n in (1, 2, 3)}
    shares, = web.values(next(target for target in asked if "divideSeries" in target)).values()
    assert all(0 <= share <= 1 for share in shares)
    for vcpus in web.values(next(target for target in asked if "halt_wait_ns" in target)).values():
        assert all(0 <= value < 10 for value in vcpus), "seconds a second, not nanoseconds"
    assert set(web.values(next(target for target in asked if "cpu_time_ns-vcpu" in target))) == {"vCPU 0", "vCPU 1"}
    web.values("aliasSub(aliasByNode(removeBelowValue(derivative(collectd.host.kvmstat.gauge-alarms), 1), 1), '^', 'an alarm began on ')")
    # As Grafana fills its variables.
    assert json.loads(web.ask("/metrics/expand", query="collectd.*.kvmstat"))["results"] == ["collectd.host.kvmstat"]
    assert "kvmstat-" + guest in {node["text"] for node in json.loads(web.ask("/metrics/find", query="collectd.host.kvmstat-*"))}


def test_graphite_keeps_dashboards_and_alarms(graphite, made):  # pylint: disable=redefined-outer-name
    web, guest = graphite
    web.ask("/dashboard/save/kvm-fleet", {"state": (made / "graphite/fleet.json").read_text("utf-8")})
    web.ask("/dashboard/save_template/kvm-guest/HOST.kvmstat-GUEST", {"state": (made / "graphite/guest.json").read_text("utf-8")})
    fleet = json.loads(web.ask("/dashboard/load/kvm-fleet"))["state"]
    one = json.loads(web.ask("/dashboard/load_template/kvm-guest/host.kvmstat-%s" % guest))["state"]
    assert fleet["name"] == "kvm-fleet" and len(one["graphs"]) > 8
    for _, parameters, _ in fleet["graphs"] + one["graphs"]:
        picture = web.ask("/render", **{**parameters, "from": "-5min", "format": "png"})
        assert picture.startswith(b"\x89PNG")
        if not ABSENT.search(parameters["target"][0]):
            assert len(picture) > 3000, "no data"
            assert any(any(web.values(target).values()) for target in parameters["target"]), parameters
    notification = "Severity: FAILURE\nTime: %d\nHost: host\nPlugin: kvmstat\nPluginInstance: %s\ncause: lock\n\n%s: yields (lock)\n" % (
        rig.time.time() - 5, guest, guest)
    subprocess.run(["/usr/bin/python3", made / "graphite/kvmstat-alarm", web.url], input=notification, text=True, check=True)
    found = json.loads(web.ask("/events/get_data", **{"from": "-1min", "until": "now", "tags": "kvmstat " + guest}))
    assert [event["data"] for event in found] == ["%s: yields (lock)" % guest]


def ask_all(prometheus, made, source, host, guest):
    for query in queries(made, source):
        expr = query.replace("$__rate_interval", "10s").replace("$host", host).replace("$guest", guest)
        found = prometheus.query(expr)
        assert found or ABSENT.search(query), expr


def test_prometheus_answers_what_collectd_has(tree, passing, place, started, made):
    need("collectd", "prometheus")
    library = rig.Collectd.system_plugins() + "/write_prometheus.so"
    if b"not found" in rig.run("ldd", library):
        pytest.skip("collectd's write_prometheus cannot be loaded (Debian: libprotobuf-c1 libmicrohttpd12)")
    root, host = tree(KERNEL, guests=2, vcpus=2)
    passing(root)
    collectd = test_prometheus.Writer(learnt(place("collectd"), host), 'Root "%s"\n%s' % (root, OPTIONS))
    started.append(collectd)
    rig.wait_until(lambda: rig.listens(collectd.port), "write_prometheus listens")
    prometheus = test_prometheus.Prometheus(place("prometheus"), made, [
        {"job_name": "collectd", "honor_labels": True, "static_configs": [{"targets": ["127.0.0.1:%d" % collectd.port]}]}])
    started.append(prometheus)
    guest = host["guests"][0]["name"]
    rig.wait_until(lambda: prometheus.query('rate(collectd_kvmstat_derive_total{kvmstat="%s",type="cpu_wait_ns-vcpu001"}[10s])' % guest), "rates arrive")
    ask_all(prometheus, made, "prometheus-collectd", "host", guest)


def test_prometheus_answers_what_snmp_has(exporter, made, host, started, place):  # pylint: disable=redefined-outer-name
    need("prometheus")
    machine = host()
    machine.storm()
    target = "127.0.0.1:%d" % machine.snmpd.port
    jobs = [{**test_prometheus.job(target, exporter[1]), "job_name": module, "params": {"module": [module]}} for module in ("kvmstat", "kvmstat_events")]
    prometheus = test_prometheus.Prometheus(place("prometheus"), made, jobs)
    started.append(prometheus)
    guest = machine.sick["name"]
    rig.wait_until(lambda: prometheus.query('rate(kvmGuestEventHCCount{kvmGuestName="%s",kvmEventName="exit_instruction"}[10s])' % guest)
                   and prometheus.query("kvmAlarmSeverity > 1"), "rates and the alarm arrive")
    ask_all(prometheus, made, "prometheus-snmp", target, guest)
    for kind, alarms in (("fleet", 1), ("guest", 1)):
        annotation, = board(made, kind + "-prometheus-snmp")["annotations"]["list"]
        found = prometheus.query(annotation["expr"].replace("$host", target).replace("$guest", guest))
        assert len(found) == alarms and found[0]["metric"]["kvmAlarmText"].startswith(guest + ": 64 vCPUs on 14 CPUs"), found
