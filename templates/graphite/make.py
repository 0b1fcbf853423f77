# SPDX-License-Identifier: MIT
"""Dashboards for graphite-web's own dashboard page: a fleet, and a template of one guest. What they show is in templates/views.py."""
import json
import urllib.parse

import tables
import views

SIZE = {"width": 640, "height": 330}
PERIOD = {"from": "-6hours", "until": "now"}
# The key of a template is what stands for the guest: save_template/NAME/KEY replaces it.
KEY = "HOST.kvmstat-GUEST"
AXIS = {views.RATE: "events per second", views.SECONDS: "seconds", views.SHARE: "share", views.VCPUS: "vCPUs"}


def graph(panel, source):
    """[target, parameters, URL], as the page saves it."""
    targets = [target for target, _ in panel.queries(source)]
    made = {"target": targets, "title": panel.title, "yMin": "0", "vtitle": AXIS.get(panel.unit, ""), "hideLegend": "false"}
    if panel.stacked:
        made["areaMode"] = "stacked"
    return [targets[0], made, "/render?" + urllib.parse.urlencode({**PERIOD, **SIZE, **made}, doseq=True)]


def dashboard(name, panels, source):
    shown = [panel for panel in panels if panel.kind == "timeseries" and panel.queries(source)]
    return json.dumps({
        "name": name, "refreshConfig": {"enabled": True, "interval": 60000}, "graphSize": SIZE, "defaultGraphParams": {**PERIOD, **SIZE},
        "timeConfig": {"type": "relative", "relativeStartQuantity": "6", "relativeStartUnits": "hours", "relativeUntilQuantity": "",
                       "relativeUntilUnits": "now", "startDate": "2026-01-01T00:00:00", "startTime": "9:00 AM",
                       "endDate": "2026-01-01T00:00:00", "endTime": "5:00 PM"},
        "graphs": [graph(panel, source) for panel in shown]}, indent=1) + "\n"


tables.main({
    "fleet.json": lambda _mib: dashboard("kvm-fleet", views.fleet(), views.Graphite("*", "*")),
    "guest.json": lambda _mib: dashboard("kvm-guest", views.guest(), views.Graphite(*KEY.split(".kvmstat-"))),
})
