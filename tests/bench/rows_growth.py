# SPDX-License-Identifier: MIT
"""Does the cost of a value stay the same when there are more guests, events or vCPUs?"""
import math
import os
import re
import shutil
import subprocess
import sys

from rig import Skip, cpu_ns, guests, need_root
from rows_snmp import snmpd, subagent

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

def tree_pass(bench, number, events):
    record = bench.records(bench.program("tests/bench/pass"), "debugfs", "1", bench.tree(number, events=events))[0]
    return record["ours_cpu_ns"]


def tree_guests(bench, number):
    return number, number * EVENTS, tree_pass(bench, number, EVENTS), "ns"


def tree_events(bench, number):
    return number, 100 * number, tree_pass(bench, 100, number), "ns"


# ---- real guests ----

def live_pass(bench):
    need_root()
    return bench.records(bench.program("tests/bench/pass"), "bpf", "1")[0]["ours_cpu_ns"]


def live_guests(bench, number):
    with guests(bench, number, 1):
        return number, number, live_pass(bench), "ns"


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


def count_names(bench, number, names):
    config = os.path.join(bench.tmp, "growth.conf")
    tree = bench.tree(number, events=1, names=names)
    total = instructions(bench, "kvmstat_read", bench.program("tests/bench/plugin"), "once", bench.program("kvmstat.so"), config, "debugfs", tree)
    return number, number, total, "instructions"


def agent_start(bench, number):
    """CPU time until it is connected, with the indices given and written."""
    with snmpd(bench, []) as (_, _, agentx), subagent(bench, agentx, bench.tree(number, events=1), interval=60, state=True) as process:
        return number, number, cpu_ns(process.pid), "ns"


TABLE = [
    ("guests of a tree with 40 events each, debugfs pass", [10, 100, 1000, 8000], tree_guests),
    ("events of 100 guests of a tree, debugfs pass", [40, 80, 200, 400], tree_events),
    ("KVM guests with 1 vCPU, bpf pass, each guest", [100, 1000, 4000], live_guests),
    ("vCPUs of each of 4 KVM guests, bpf pass, each vCPU", [8, 64, 512], live_vcpus),
    ("instructions of a steady debugfs pass, 40 events each", [100, 200, 400, 800], count_steady),
    ("instructions of a pass that finds only newcomers, each guest", [100, 200, 400, 800], count_newcomers),
    ("instructions of the plugin's first read, each guest", [250, 500, 1000, 2000], lambda b, n: count_names(b, n, "guest%d")),
    ("the same, all guests of one name, each guest", [250, 500, 1000, 2000], lambda b, n: count_names(b, n, "twin")),
    ("guests of kvmstat-agentx at its start, each guest", [1000, 2000, 4000, 8000], agent_start),
]


def run(bench, word, lines):
    for what, steps, measure in TABLE:
        if word in "growth: " + what:
            print("  BENCH    growth: %s" % what, file=sys.stderr)
            lines += list(flat(bench, what, steps, measure))
