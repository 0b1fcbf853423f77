# SPDX-License-Identifier: MIT
"""Rows of the collection core."""
import contextlib
import json
import os
import re
import subprocess
import tempfile
import time

import bigtree
from rig import MB, Row, Skip, comparisons, foreign_fds, guests, median, memory_of, need_root

FOREIGN_PROCESSES, FOREIGN_FDS = 10, 5000


def bpf_pass(bench, vms, vcpus, vmms=1, foreign=False):
    """With foreign: the floor is what a walk over all files costs, so the ratio may be far below 1."""
    program = bench.program("tests/bench/pass")
    need_root()
    with guests(bench, vms, vcpus, vmms), contextlib.ExitStack() as stack:
        suffix = ""
        if foreign:
            stack.enter_context(foreign_fds(FOREIGN_PROCESSES, FOREIGN_FDS))
            suffix = ", %d foreign fds" % (FOREIGN_PROCESSES * FOREIGN_FDS)
        # It takes more than a second until nobody is expected to come any more.
        seconds = max(bench.seconds, 6) if foreign else bench.seconds
        yield from comparisons(bench.records(program, "bpf", str(seconds)), 1.15, suffix=suffix)


# debugfs tells at the least cost which guests there are; it is mounted for the one program that is measured.
WITH_DEBUGFS = ["unshare", "-m", "sh", "-c",
                'mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug || exit 1; exec "$@"', "sh"]


def statsfd_pass(bench, vmms, vcpus):
    program = bench.program("tests/bench/pass")
    need_root()
    options = ["--keep-stats-fds", "-name", "guest=bench-statsfd"]
    with guests(bench, 1, vcpus, vmms, options):
        yield from comparisons(bench.records(*WITH_DEBUGFS, program, "statsfd", str(bench.seconds)), 1.25)


def debugfs_pass(bench, number):
    program = bench.program("tests/bench/pass")
    yield from comparisons(bench.records(program, "debugfs", str(bench.seconds), bench.tree(number)), 1.25)


def discovery(bench):
    program, tree = bench.program("tests/bench/pass"), bench.tree(1000)
    yield from comparisons(bench.records(program, "discovery", str(bench.seconds), tree), 2)
    bigtree.add_spares(tree, 0.1)
    yield from comparisons(bench.records(program, "replaced", str(bench.seconds), tree), 2)


def exit_reasons(bench):
    program = bench.program("tests/bench/exits")
    need_root()
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("/dev/kvm cannot be used")
    for row in comparisons(bench.records(program, str(bench.seconds)), 1.1):
        yield row
        yield Row(row.work + ": added", row.unit, (row.ours[0] - row.floor[0], row.ours[1] - row.floor[1]), None)


def core_memory(bench):
    with subprocess.Popen([bench.program("tests/bench/memory"), "debugfs", bench.tree(1000, 8)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        matrix = json.loads(process.stdout.readline())["matrix"]
        core = memory_of(process.pid)
        process.stdin.close()
    work = "memory, 1,000 guests with 8 vCPUs: "
    yield Row(work + "values of two samples", "bytes", matrix, None, None, "number")
    yield Row(work + "the core alone, RSS", "bytes", core[0], matrix, None, "number")
    yield Row(work + "the core alone, private", "bytes", core[1], matrix, 24 * MB, "number")


# ---- the diagnosis ----

DIAGNOSIS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "diagnosis")


def diagnosis(bench):
    """What is judged of guests that are as usual; how well it is judged is a table of its own."""
    with tempfile.TemporaryFile("w+") as trace:
        subprocess.run([os.path.join(DIAGNOSIS, "generate"), "--arch", "s390", "--days", "1", "--guests", "16", os.path.join(bench.tmp, "labels")],
                       stdout=trace, check=True)
        trace.seek(0)
        done = subprocess.run([bench.program("tests/diagnose"), "-t"], stdin=trace, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True, check=True)
    ns, size = re.match(r"(\S+) ns a cell and pass, (\S+) bytes a cell", done.stderr).groups()
    yield Row("diagnosis, each judged cell", "ns", float(ns), None, 10, "number")
    yield Row("diagnosis, bytes of each judged cell", "calls", float(size), None, 16, "number")


MAKETREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trees", "maketree.py")
RECORDED_GUESTS, RECORDED = 200, 30


def recording(bench):
    """Of a host that does something between any two samples, the complete ones among them included."""
    program, tree, file = bench.program("kvmstat"), os.path.join(bench.tmp, "recorded"), os.path.join(bench.tmp, "recording")
    subprocess.run([MAKETREE, "--guests", str(RECORDED_GUESTS), tree], stdout=subprocess.DEVNULL, check=True)
    with bench.process(MAKETREE, "--guests", str(RECORDED_GUESTS), "--tick", "--every", "1", tree, stdout=subprocess.DEVNULL):
        subprocess.run([program, "--root", tree, "record", file, "3", str(RECORDED)], check=True)
    done = subprocess.run([program, "--from", file, "--json", "--all", "events"], stdout=subprocess.PIPE, check=True)
    events = [row for row in json.loads(done.stdout)["events"] if row["value"] is not None]
    size = os.path.getsize(file) / (RECORDED * RECORDED_GUESTS * len(events))
    yield Row("recording, bytes of each cell and sample (%d cells)" % (RECORDED_GUESTS * len(events)), "calls", size, None, 1, "number")


def detection(bench):
    """A table: what is found in traces of hosts that were made up."""
    return subprocess.run([os.path.join(DIAGNOSIS, "run"), bench.program("tests/diagnose")], stdout=subprocess.PIPE, text=True,
                          check=True).stdout


# ---- a guest that is watched ----

EXITS_PER_TURN = 40000
TURNS = 24
FASTER = 100  # passes a second, so that what one pass costs can be told from noise


def exits(process):
    """Seconds for so many exits of one vCPU."""
    begun = time.monotonic()
    process.stdin.write("run %d\n" % EXITS_PER_TURN)
    process.stdin.flush()
    if not process.stdout.readline().startswith("done"):
        raise Skip("kvmtestvmm stopped")
    return time.monotonic() - begun


def busy_guest(bench):
    """A guest whose one vCPU does nothing but exit, with passes and without, in turn."""
    need_root()
    with guests(bench, 1, 1) as (vmm,):
        slower, alone = [], []
        exits(vmm)
        for _ in range(TURNS):
            with bench.process(bench.program("tests/bench/pass"), "every", str(1000 / FASTER), "bpf",
                               stdout=subprocess.PIPE) as sampler:
                sampler.stdout.readline()
                watched = exits(vmm)
            unwatched = exits(vmm)
            slower.append(watched / unwatched - 1)
            alone.append(unwatched)
    share = max(0.0, median(slower))
    work = "a guest at %d exits/s, slower" % (EXITS_PER_TURN / median(alone))
    yield Row("%s with %d passes a second" % (work, FASTER), "percent", 100 * share, None, None, "number")
    yield Row("%s with one pass a second (the same, / %d)" % (work, FASTER), "percent", 100 * share / FASTER, None, 0.5, "number")


ROWS = [
    ("bpf pass, 1 vCPU", lambda bench: bpf_pass(bench, 1, 1)),
    ("bpf pass, 100 vCPUs", lambda bench: bpf_pass(bench, 1, 4, 25)),
    ("bpf pass, 1,000 vCPUs", lambda bench: bpf_pass(bench, 1, 8, 125)),
    ("bpf pass, 4,000 vCPUs", lambda bench: bpf_pass(bench, 500, 8)),
    ("bpf pass, foreign fds", lambda bench: bpf_pass(bench, 1, 4, 25, True)),
    ("statsfd pass, 1 vCPU", lambda bench: statsfd_pass(bench, 1, 1)),
    ("statsfd pass, 100 vCPUs", lambda bench: statsfd_pass(bench, 25, 4)),
    ("statsfd pass, 1,000 vCPUs", lambda bench: statsfd_pass(bench, 125, 8)),
    ("statsfd pass, 4,000 vCPUs", lambda bench: statsfd_pass(bench, 500, 8)),
    ("debugfs pass, 1 guest", lambda bench: debugfs_pass(bench, 1)),
    ("debugfs pass, 100 guests", lambda bench: debugfs_pass(bench, 100)),
    ("debugfs pass, 1,000 guests", lambda bench: debugfs_pass(bench, 1000)),
    ("discovery", discovery),
    ("busy guest", busy_guest),
    ("exits by reason", exit_reasons),
    ("memory of the core", core_memory),
    ("diagnosis", diagnosis),
    ("recording", recording),
]
