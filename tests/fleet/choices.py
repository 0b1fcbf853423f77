# SPDX-License-Identifier: MIT
"""What to set (docs/scaling.md): how many values a pass has then, and that TopGuests keeps sums right in Graphite."""
import collections
import json
import pathlib
import random
import time

import ledger
import maketree
import parts
import rig
from parts import INTERVAL

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "scaling.md"
GUESTS, TOP = 200, 20  # as in the guide
KERNELS = {"s390": "s390x-6.12", "x86": "x86-6.1"}

Row = collections.namedtuple("Row", "name host values result broken")
COLUMNS = ["options", "host", "values in a pass", ""]


def cells(row):
    return [row.name, row.host, str(row.values or ""), row.result]


def short_list(arch):
    """The lines Event of the guide, for an architecture."""
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if " for %s:" % arch in line)
    found = []
    for line in lines[start + 1:]:
        if found and not line.startswith("    Event "):
            return [line.strip() for line in found]
        found += [line] if line.startswith("    Event ") else []
    return [line.strip() for line in found]


def options_of(arch):
    events = "\n".join(short_list(arch))
    return [
        ("SkipNeverSeen false", "SkipNeverSeen false"), ("every event that happened", ""), ("the short list", events),
        ("the short list, TopGuests %d" % TOP, "%s\nTopGuests %d" % (events, TOP)),
    ]


def host(run, arch):
    tree = run.place / ("host-" + arch)
    if not tree.exists():
        maketree.make_tree(str(tree), KERNELS[arch], guests=GUESTS)
    return tree


def values_of(run, arch, number, options):
    """What a pass has after the first counters have moved; others have counted nothing before."""
    tree = host(run, arch)
    client = parts.Client(run.place / ("%s-%d" % (arch, number)), "host", tree, rig.free_port(), options, interval=1, record=False)
    try:
        rig.wait_until(lambda: client.self_metric("values") is not None, "a first pass")
        maketree.tick(str(tree), 1)
        time.sleep(2.5)
        return int(client.self_metric("values")), client.text()
    finally:
        client.stop()


def counted(run, arch, number):
    name, options = options_of(arch)[number]
    values, text = values_of(run, arch, number, options)
    row = Row(name, "%d guests of %s" % (GUESTS, KERNELS[arch]), values, "%.1f a guest" % (values / GUESTS), [])
    for line in text.splitlines():
        if "no such event" in line:
            row.broken.append("the guide names an event that there is not: " + line)
    if arch == "s390":
        run.values[name] = values
    return row


def change_places(tree, rng):
    """Other guests are the busy ones from now on."""
    shown = json.loads((tree / "tree.json").read_text(encoding="utf-8"))
    for guest in shown["guests"]:
        guest["load"] = rng.lognormvariate(0, 1.5)
    maketree.save(str(tree), shown)


def growth(found, name):
    """({event: growth of all its series}, guests with series), as Graphite's perSecond() has it: only from pass to pass, not over gaps."""
    series, sums = collections.defaultdict(list), collections.Counter()
    for (metric, second), values in found.items():
        if metric.startswith("%s%s.kvmstat-" % (parts.PREFIX, name)) and ".derive-" in metric:
            instance, event = metric.split(".")[2:]
            series[instance, event].append((second, values[0]))
    for (_, event), points in series.items():
        points.sort()
        sums[event] += sum(after - before for (then, before), (now, after) in zip(points, points[1:]) if now - then < 2 * INTERVAL - 1)
    return sums, len({instance for instance, _ in series})


def sums_kept(run):
    """Two clients on one host whose counters stand still at the beginning and at the end; in between guests change places."""
    tree, rng, since = run.place / "sums", random.Random(1), time.time()
    maketree.make_tree(str(tree), guests=20, seed=9)
    with run.fleet(stores=("A",)) as fleet:
        for name, options in ("every", ""), ("top", "TopGuests 5"):
            fleet.add(name, tree, options)
        time.sleep(2 * INTERVAL)
        for _ in range(5):
            change_places(tree, rng)
            maketree.tick(str(tree), 10)
            time.sleep(INTERVAL)
        time.sleep(INTERVAL)
        fleet.settle()
        found = ledger.stored(fleet["A"], since)
    (every, guests), (top, seen) = growth(found, "every"), growth(found, "top")
    differ = ["%s: %d and %d" % (event, every[event], top[event]) for event in every | top if every[event] != top[event]]
    row = Row("TopGuests 5, guests change places", "20 guests of s390x-6.12", 0,
              "%d of %d guests had series in turn, and others; sums over all series: of %d events, %d are other than without" % (
                  seen - 1, guests, sum(value > 0 for value in every.values()), len(differ)), [])
    if differ:
        row.broken.append("sums differ: %s" % differ[:3])
    if not 5 < seen - 1 <= guests or not any(every.values()):
        row.broken.append("guests did not change places: %d of %d had series" % (seen - 1, guests))
    return row


ROWS = [("%s of %s" % (name, arch), lambda run, arch=arch, number=number: counted(run, arch, number))
        for arch in KERNELS for number, (name, _) in enumerate(options_of(arch))] + [("TopGuests, sums", sums_kept)]
