# SPDX-License-Identifier: MIT
"""Modules of snmp_exporter ask for what they show, with types that are right, and rules use what a module shows."""
import re

import pytest
from conftest import load_yaml

MODULES = ["kvmstat", "kvmstat_events"]


@pytest.fixture(scope="module")
def files(made):
    return {path.name: load_yaml(path) for path in (made / "prometheus").glob("*.yml")}


@pytest.fixture(scope="module")
def modules(files):
    return files["snmp.yml"]["modules"]


@pytest.fixture(scope="module")
def metrics(modules):
    """{name: metric} of all modules."""
    return {metric["name"]: metric for module in modules.values() for metric in module["metrics"]}


def test_both_forms_have_the_same_modules(files, modules):
    assert files["snmp-0.22.yml"] == modules and list(modules) == MODULES
    assert list(files["snmp.yml"]["auths"]) == ["public_v2"]


def test_metrics_are_those_of_the_mib(metrics, mib):
    for name, metric in metrics.items():
        found = mib[name]
        assert metric["oid"] == found.oid
        assert metric["type"] == ("counter" if found.syntax.startswith("Counter") else "gauge")
        assert [index["labelname"] for index in metric.get("indexes", [])] == mib.indexes(found)
        for lookup in metric.get("lookups", []):
            assert lookup["oid"] == mib[lookup["labelname"]].oid
            assert mib.indexes(mib[lookup["labelname"]]) == lookup["labels"]


@pytest.mark.parametrize("name", MODULES)
def test_what_is_shown_is_asked_for(modules, name):
    walked, got = modules[name]["walk"], modules[name]["get"]
    for metric in modules[name]["metrics"]:
        for oid in [metric["oid"], *(lookup["oid"] for lookup in metric.get("lookups", []))]:
            assert oid + ".0" in got or any(oid == tree or oid.startswith(tree + ".") for tree in walked), oid


def test_freshness_is_shown(modules, metrics):
    for name in MODULES:
        assert {"kvmSampleAge", "kvmInterval"} <= {metric["name"] for metric in modules[name]["metrics"]}
    assert {"kvmErrors", "kvmProblemActive", "kvmGuestExitsCount", "kvmGuestEventHCCount", "kvmAlarmSeverity"} <= set(metrics)


def rules(files):
    return [rule for name in ("alerts.yml", "records.yml", "collectd.yml") for group in files[name]["groups"] for rule in group["rules"]]


def test_rules_use_what_a_module_shows(files, metrics):
    records = {rule["record"] for rule in rules(files) if "record" in rule}
    for rule in rules(files):
        for name in re.findall(r"\bkvm[A-Z]\w+", rule["expr"]):
            assert name in metrics, "%s is in no module" % name
        for name in re.findall(r"\b\w+:\w+:\w+", rule["expr"]):
            assert name in records, "no rule records %s" % name


def test_rules_have_rates_of_counters_only(files, metrics):
    for rule in rules(files):
        for name in re.findall(r"\b(?:rate|increase)\((kvm\w+)", rule["expr"]):
            assert metrics[name]["type"] == "counter"


def test_texts_have_labels_that_are_there(files, metrics):
    labels = {index["labelname"] for metric in metrics.values() for index in metric.get("indexes", []) + metric.get("lookups", [])}
    for rule in rules(files):
        for text in rule.get("annotations", {}).values():
            for label in re.findall(r"\$labels\.(\w+)", text):
                assert label in labels | {"instance", "kvmstat"}, label


def test_severities_are_those_of_the_mib(files, mib):
    """Each one that is no end of an alarm is in one alert."""
    alerts = [rule["expr"] for rule in rules(files) if rule.get("alert") == "KvmGuestAbnormal" and "kvmAlarmSeverity" in rule["expr"]]
    for word, number in mib["kvmAlarmSeverity"].values.items():
        matches = [eval(expr.replace("kvmAlarmSeverity", str(number))) for expr in alerts]
        assert sum(matches) == (word != "cleared"), word
        assert not matches[0] or word in ("critical", "major")
