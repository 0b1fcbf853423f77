# SPDX-License-Identifier: MIT
"""Many values in one moment: what the aggregator's socket has no room for, and what Pace does about it."""
import collections
import re
import time

import bigtree
import ledger
import parts

INTERVAL = 2
PASSES = 3
EVENTS = 120
SMALL, LARGE, DEFAULT = 1 << 16, 1 << 22, 0  # octets of the socket's buffer
TOLERANCE = 0.1  # of the values in a packet

Row = collections.namedtuple("Row", "name sent arrived packets dropped each broken")
COLUMNS = ["", "sent", "lost", "packets that arrived", "packets dropped", "values in a packet", "dropped packets x values in one"]


def cells(row):
    return [row.name, str(row.sent), "%d (%.1f %%)" % (row.sent - row.arrived, 100 * (1 - row.arrived / row.sent)), str(row.packets),
            str(row.dropped), "%.1f" % row.each, "%.0f" % (row.dropped * row.each)]


def tree(run, guests):
    path = run.place / ("big%d" % guests)
    if not path.exists():
        bigtree.make(str(path), guests, 1, EVENTS)
    return path


def left(client):
    """What collectd says it had not sent when it ended."""
    return sum(map(int, re.findall(r"(\d+) value lists? left", client.text())))


def received(run, hosts, guests, pace, buffer):
    """(keys of all values of guests, packets that arrived, packets dropped, values that clients had not sent when they ended)"""
    since = time.time()
    with run.fleet(stores=("VictoriaMetrics",)) as fleet:
        if buffer:
            fleet.aggregator.set_buffer(buffer)
        for number in range(hosts):
            fleet.add("host%d" % number, tree(run, guests), "SkipNeverSeen false\nPace %s" % pace, interval=INTERVAL, record=False)
        # Until between two passes.
        time.sleep((PASSES - 0.5) * INTERVAL)
        fleet.settle()
        found = ledger.stored(fleet["VictoriaMetrics"], since)
        packets = max(values[0] for (metric, _), values in found.items() if metric == parts.PREFIX + "aggregator.network.if_packets.rx")
        return [key for key in found if ".kvmstat-guest" in key[0]], packets, fleet.dropped, sum(map(left, fleet.clients))


def burst(run, name, pace, buffer=DEFAULT, hosts=1, guests=200):
    """All hosts send the same series in each pass; that a whole pass were lost would show as a gap between passes."""
    keys, packets, dropped, unsent = received(run, hosts, guests, pace, buffer)
    passes = {(metric.split(".")[1], second) for metric, second in keys}
    row = Row(name, len(passes) * guests * EVENTS - unsent, len(keys), packets, dropped, len(keys) / packets, [])
    for host in {host for host, _ in passes}:
        seconds = sorted(second for other, second in passes if other == host)
        if any(after - before > 2 * INTERVAL - 1 for before, after in zip(seconds, seconds[1:])):
            row.broken.append("a whole pass is missing among %s" % seconds)
    if buffer == LARGE and dropped:
        row.broken.append("a pass should fit into the buffer, but %d packets were dropped" % dropped)
    if abs(row.sent - row.arrived - dropped * row.each) > TOLERANCE * dropped * row.each:
        row.broken.append("%d values were lost, and %d packets with %.1f values dropped" % (row.sent - row.arrived, dropped, row.each))
    return row


ROWS = [(name, lambda run, name=name, options=options: burst(run, name, **options)) for name, options in (
    ("24,000 values a pass, Pace 0", {"pace": "0"}),
    ("24,000 values a pass, Pace auto", {"pace": "auto"}),
    ("24,000 values a pass, Pace 0, buffer of 64 KiB", {"pace": "0", "buffer": SMALL}),
    ("24,000 values a pass, Pace 0, buffer of 4 MiB", {"pace": "0", "buffer": LARGE}),
    ("24,000 values a pass, Pace auto, buffer of 64 KiB", {"pace": "auto", "buffer": SMALL}),
    ("4 hosts, 4,800 values a pass each, Pace auto (no pause), buffer of 64 KiB",
     {"pace": "auto", "hosts": 4, "guests": 40, "buffer": SMALL}),
    ("4 hosts, 4,800 values a pass each, Pace 0.5, buffer of 64 KiB", {"pace": "0.5", "hosts": 4, "guests": 40, "buffer": SMALL}),
)]
