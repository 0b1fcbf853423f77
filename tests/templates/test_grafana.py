# SPDX-License-Identifier: MIT
"""Dashboards of Grafana and graphite-web: the model, and every name in their queries. Queries with values: tests/consumers."""
import json
import re

import pytest
from conftest import MADE

SOURCES = ["graphite", "prometheus-collectd", "prometheus-snmp"]
BOARDS = ["%s-%s" % (kind, source) for kind in ("fleet", "guest") for source in SOURCES]
TIMES = {"cpu_time_ns", "cpu_wait_ns"}    # of the plugin, not of the kernel
OWN = {"guests", "alarms", "pass"}        # what the plugin says of itself
VARIABLES = {"host", "guest", "datasource", "__rate_interval"}


def board(name):
    return json.loads((MADE / "grafana" / (name + ".json")).read_text("utf-8"))


def queries(model):
    return [target.get("target") or target["expr"] for panel in model["panels"] for target in panel["targets"]]


def annotations(model):
    return [made.get("expr") or made["target"].get("target", "") for made in model["annotations"]["list"]]


@pytest.mark.parametrize("name", BOARDS)
def test_model(name):
    model = board(name)
    assert model["id"] is None and model["uid"] == "kvmstat-" + name and len(model["uid"]) <= 40
    variables = {variable["name"] for variable in model["templating"]["list"]}
    assert variables == {"datasource", "host"} | ({"guest"} if name.startswith("guest") else set())
    assert len({panel["id"] for panel in model["panels"]}) == len(model["panels"]) > 8
    for panel in model["panels"]:
        assert panel["title"] and panel["description"].endswith(".") and panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"] and all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
    assert any(model["annotations"]["list"])


@pytest.mark.parametrize("name", BOARDS)
def test_panels_do_not_overlap(name):
    taken = set()
    for panel in board(name)["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not taken & cells and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", BOARDS)
def test_queries_are_whole(name):
    model = board(name)
    for query in queries(model) + annotations(model):
        for pair in ("()", "{}", "[]"):
            assert query.count(pair[0]) == query.count(pair[1]), query
        assert set(re.findall(r"\$(\w+)", query)) <= VARIABLES, query
    if name.startswith("fleet"):
        assert not any("$guest" in query for query in queries(model))


def names_of(query):
    """Events, as Graphite's paths and Prometheus' labels have them; those with a wildcard are left out."""
    found = []
    for words in re.findall(r"(?:derive-|gauge-(?=\S*-usual))(?:\{([^}]*)\}|([\w-]+\*?))", query):
        found += "".join(words).split(",")
    for words in re.findall(r'(?:type|kvmEventName)!?=~?"([^"]*)"', query):
        found += words.split("|")
    return [name.removesuffix("-usual") for name in found if name and not re.search(r"[*()]", name)]


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_usual_is_a_dashed_line(source):
    """Its legend ends as the override of its panel looks for it."""
    usual = {"graphite": r"gauge-\S+-usual, 5.*' *\\1 usual'", "prometheus-collectd": r'collectd_kvmstat_gauge\{.*type=~?"\w+-usual',
             "prometheus-snmp": r"kvmGuestEventUsual\{"}[source]
    shown = [(panel, target) for panel in board("guest-" + source)["panels"] for target in panel["targets"]
             if re.search(usual, target.get("target") or target["expr"])]
    assert len(shown) == 3
    for panel, target in shown:
        override, = panel["fieldConfig"]["overrides"]
        assert override["matcher"] == {"id": "byRegexp", "options": "/[ -]usual$/"} and override["properties"][0]["value"]["fill"] == "dash"
        assert source == "graphite" or target["legendFormat"] == {"prometheus-collectd": "{{type}}", "prometheus-snmp": "{{kvmEventName}} usual"}[source]


@pytest.mark.parametrize("name", BOARDS)
def test_events_exist(name, events):
    found = [event for query in queries(board(name)) for event in names_of(query)]
    if name != "fleet-prometheus-snmp":
        assert len(found) > 40
    unknown = [event for event in found if event not in events and event not in TIMES]
    assert not unknown
    assert all(not events[event].dead and events[event].cls == "cumulative" for event in found if event in events)


def test_metrics_of_the_plugin_exist():
    for kind in ("fleet", "guest"):
        for query in queries(board(kind + "-graphite")):
            for name in re.findall(r"\.kvmstat\.(?:gauge|duration)-(\w+)", query):
                assert name in OWN
        for query in queries(board(kind + "-prometheus-collectd")):
            assert set(re.findall(r"collectd_kvmstat_\w+", query)) <= {
                "collectd_kvmstat_derive_total", "collectd_kvmstat_gauge", "collectd_kvmstat_duration_seconds"}


@pytest.mark.parametrize("kind", ["fleet", "guest"])
def test_snmp_metrics_are_asked_for(kind, made, mib):
    """The modules of templates/prometheus have every metric and label."""
    text = (made / "prometheus/snmp.yml").read_text("utf-8")
    asked = set(re.findall(r"^ *(?:- )?name: (kvm\w+)", text, re.M))
    labels = set(re.findall(r"labelname: (kvm\w+)", text))
    model = board(kind + "-prometheus-snmp")
    for query in queries(model) + annotations(model):
        selected = re.findall(r"\b(kvm[A-Z]\w*)\{", query)
        assert selected and set(selected) <= asked & set(mib), query
        assert set(re.findall(r"\b(kvm[A-Z]\w*)=", query)) <= labels, query


@pytest.mark.parametrize("name", ["fleet", "guest"])
def test_dashboards_of_graphite(name, made, events):
    state = json.loads((made / "graphite" / (name + ".json")).read_text("utf-8"))
    assert len(state["graphs"]) > 8
    for target, parameters, url in state["graphs"]:
        assert parameters["target"][0] == target and parameters["title"] and url.startswith("/render?") and len(url) < 4000
        assert not re.search(r"\$\w", target)
        assert all(event in events or event in TIMES for event in names_of(target))
    if name == "guest":
        assert all("HOST.kvmstat-GUEST." in target for graph in state["graphs"] for target in graph[1]["target"])
        assert state["graphs"][0][1]["areaMode"] == "stacked"
