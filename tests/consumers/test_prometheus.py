# SPDX-License-Identifier: MIT
"""promtool reads and tries the rules; snmp_exporter scrapes a subagent; Prometheus raises an alert with the alarm's own text."""
import json
import pathlib
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest
import rig
from conftest import need

HERE = pathlib.Path(__file__).resolve().parent
RULES = ["records.yml", "alerts.yml", "collectd.yml"]
COUNTS = ["kvmGuest%sCount" % name for name in "Exits Io Idle Instruction Interrupt Yield Memory Userspace".split()]


def fetch(port, path, **params):
    with urllib.request.urlopen("http://127.0.0.1:%d%s?%s" % (port, path, urllib.parse.urlencode(params)), timeout=20) as answer:
        return answer.read().decode()


@pytest.fixture
def form(made):
    """The file for the exporter that is installed, and the other one."""
    need("prometheus-snmp-exporter")
    done = subprocess.run(["prometheus-snmp-exporter", "--version"], capture_output=True, text=True, check=True)
    version = tuple(map(int, re.search(r"version (\d+)\.(\d+)", done.stdout + done.stderr).groups()))
    files = [made / "prometheus/snmp.yml", made / "prometheus/snmp-0.22.yml"]
    return files if version >= (0, 23) else files[::-1]


@pytest.fixture
def exporter(form, started, place):
    port = rig.free_port()
    program = rig.Program(["prometheus-snmp-exporter", "--config.file=%s" % form[0], "--web.listen-address=127.0.0.1:%d" % port],
                          place("exporter") / "log")
    started.append(program)
    rig.wait_until(lambda: rig.listens(port), "snmp_exporter listens")
    return lambda snmpd, module: fetch(port, "/snmp", module=module, target="127.0.0.1:%d" % snmpd.port), port


def series(text, name):
    """{labels as a set: value}"""
    found = re.findall(r"^%s\{(.*)\} (\S+)$" % name, text, re.M)
    return {frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)): float(value) for labels, value in found}


def test_promtool_reads_the_rules(made):
    need("promtool")
    for name in RULES:
        rig.run("promtool", "check", "rules", str(made / "prometheus" / name))


def test_rules_do_what_they_should(made, tmp_path):
    need("promtool")
    for path in [*(made / "prometheus" / name for name in RULES), HERE / "rules.yml"]:
        shutil.copy(path, tmp_path)
    rig.run("promtool", "test", "rules", str(tmp_path / "rules.yml"))


def test_each_exporter_reads_its_own_form(form):
    right, wrong = (subprocess.run(["prometheus-snmp-exporter", "--dry-run", "--config.file=%s" % path], capture_output=True, text=True, check=False)
                    for path in form)
    assert right.returncode == 0, right.stderr
    assert wrong.returncode != 0 and "not found" in wrong.stderr


def test_a_scrape_is_what_a_walk_says(exporter, tree, agent):
    scrape, _ = exporter
    root, _ = tree("s390x-6.12", guests=3)
    master = agent("Source debugfs\nRoot %s" % root).snmpd
    text = scrape(master, "kvmstat")
    names = {index: name.decode() for index, name in master.names().items()}
    for column in COUNTS + ["kvmGuestVcpus", "kvmGuestMemory"]:
        wanted = {frozenset({("kvmGuestIndex", str(index)), ("kvmGuestName", names[index])}): value
                  for (index,), value in master.numbers(column).items()}
        assert wanted and series(text, column) == wanted, column
    for scalar in ("kvmInterval", "kvmHostGuests", "kvmHostEvents"):
        assert re.search(r"^%s %d$" % (scalar, master.get(scalar + ".0")), text, re.M), scalar
    text = scrape(master, "kvmstat_events")
    events = {number: name for name, number in master.event_numbers().items()}
    wanted = {frozenset({("kvmGuestIndex", str(guest)), ("kvmGuestName", names[guest]), ("kvmEventNumber", str(event)), ("kvmEventName", events[event])}): value
              for (guest, event), value in master.numbers("kvmGuestEventHCCount").items()}
    assert wanted and series(text, "kvmGuestEventHCCount") == wanted


class Prometheus(rig.Program):
    def __init__(self, directory, made, jobs):
        self.port = rig.free_port()
        (directory / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(made / "prometheus" / name) for name in RULES], "scrape_configs": jobs}))
        super().__init__(["prometheus", "--config.file=%s/prometheus.yml" % directory, "--storage.tsdb.path=%s/data" % directory,
                          "--web.listen-address=127.0.0.1:%d" % self.port], directory / "log")
        rig.wait_until(self.ready, "Prometheus is ready")

    def ready(self):
        try:
            return rig.listens(self.port) and "Ready" in fetch(self.port, "/-/ready")
        except urllib.error.HTTPError:
            return False

    def query(self, expr):
        return json.loads(fetch(self.port, "/api/v1/query", query=expr))["data"]["result"]

    def alerts(self, name):
        """Those that fire."""
        found = json.loads(fetch(self.port, "/api/v1/alerts"))["data"]["alerts"]
        return [alert for alert in found if alert["labels"]["alertname"] == name and alert["state"] == "firing"]


def job(target, port):
    """As in the README."""
    return {"job_name": "kvmstat", "metrics_path": "/snmp", "params": {"module": ["kvmstat"]}, "static_configs": [{"targets": [target]}],
            "relabel_configs": [{"source_labels": ["__address__"], "target_label": "__param_target"},
                                {"source_labels": ["__param_target"], "target_label": "instance"},
                                {"target_label": "__address__", "replacement": "127.0.0.1:%d" % port}]}


def test_an_alarm_becomes_an_alert(exporter, made, host, started, place):
    need("prometheus")
    machine = host()
    target = "127.0.0.1:%d" % machine.snmpd.port
    prometheus = Prometheus(place("prometheus"), made, [job(target, exporter[1])])
    started.append(prometheus)
    rig.wait_until(lambda: prometheus.query("guest:kvm_cpu:cpus"), "values are recorded")
    assert not prometheus.alerts("KvmGuestAbnormal")
    machine.storm()
    alert, = rig.wait_until(lambda: prometheus.alerts("KvmGuestAbnormal"), "the alert fires")
    assert alert["labels"]["severity"] == "critical" and alert["labels"]["kvmAlarmGuestName"] == machine.sick["name"]
    assert alert["annotations"]["summary"].startswith("%s: %s: 64 vCPUs on 14 CPUs: " % (target, machine.sick["name"]))
    machine.end()
    rig.wait_until(lambda: not prometheus.alerts("KvmGuestAbnormal"), "it is over")


class Writer(rig.Collectd):
    PLUGINS = rig.Collectd.PLUGINS + ("write_prometheus",)

    def csv(self):
        self.port = rig.free_port()
        return super().csv() + '\nLoadPlugin write_prometheus\n<Plugin write_prometheus>\nHost "127.0.0.1"\nPort %d\n</Plugin>' % self.port


def test_what_collectd_writes(tree, passing, place, started, made):
    """The labels that the rules select, in what a real collectd writes and a real Prometheus scrapes."""
    need("collectd", "prometheus")
    library = rig.Collectd.system_plugins() + "/write_prometheus.so"
    if b"not found" in rig.run("ldd", library):
        pytest.skip("collectd's write_prometheus cannot be loaded (Debian: libprotobuf-c1 libmicrohttpd12)")
    root, made_host = tree("s390x-6.12", guests=2)
    passing(root)
    collectd = Writer(place("collectd"), 'Root "%s"' % root)
    started.append(collectd)
    rig.wait_until(lambda: rig.listens(collectd.port), "write_prometheus listens")
    prometheus = Prometheus(place("prometheus"), made, [
        {"job_name": "collectd", "honor_labels": True, "static_configs": [{"targets": ["127.0.0.1:%d" % collectd.port]}]}])
    started.append(prometheus)
    guest = made_host["guests"][0]["name"]
    rate, = rig.wait_until(lambda: prometheus.query('guest_event:kvm:rate5m{kvmstat="%s",type="exit_instruction"} > 0' % guest), "rates are recorded")
    assert rate["metric"]["instance"] == collectd.HOST
    for name in ("guests", "alarms"):
        found, = prometheus.query('collectd_kvmstat_gauge{kvmstat="%s",type=""}' % name)
        assert found["metric"]["instance"] == collectd.HOST
    assert prometheus.query('collectd_kvmstat_derive_total{kvmstat=~"errors-.+",type=""}')
