# SPDX-License-Identifier: MIT
"""What is lost when a part of the fleet fails: every value that was sent is looked for in every store."""
import collections
import signal
import time

import ledger
import parts
import rig
from parts import INTERVAL

HOSTS = 4
PASSES = 2      # before and after a failure
OUTAGE = 4      # seconds
MEMORY = {"A": 2 * INTERVAL, "VictoriaMetrics": 10}  # seconds before it was killed that a store may forget
SLACK = 1       # seconds: times of values are rounded

# sent: number of values; stores: {name: ledger.Difference}; why: words; broken: what does not hold
Row = collections.namedtuple("Row", "name sent stores why broken")
COLUMNS = ["", "sent"] + list(parts.STORES) + ["lost", "twice", "wrong", "why"]


def cells(row):
    """lost: in each store."""
    differences = [row.stores.get(name) for name in parts.STORES]
    there = [difference for difference in differences if difference]
    lost = "/".join(str(row.sent - difference.arrived) for difference in there)
    return [row.name, str(row.sent)] + [str(difference.arrived) if difference else "-" for difference in differences] + [
        lost, str(sum(difference.twice for difference in there)),
        str(sum(len(difference.wrong) + len(difference.unknown) for difference in there)), row.why]


class Outage:
    """A fleet that runs, something that happens to it, and what the stores have in the end."""

    def __init__(self, run, queue=parts.QUEUE):
        self.run, self.queue, self.broken = run, queue, []
        self.since, self.killed, self.back = time.time(), 0, 0

    def need(self, holds, words):
        if not holds:
            self.broken.append(words)

    def happens(self, event, before=PASSES * INTERVAL):
        """event(fleet) between passes in peace. Leaves the fleet ended."""
        with self.run.fleet(queue=self.queue) as fleet:
            for number in range(HOSTS):
                fleet.add("host%d" % number, self.run.once("tree%d" % number, lambda run, number=number: run.moving_tree(number)))
            time.sleep(before)
            event(fleet)
            time.sleep(PASSES * INTERVAL)
            fleet.settle()
            self.wanted = ledger.sent(fleet.clients)
            self.stores = {name: ledger.compare(self.wanted, store, self.since) for name, store in fleet.stores.items()}
            self.counts = {name: {what: fleet.relay.count(store, what) for what in ("sent", "dropped", "stalls")}
                           for name, store in fleet.stores.items()}
            self.need(fleet.dropped == 0, "%d packets were dropped at the aggregator" % fleet.dropped)
        for name, difference in self.stores.items():
            self.need(not difference.wrong, "%s has wrong values: %s" % (name, difference.wrong[:3]))
            self.need(not difference.unknown, "%s has values that nobody sent: %s" % (name, difference.unknown[:3]))
            self.need(not difference.twice, "%s has %d values twice" % (name, difference.twice))

    def outage_of(self, fleet, part, hangs=False):
        """It begins while a pass arrives: so that there is something to lose."""
        taken = fleet["VictoriaMetrics"].rows()
        rig.wait_until(lambda: fleet["VictoriaMetrics"].rows() > taken + parts.OWN, "a pass arrives")
        self.killed = time.time()
        if hangs:
            part.signal(signal.SIGSTOP)
            time.sleep(OUTAGE)
            part.signal(signal.SIGCONT)
        else:
            part.kill()
            time.sleep(OUTAGE)
            part.start_again()
        self.back = time.time()

    def nothing_lost(self, *names):
        for name in names:
            self.need(not self.stores[name].lost, "%s lost %s" % (name, self.stores[name].lost[:3]))

    def between(self, keys, begin, end):
        """All these values are of this time."""
        outside = [key for key in keys if not begin - SLACK <= key[1] <= end + SLACK]
        self.need(not outside, "lost, but not while the outage lasted: %s" % outside[:3])

    def row(self, name, why):
        return Row(name, len(self.wanted), self.stores, why, self.broken)


def peace(run):
    outage = Outage(run)
    outage.happens(lambda fleet: time.sleep(OUTAGE))
    outage.nothing_lost(*parts.STORES)
    return outage.row("nothing fails", "")


def on_the_way(outage, name):
    """How many values the relay counts as sent to a store that has them not. Two values of one second are one here."""
    shared = sum(len(values) - 1 for values in outage.wanted.values())
    for other in set(parts.STORES) - {name}:
        outage.need(outage.counts[other]["sent"] == outage.stores[other].all + shared, "%s has %d values, the relay sent %d" % (
            other, outage.stores[other].all + shared, outage.counts[other]["sent"]))
    return outage.counts[name]["sent"] - outage.stores[name].all - shared


def store_fails(run, words, name, queue=25000, hangs=False, dropped=False):
    """dropped: the relay's queue is shorter than the outage."""
    outage = Outage(run, queue)
    outage.happens(lambda fleet: outage.outage_of(fleet, fleet[name], hangs), MEMORY[name] + PASSES * INTERVAL)
    outage.nothing_lost(*set(parts.STORES) - {name})
    lost, counted, way = outage.stores[name].lost, outage.counts[name]["dropped"], on_the_way(outage, name)
    outage.between(lost, outage.killed - MEMORY[name], outage.back if dropped else outage.killed + INTERVAL)
    outage.need(bool(counted) == dropped, "the relay dropped %d" % counted)
    # Among what was dropped there may be values of the aggregator's own.
    outage.need(0 <= counted + way - len(lost) <= parts.OWN, "%d were lost, %d dropped, %d on the way" % (len(lost), counted, way))
    return outage.row(words, "away for %.0f s; %d were on the way to it or not yet written; the relay's queue of %d dropped %d" % (
        outage.back - outage.killed, way, queue, counted))


def aggregator_killed(run):
    outage = Outage(run)
    outage.happens(lambda fleet: outage.outage_of(fleet, fleet.aggregator))
    lost = outage.stores["B"].lost
    for name, difference in outage.stores.items():
        outage.need(set(difference.lost) == set(lost), "%s lost others than B" % name)
    outage.between(lost, outage.killed - 2 * INTERVAL, outage.back)
    away = sum(outage.killed <= second <= outage.back for _, second in lost)
    outage.need(bool(lost), "nothing was lost")
    return outage.row("the aggregator is killed", "away for %.0f s; %d were sent meanwhile; %d it had not passed on" % (
        outage.back - outage.killed, away, len(lost) - away))


ROWS = [
    ("peace", peace),
    ("carbon killed", lambda run: store_fails(run, "carbon-cache A is killed", "A")),
    ("carbon killed for long", lambda run: store_fails(run, "carbon-cache A is killed, the queue is too short", "A", queue=5000, dropped=True)),
    ("carbon hangs", lambda run: store_fails(run, "carbon-cache A hangs, and goes on", "A", hangs=True)),
    ("victoria killed", lambda run: store_fails(run, "VictoriaMetrics is killed", "VictoriaMetrics")),
    ("aggregator killed", aggregator_killed),
]
