# SPDX-License-Identifier: MIT
"""What fleets of other sizes need, computed from the costs that were measured last: everything is taken to be in proportion."""
import json
import os

import rig

FILE = os.path.join(rig.BUILD, "fleet", "costs.json")
DAY = 86400
WHISPER = {"10s:6h,1m:1d": (2160, 1440), "10s:6h,1m:7d,10m:1y": (2160, 10080, 52560)}  # points of each archive
GUESTS = 200
SHARE = 4  # of what an aggregator can do at the very most

# hosts; interval in s; which options (choices.py) on s390
FLEETS = [
    (10, 10, "every event that happened"), (10, 10, "the short list"),
    (100, 10, "every event that happened"), (100, 10, "the short list"),
    (1000, 10, "the short list"), (1000, 60, "the short list"), (1000, 10, "the short list, TopGuests 20"),
]


def write(costs):
    os.makedirs(os.path.dirname(FILE), exist_ok=True)
    with open(FILE, "w", encoding="ascii") as file:
        json.dump(costs, file, indent=1)


def read():
    with open(FILE, encoding="ascii") as file:
        return json.load(file)


def number(value):
    return "{:,.0f}".format(value)


def cores(value):
    return "%.3f" % value if value < 0.1 else "%.1f" % value


def octets(value):
    for size, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if value >= size:
            return "%.1f %s" % (value / size, name) if value < 10 * size else "%.0f %s" % (value / size, name)
    return "%.2f MB" % (value / 1e6)


def whisper_octets(archives):
    return 16 + sum(12 + 12 * points for points in archives)


def work(costs, fleet):
    hosts, interval, options = fleet
    series = hosts * costs["values"][options]
    rate = series / interval
    parts = [rate * costs[name]["cpu"] / 1e6 for name in ("aggregator", "relay", "A", "VictoriaMetrics")]
    aggregators = max(1, -(-rate * costs["busiest"] * SHARE // 1e6))
    return [number(hosts), options, "%d s" % interval, number(series), number(rate), *map(cores, parts), number(aggregators),
            octets(rate * costs["udp"]) + "/s", octets(rate * costs["line"]) + "/s"]


def room(costs, fleet):
    hosts, interval, options = fleet
    series = hosts * costs["values"][options]
    disk = [octets(series * whisper_octets(archives)) if interval == 10 else "" for archives in WHISPER.values()]
    day = series * costs["index"] + series / interval * DAY * costs["value"]
    return [number(hosts), options, "%d s" % interval, *(octets(series * costs[name]["series"]) for name in ("aggregator", "A", "VictoriaMetrics")),
            *disk, octets(day)]


def tables(costs):
    first = ["hosts of %d guests" % GUESTS, "options", "interval"]
    yield "Work", first + ["series", "values/s", "cores: aggregators", "relay", "one carbon-cache", "VictoriaMetrics", "aggregators", "UDP in",
                           "Graphite out"], [work(costs, fleet) for fleet in FLEETS]
    yield "Memory and disk", first + ["memory: aggregators", "one carbon-cache", "VictoriaMetrics"] + ["whisper " + text for text in WHISPER] + [
        "VictoriaMetrics, a day, at most"], [room(costs, fleet) for fleet in FLEETS]
