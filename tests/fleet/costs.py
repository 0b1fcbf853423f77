# SPDX-License-Identifier: MIT
"""What a value costs each part of a fleet that runs: CPU, memory, octets on the wire, disk."""
import collections
import os
import re
import time

import bigtree
import ledger
import parts
import rig

GUESTS = 100
BUFFER = 1 << 22  # of the aggregator's socket: what is lost would cost the others nothing
HOST, NAMES = "hypervisor-01", "production-%03d"  # what a value costs on the wire depends on how long names are
PASSES = 8
HEADERS = 28   # octets of IP and UDP in front of each packet
# name; cpu: us of a value; cores: of CPU in all, at this rate; rss: memory; series: of it, octets more than without series; note; broken
Row = collections.namedtuple("Row", "name cpu cores rss series note broken")
COLUMNS = ["part", "CPU for a value", "in all", "memory", "of it for a series", ""]
PARTS = {
    "client": "collectd: kvmstat.so (debugfs), network", "aggregator": "aggregating collectd: network, write_graphite",
    "relay": "carbon-c-relay, three stores", "A": "carbon-cache A", "B": "carbon-cache B", "VictoriaMetrics": "VictoriaMetrics",
}


def cells(row):
    return [PARTS[row.name], "%.1f us" % row.cpu, "%.1f %%" % (100 * row.cores), "%.0f MB" % (row.rss / 1e6),
            "" if row.name == "relay" else "%.1f kB" % (row.series / 1e3), row.note]


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def thread_seconds(pid):
    """{thread: seconds}"""
    found = {}
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task), encoding="ascii") as file:
            found[task] = int(file.read().split()[0]) / 1e9
    return found


def resident(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) * 1024


Usage = collections.namedtuple("Usage", "cpu threads rss")


def usage(programs):
    return {name: Usage(cpu_seconds(part.pid), thread_seconds(part.pid), resident(part.pid)) for name, part in programs.items()}


def used(directory, *skip):
    """Octets of the files below."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file() and not set(skip) & set(path.parts))


def without_guests(run):
    """What a client needs in any case."""
    client = parts.Client(run.place / "idle", "idle", run.place, rig.free_port(), record=False)
    try:
        return usage({"client": client})
    finally:
        client.stop()


def work(run, fleet):
    """Usage of each part before there are series; at the beginning; and at the end of so many passes with nothing new."""
    programs = {"aggregator": fleet.aggregator, "relay": fleet.relay, **fleet.stores}
    empty = {**usage(programs), **without_guests(run)}
    tree = run.place / "costs"
    bigtree.make(str(tree), GUESTS, names=NAMES)
    stirrer = fleet.started(parts.Stirrer(tree))
    stirrer.start()
    fleet.aggregator.set_buffer(BUFFER)
    programs["client"] = fleet.add(HOST, tree, "SkipNeverSeen false", record=False)
    enough = 3 * GUESTS * len(bigtree.event_names(bigtree.KERNEL))
    rig.wait_until(lambda: all(fleet.relay.count(store, "sent") > enough for store in fleet.stores.values()), "all series are made")
    before = usage(programs)
    time.sleep(PASSES * parts.INTERVAL)
    return empty, before, usage(programs)


def own(found, name):
    """The last of what the aggregator said of itself."""
    return max(values[0] for (metric, _), values in found.items() if metric == parts.PREFIX + "aggregator.network." + name)


def on_the_wire(found):
    """(octets for a value over UDP, octets of a line to Graphite, number of values, number of series)"""
    lines = [len(metric) + len(" %d 1234567890\r\n" % values[0]) for (metric, _), values in found.items() if ".kvmstat" in metric]
    octets = own(found, "if_octets.rx") + HEADERS * own(found, "if_packets.rx")
    return octets / len(lines), sum(lines) / len(lines), len(lines), len({metric for metric, _ in found if ".kvmstat-" in metric})


def measure(run):
    since = time.time()
    with run.fleet() as fleet:
        empty, before, after = work(run, fleet)
        fleet.settle()
        carbon, victoria = fleet["A"].directory(), fleet["VictoriaMetrics"].directory()
        udp, line, values, series = on_the_wire(ledger.stored(fleet["VictoriaMetrics"], since))
        run.costs.update(udp=udp, line=line, number=series, dropped=fleet.dropped, whisper=used(carbon / "fleet" / HOST, "kvmstat") / series,
                         index=used(victoria / "indexdb") / series, value=used(victoria / "data") / values)
    threads = {name: spent - before["aggregator"].threads.get(name, 0) for name, spent in after["aggregator"].threads.items()}
    run.costs["busiest"] = max(threads.values()) / series / PASSES * 1e6
    for name in PARTS:
        seconds = after[name].cpu - before[name].cpu
        run.costs[name] = {"cpu": seconds / series / PASSES * 1e6, "cores": seconds / PASSES / parts.INTERVAL, "rss": after[name].rss,
                           "series": (after[name].rss - empty[name].rss) / series}


def note(costs, name):
    return {
        "client": "%d series, %.0f values/s; %.0f octets for a value on the wire" % (
            costs["number"], costs["number"] / parts.INTERVAL, costs["udp"]),
        "aggregator": "its busiest thread %.1f us: at most %.0f values/s; a line has %.0f octets" % (
            costs["busiest"], 1e6 / costs["busiest"], costs["line"]),
        "A": "%.0f octets of disk for a series of 600 points" % costs["whisper"],
        "VictoriaMetrics": "%.1f octets of disk for a value, %.0f for a series" % (costs["value"], costs["index"]),
    }.get(name, "")


def row_of(run, name):
    if name not in run.costs:
        measure(run)
    row = Row(name, note=note(run.costs, name), broken=[], **run.costs[name])
    if name == "aggregator" and run.costs["dropped"]:
        row.broken.append("%d packets were dropped: what others cost is too little" % run.costs["dropped"])
    return row


ROWS = [("costs of %s" % name, lambda run, name=name: row_of(run, name)) for name in PARTS]
