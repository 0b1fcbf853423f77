# SPDX-License-Identifier: MIT
"""Does the cost of a value stay the same when there are more guests, events or vCPUs?"""
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile

from peer_snmp_agent import walk
from rig import OUR_ROOT, Skip, cpu_ns, guests, need_root
from rows_snmp import pins, snmpd, subagent

FLAT, DOUBLED = 1.2, 2.1
EVENTS = 40
COLUMNS = ["what grows", "number", "one pass", "each value", "to the first", "doubling costs", "goal", ""]


def flat(bench, what, steps, measure):
    """Lines of (number, values, cost in ns or instructions)."""
    first = before = None
    for step in steps:
        try:
            number, values, cost, unit = measure(bench, step)
        except Skip as reason:
            yield [what, str(step), "", "", "", "", "", "skipped: %s" % reason]
            continue
        each = cost / values
        first = first or each
        doubled = "" if not before else "%.2f" % ((cost / before[1]) ** (1 / math.log2(number / before[0])))
        met = each / first <= FLAT and (not doubled or float(doubled) <= DOUBLED)
        yield [what, str(number), amount(cost, unit), amount(each, unit), "%.2f" % (each / first), doubled,
               "<= %.1f, <= %.1f" % (FLAT, DOUBLED), "met" if met else "goal missed"]
        before = number, cost


def amount(value, unit):
    if unit == "instructions":
        return "%.2f M" % (value / 1e6) if value >= 1e5 else "%.0f" % value
    for factor, name in ((1e6, "ms"), (1e3, "us")):
        if value >= factor:
            return "%.2f %s" % (value / factor, name)
    return "%.0f ns" % value


# ---- hosts of files ----

def tree_pass(bench, number, events, vcpus=1):
    """Without its floor, which keeps directories open as well: together that may be more than a process may have open."""
    return bench.records(bench.program("tests/bench/pass"), "tree", "1", bench.tree(number, vcpus, events))[0]["pass"] * 1e9


def tree_guests(bench, number):
    return number, number * EVENTS, tree_pass(bench, number, EVENTS), "ns"


def tree_events(bench, number):
    return number, 100 * number, tree_pass(bench, 100, number), "ns"


def tree_vcpus(bench, number):
    return number, 10 * number, tree_pass(bench, 10, EVENTS, number), "ns"


# ---- real guests ----

def live_pass(bench):
    need_root()
    return bench.records(bench.program("tests/bench/pass"), "bpf", "1")[0]["ours_cpu_ns"]


LIVE = {}  # what was measured of so many guests


def live_record(bench, number):
    """Once, so that ours and the floor are those that took turns."""
    need_root()
    if number not in LIVE:
        with guests(bench, number, 1):
            LIVE[number] = bench.records(bench.program("tests/bench/pass"), "bpf", "1")[0]
    return LIVE[number]


def live_guests(bench, number):
    return number, number, live_record(bench, number)["ours_cpu_ns"], "ns"


def live_floor(bench, number):
    """The iterator alone, whose output is thrown away: how much of the growth is the kernel's?"""
    return number, number, live_record(bench, number)["floor_cpu_ns"], "ns"


def live_vcpus(bench, number):
    """Four guests: what does each vCPU cost?"""
    with guests(bench, 4, number):
        return number, 4 * number, live_pass(bench), "ns"


# ---- instructions, which are the same each time ----

def instructions(bench, function, *command):
    if not shutil.which("valgrind"):
        raise Skip("valgrind is missing (Debian: valgrind)")
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=" + os.path.join(bench.tmp, "callgrind"), "--toggle-collect=" + function, *command],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if not found:
        raise Skip("callgrind counted nothing")
    return int(found.group(1))


def counted(bench, number, passes):
    return instructions(bench, "ours_pass", bench.program("tests/bench/pass"), "count", str(passes), bench.tree(number, events=EVENTS))


def count_steady(bench, number):
    return number, number * EVENTS, counted(bench, number, 7) - counted(bench, number, 6), "instructions"


def count_newcomers(bench, number):
    return number, number, counted(bench, number, 1), "instructions"


def plugin_read(bench, tree, *option):
    return instructions(bench, "kvmstat_read", bench.program("tests/bench/plugin"), "once", bench.program("kvmstat.so"), "debugfs",
                        tree, *option)


def count_names(bench, number, names):
    return number, number, plugin_read(bench, bench.tree(number, events=1, names=names)), "instructions"


def count_values(bench, number):
    return number, 100 * number, plugin_read(bench, bench.tree(100, events=number)), "instructions"


def count_vcpus(bench, number):
    """Of a tree each vCPU has its CPU times."""
    return number, 10 * number, plugin_read(bench, bench.tree(10, number, EVENTS), "ReportVcpus true"), "instructions"


def count_filters(bench, number):
    """A pass that compares each of so many newcomers with so many names."""
    options = ["--option=Source=debugfs"] + ["--option=Guest=nobody%d" % i for i in range(number)]
    total = instructions(bench, "kvmstat_collect", bench.program("kvmstat"), "--root=" + bench.tree(FILTERED, events=1), *options, "guests",
                         "0.1", "1")
    return number, number, total, "instructions"


# ---- the subagent ----

def agent_starts(bench, number, places):
    """CPU time until it is connected: the least of some starts, as other programs disturb it. places: of the indices, for each start."""
    def start(place):
        with snmpd(bench, []) as (_, _, agentx), \
                subagent(bench, agentx, bench.tree(number, events=1), interval=60, state=place) as process:
            return cpu_ns(process.pid)
    return number, number, min([start(place) for place in places]), "ns"


def agent_start(bench, number):
    """With the indices given and written."""
    return agent_starts(bench, number, [tempfile.mkdtemp(dir=bench.tmp) for _ in range(3)])


def agent_again(bench, number):
    """With the indices read."""
    place = tempfile.mkdtemp(dir=bench.tmp)
    agent_starts(bench, number, [place])
    return agent_starts(bench, number, [place] * 3)


def agent_walk(bench, tree):
    """CPU of a walk of one column, of snmpd and the subagent: the least of five."""
    pin = pins()[0]
    with snmpd(bench, pin) as (master, peer, agentx), subagent(bench, agentx, tree, pin, interval=60) as process:
        looks = [walk(peer, OUR_ROOT, [master.pid, process.pid]) for _ in range(5)]
    return looks[0][2], min(cpu for cpu, _, _ in looks) * 1e9, "ns"


def walk_guests(bench, number):
    return number, *agent_walk(bench, bench.tree(number, events=1))


def walk_events(bench, number):
    return number, *agent_walk(bench, bench.tree(50, events=number))


# Doubled up to 10,000.
MANY = [1250, 2500, 5000, 10000]
FILTERED = 1000

TABLE = [
    ("guests of a tree with 40 events each, debugfs pass", [10, 100, 1000, 10000], tree_guests),
    ("events of 100 guests of a tree, debugfs pass", [40, 80, 200, 400], tree_events),
    ("vCPUs of each of 10 guests of a tree, debugfs pass, each vCPU", [1, 8, 64, 512], tree_vcpus),
    ("KVM guests with 1 vCPU, bpf pass, each guest", [100, 1000, 4000], live_guests),
    ("the bare iterator over the same guests, each guest", [100, 1000, 4000], live_floor),
    ("vCPUs of each of 4 KVM guests, bpf pass, each vCPU", [1, 8, 64, 512], live_vcpus),
    ("instructions of a steady debugfs pass, 40 events each", [100, 200, 400], count_steady),
    ("instructions of a pass that finds only newcomers, each guest", [100, 200, 400, 800], count_newcomers),
    ("instructions of two passes that compare 1,000 newcomers with names, each name", [250, 500, 1000, 2000], count_filters),
    ("instructions of the plugin's first read, each guest", MANY, lambda b, n: count_names(b, n, "guest%d")),
    ("the same, all guests of one name, each guest", MANY[:3], lambda b, n: count_names(b, n, "twin")),
    ("instructions of the plugin's first read, events of 100 guests", [40, 80, 200, 400], count_values),
    ("instructions of the plugin's first read with ReportVcpus, vCPUs of each of 10 guests", [1, 8, 64, 512], count_vcpus),
    ("guests of kvmstat-agentx at its start, each guest", MANY, agent_start),
    ("guests of kvmstat-agentx when it is started again, each guest", MANY, agent_again),
    ("guests of kvmstat-agentx, a walk of one column", MANY, walk_guests),
    ("events of 50 guests of kvmstat-agentx, a walk of one column", [40, 80, 200, 400], walk_events),
]


def run(bench, word, lines):
    for what, steps, measure in TABLE:
        if word in "growth: " + what:
            print("  BENCH    growth: %s" % what, file=sys.stderr)
            lines += list(flat(bench, what, steps, measure))
