# SPDX-License-Identifier: MIT
"""Dashboards for Grafana in its classic model, which every release since 8 imports: a fleet and a guest, of each source of numbers."""
import json

import tables
import views

UNITS = {views.RATE: "events per second", views.VCPUS: "vCPUs"}
DATASOURCE = "${datasource}"


def variable(name, label, plugin, query, regex="", several=False):
    return {"name": name, "label": label, "type": "query", "datasource": {"type": plugin, "uid": DATASOURCE},
            "query": query, "definition": query if isinstance(query, str) else query["query"], "regex": regex, "refresh": 2, "sort": 7,
            "multi": several, "includeAll": several, "allValue": "*" if plugin == "graphite" else ".+",
            "current": {"text": "All", "value": "$__all"} if several else {}, "options": [], "hide": 0, "skipUrlSync": False}


class ForGraphite:
    PLUGIN, TITLE = "graphite", "Graphite"
    SOURCE = views.Graphite("$host", "$guest")

    @staticmethod
    def host(several):
        return variable("host", "Host", "graphite", "expand(collectd.*.kvmstat)", r"/^collectd\.([^.]+)\.kvmstat$/", several)

    @staticmethod
    def guest():
        return variable("guest", "Guest", "graphite", "collectd.$host.kvmstat-*", "/^kvmstat-(.*)$/")

    @staticmethod
    def query(text, _legend):
        return {"target": text, "textEditor": True}

    @staticmethod
    def annotations(of_guest):
        begin = r"aliasSub(aliasByNode(removeBelowValue(derivative(collectd.$host.kvmstat.gauge-alarms), 1), 1), '^', 'an alarm began on ')"
        return [{"name": "Alarms", "target": {"fromAnnotations": True, "queryType": "tags", "refId": "Anno",
                                              "tags": ["kvmstat", "$guest"] if of_guest else ["kvmstat"]}},
                {"name": "Alarms without words", "enable": False,
                 "target": {"fromAnnotations": True, "target": begin, "textEditor": True, "refId": "Anno"}}]


class ForPrometheus:
    """HOSTS and GUESTS: what each host and each guest has; NAME: the label that names a guest there."""
    PLUGIN = "prometheus"
    HOSTS = GUESTS = NAME = None

    @staticmethod
    def query(text, legend):
        return {"expr": text, "legendFormat": legend, "range": True, "editorMode": "code"}

    @staticmethod
    def labels(name, label, what, several=False):
        return variable(name, label, "prometheus", {"query": "label_values(%s)" % what, "refId": "Variable"}, "", several)

    def host(self, several):
        return self.labels("host", "Host", self.HOSTS + ", instance", several)

    def guest(self):
        return self.labels("guest", "Guest", "%s, %s" % (self.GUESTS, self.NAME))


class ForCollectd(ForPrometheus):
    TITLE, SOURCE = "Prometheus from collectd", views.Collectd()
    HOSTS, GUESTS, NAME = "collectd_kvmstat_gauge", 'collectd_kvmstat_derive_total{instance="$host",type!=""}', "kvmstat"

    @staticmethod
    def annotations(_of_guest):
        return [{"name": "Alarms", "expr": 'collectd_kvmstat_gauge{instance=~"$host",kvmstat="alarms"} > 0', "step": "60s",
                 "titleFormat": "{{instance}} has alarms", "textFormat": "kvmstat alarms", "tagKeys": "instance"}]


class ForSnmp(ForPrometheus):
    TITLE, SOURCE = "Prometheus from SNMP", views.Snmp()
    HOSTS, GUESTS, NAME = "kvmHostGuests", 'kvmGuestVcpus{instance="$host"}', "kvmGuestName"

    @staticmethod
    def annotations(of_guest):
        mine = ',kvmAlarmGuestName=~"$guest|"' if of_guest else ""   # and the host's, which have no name
        return [{"name": "Alarms", "expr": 'kvmAlarmSeverity{instance=~"$host"%s} > 1' % mine, "step": "60s",
                 "titleFormat": "{{kvmAlarmGuestName}} on {{instance}}", "textFormat": "{{kvmAlarmText}}", "tagKeys": "kvmAlarmEventName"}]


FLAVOURS = {"graphite": ForGraphite(), "prometheus-collectd": ForCollectd(), "prometheus-snmp": ForSnmp()}


def options(panel):
    if panel.kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value", "graphMode": "area",
                "textMode": "value_and_name", "orientation": "auto"}
    if panel.kind == "table":
        return {"showHeader": True}
    return {"legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["mean", "max"], "sortBy": "Mean",
                       "sortDesc": True},
            "tooltip": {"mode": "multi", "sort": "desc"}}


def field_config(panel):
    defaults = {"unit": panel.unit, "min": 0}
    if panel.kind == "stat" and panel.title == "Active alarms":
        defaults["thresholds"] = {"mode": "absolute", "steps": [{"color": "green", "value": None}, {"color": "red", "value": 1}]}
    if panel.kind == "timeseries":
        defaults["custom"] = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 50 if panel.stacked else 8, "showPoints": "never",
                              "spanNulls": False, "axisLabel": UNITS.get(panel.unit, ""),
                              "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"}}
    # What is usual is a band below the line of what is.
    usual = {"matcher": {"id": "byRegexp", "options": "/[ -]usual$/"},
            "properties": [{"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [6, 6]}}, {"id": "custom.fillOpacity", "value": 15},
                           {"id": "color", "value": {"mode": "fixed", "fixedColor": "text"}}]}
    return {"defaults": defaults, "overrides": [usual] if panel.kind == "timeseries" and not panel.stacked else []}


def transformations(panel):
    """Of the table, which shows labels of series whose value says nothing."""
    if panel.kind != "table":
        return []
    shown = ["instance", "kvmAlarmGuestName", "kvmAlarmEventName", "kvmAlarmText"]
    return [{"id": "filterFieldsByName", "options": {"include": {"names": shown}}}]


def panel_model(flavour, panel, number, place):
    reference = {"type": flavour.PLUGIN, "uid": DATASOURCE}
    targets = []
    for letter, (text, legend) in zip("ABCDEF", panel.queries(flavour.SOURCE)):
        targets.append({"refId": letter, "datasource": reference, **flavour.query(text, legend)})
        if panel.kind == "table":
            targets[-1].update(range=False, instant=True, format="table")
    return {"id": number, "type": panel.kind, "title": panel.title, "description": panel.text, "datasource": reference, "targets": targets,
            "gridPos": place, "fieldConfig": field_config(panel), "options": options(panel), "transformations": transformations(panel)}


def panel_models(flavour, panels):
    """Left to right, and in a new row where the row is full."""
    x, y, found = 0, 0, []
    for panel in panels:
        if not panel.queries(flavour.SOURCE):
            continue
        height = {"stat": 6, "table": 6}.get(panel.kind, 6 if panel.title == "Alarms" else 9)
        if x + panel.width > 24:
            x, y = 0, y + found[-1]["gridPos"]["h"]
        found.append(panel_model(flavour, panel, len(found) + 1, {"x": x, "y": y, "w": panel.width, "h": height}))
        x += panel.width
    return found


def annotation(flavour, made):
    return {"enable": True, "hide": False, "iconColor": "red", "datasource": {"type": flavour.PLUGIN, "uid": DATASOURCE}, **made}


def dashboard(kind, name):
    flavour, of_guest = FLAVOURS[name], kind == "guest"
    chooser = {"name": "datasource", "label": "Data source", "type": "datasource", "query": flavour.PLUGIN, "refresh": 1, "regex": "",
               "multi": False, "includeAll": False, "current": {}, "options": [], "hide": 0, "skipUrlSync": False}
    variables = [chooser, flavour.host(not of_guest)] + ([flavour.guest()] if of_guest else [])
    return {
        "id": None, "uid": "kvmstat-%s-%s" % (kind, name), "title": "KVM %s (%s)" % (kind, flavour.TITLE), "tags": ["kvmstat", name],
        "description": "Made by templates/grafana/make.py of kvmstat.", "schemaVersion": 37, "version": 1, "editable": True,
        "graphTooltip": 1, "refresh": "1m", "time": {"from": "now-6h", "to": "now"}, "timezone": "", "timepicker": {},
        "links": [{"type": "dashboards", "tags": ["kvmstat", name], "title": "kvmstat", "asDropdown": False, "includeVars": True,
                   "keepTime": True, "targetBlank": False, "icon": "external link", "tooltip": "", "url": ""}],
        "annotations": {"list": [annotation(flavour, made) for made in flavour.annotations(of_guest)]},
        "templating": {"list": variables},
        "panels": panel_models(flavour, views.guest() if of_guest else views.fleet()),
    }


def printer(kind, name):
    return lambda _mib: json.dumps(dashboard(kind, name), indent=1, ensure_ascii=False) + "\n"


tables.main({"%s-%s.json" % (kind, name): printer(kind, name) for kind in ("fleet", "guest") for name in FLAVOURS})
