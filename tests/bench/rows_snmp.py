# SPDX-License-Identifier: MIT
"""Rows of the subagent: walks and gets through a real snmpd, and what it costs when nobody asks."""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

from rig import (CEILING_ROOT, FLOOR_ROOT, MB, OUR_ROOT, Row, Skip, command_of, comparisons, cpu_ns, free_port, memory_of, wait_for,
                 wake_ups)


@contextlib.contextmanager
def snmpd(bench, pin, more="", env=()):
    """(process, peer, AgentX socket) of a private snmpd."""
    program = command_of("snmpd", "snmpd")
    home = tempfile.mkdtemp(dir=bench.tmp)
    peer, agentx, config = "127.0.0.1:%d" % free_port(), home + "/agentx", home + "/snmpd.conf"
    with open(config, "w", encoding="ascii") as file:
        file.write("agentaddress udp:%s\nrocommunity public 127.0.0.1\nmaster agentx\nagentXSocket %s\n"
                   "dontLogTCPWrappersConnects yes\n%s" % (peer, agentx, more))
    env = dict(os.environ, SNMP_PERSISTENT_DIR=home, SNMPCONFPATH=home, MIBS="", **dict(env))
    with bench.process(*pin, program, "-f", "-Lf", home + "/log", "-C", "-c", config, "-p", home + "/pid", env=env) as process:
        wait_for("snmpd", lambda: os.path.exists(agentx))
        yield process, peer, agentx


@contextlib.contextmanager
def subagent(bench, agentx, root, pin=(), interval=10, env=None, state="none"):
    """The process, connected. state: the directory where it keeps its indices."""
    command = [*pin, bench.program("kvmstat-agentx"), "-c", "/dev/null", "-x", agentx]
    for option in ("StateDir=" + state, "Source=debugfs", "Root=" + root, "Interval=%d" % interval):
        command += ["-o", option]
    log = tempfile.NamedTemporaryFile("w+", dir=bench.tmp)
    with log, bench.process(*command, stderr=log, env=env) as process:
        wait_for("kvmstat-agentx", lambda: "connected to snmpd" in open(log.name, encoding="utf-8").read(), 60)
        yield process


def pins():
    """Commands that pin to a CPU: snmpd and the subagents to one, the manager to another if there is one."""
    cpus = sorted(os.sched_getaffinity(0))
    if not shutil.which("taskset"):
        raise Skip("taskset is missing (Debian: util-linux)")
    return ["taskset", "-c", str(cpus[0])], ["taskset", "-c", str(cpus[-1])]


def shape(bench, pin, root):
    """(guests, event numbers) as the subagent shows them to snmpd."""
    walker = bench.program("tests/bench/walker")
    with snmpd(bench, pin) as (_, peer, agentx), subagent(bench, agentx, root, pin):
        listed = subprocess.run([walker, "list", peer, OUR_ROOT], stdout=subprocess.PIPE, text=True, check=False).stdout
    rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
    if not rows:
        raise Skip("kvmstat-agentx shows no rows to snmpd")
    return str(len({guest for guest, _ in rows})), sorted({str(event) for guest, event in rows if guest == rows[0][0]}, key=int)


def walks(bench, guests, ways, seconds, interval):
    """ways: words of the walker; with "ceiling" the rows that snmpd serves itself are the other side."""
    walker, floor = bench.program("tests/bench/walker"), bench.program("tests/bench/minagent")
    module = os.path.abspath(bench.program("tests/bench/minagent.so"))
    pin, manager = pins()
    root = bench.tree(guests)
    number, events = shape(bench, pin, root)
    env = {"BENCH_MINAGENT": " ".join([CEILING_ROOT, number, *events])}
    with snmpd(bench, pin, "dlmod minagent %s\n" % module, env) as (master, peer, agentx), \
            subagent(bench, agentx, root, pin, interval) as ours, \
            bench.process(*pin, floor, agentx, FLOOR_ROOT, number, *events, stderr=subprocess.DEVNULL) as minimal:
        if "table" in ways:
            time.sleep(interval + 2)  # rates need two samples
        for way in ways:
            word, _, ceiling = way.partition(" ")
            other = (CEILING_ROOT, "0") if ceiling else (FLOOR_ROOT, str(minimal.pid))
            records = bench.records(*manager, walker, word, str(seconds), peer, OUR_ROOT, str(ours.pid), *other, str(master.pid))
            goal, suffix = (None, ", beside rows inside snmpd") if ceiling else (1.1, "")
            yield from comparisons(records, goal, "wall", suffix)


# ---- when nobody asks, or seldom ----

def idle(bench):
    """A tenth of a minute is watched; a walk costs what it costs whenever it comes."""
    walker, pin = bench.program("tests/bench/walker"), pins()[0]
    seconds = 20
    with snmpd(bench, pin) as (_, peer, agentx), subagent(bench, agentx, bench.tree(200)) as process:
        time.sleep(2)
        before, woken = cpu_ns(process.pid), wake_ups(process.pid)
        time.sleep(seconds)
        minute = (cpu_ns(process.pid) - before) * 60 / seconds
        wakes = (wake_ups(process.pid) - woken) / seconds
        before, woken = cpu_ns(process.pid), wake_ups(process.pid)
        subprocess.run([walker, "list", peer, OUR_ROOT], stdout=subprocess.DEVNULL, check=True)
        walk, walk_wakes = cpu_ns(process.pid) - before, wake_ups(process.pid) - woken
        resident, private = memory_of(process.pid)
    work = "kvmstat-agentx, 200 guests of debugfs every 10 s: "
    yield Row(work + "idle, each minute", "pass", (None, minute), None)
    yield Row(work + "with one walk of 23,200 rows, each minute", "pass", (None, minute + walk), None)
    yield Row(work + "wake-ups each second, idle", "calls", wakes, None, None, "number")
    yield Row(work + "wake-ups of one walk", "calls", walk_wakes, None, None, "number")
    yield Row(work + "RSS", "bytes", resident, None, None, "number")
    yield Row(work + "private", "bytes", private, None, None, "number")


def memory(bench):
    with snmpd(bench, []) as (_, _, agentx), subagent(bench, agentx, bench.tree(1000, 8), interval=2) as process:
        time.sleep(8)
        resident, private = memory_of(process.pid)
    work = "memory, 1,000 guests with 8 vCPUs: kvmstat-agentx, "
    yield Row(work + "RSS", "bytes", resident, None, None, "number")
    yield Row(work + "private", "bytes", private, None, 24 * MB, "number")


def allocs(bench):
    counts = os.path.join(bench.tmp, "allocs")
    with open(counts, "wb") as file:
        file.write(bytes(4096))

    def first_thread():
        with open(counts, "rb") as file:
            return int.from_bytes(file.read(8), sys.byteorder)
    env = dict(os.environ, LD_PRELOAD=os.path.abspath(bench.program("tests/bench/allocs.so")), BENCH_ALLOCS=counts)
    with snmpd(bench, []) as (_, _, agentx), subagent(bench, agentx, bench.tree(100), interval=1, env=env):
        time.sleep(4)
        before = first_thread()
        time.sleep(5)
        calls = (first_thread() - before) / 5
    yield Row("sampling thread of kvmstat-agentx, 100 guests: allocations per sample", "calls", calls, None, 0, "number")


ROWS = [
    ("SNMP, 23,200 rows", lambda bench: walks(bench, 200, ["1", "8", "1 ceiling", "get", "table"], max(bench.seconds, 5), 10)),
    ("SNMP, 100,000 rows", lambda bench: walks(bench, 1000, ["1"], bench.seconds, 60)),
    ("subagent, idle", idle),
    ("memory of the subagent", memory),
    ("allocations of the subagent", allocs),
]
