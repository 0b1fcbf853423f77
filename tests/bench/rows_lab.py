# SPDX-License-Identifier: MIT
"""Rows of the kernel lab: real debugfs on a kernel that is not locked down, and the peers that need it; ratios only (lab.py)."""
import json
import os
import subprocess
import sys

from rig import Skip

HERE = os.path.dirname(os.path.abspath(__file__))
GOALS = {"debugfs": 1.25}

COLUMNS = ["work, in the lab", "instructions, to the floor's", "goal", ""]
PEER_COLUMNS = ["program, in the lab with 100 guests", "a look, to kvmstat's core", "each value", "its values", "what it cannot do"]


def said(bench):
    """What lab_inside.py said."""
    for name in ("tests/vmm/kvmtestvmm", "tests/bench/pass"):
        bench.program(name)
    work = os.path.join(bench.tmp, "lab")
    os.mkdir(work)
    done = subprocess.run([sys.executable, os.path.join(HERE, "lab.py"), bench.build, work], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise Skip((done.stderr.strip() or "it cannot be used here").splitlines()[-1])
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def line_of(record):
    if "note" in record:
        return [record["row"] + ": " + record["note"], "%.4g" % record["value"], "<= 0", "met" if record["value"] <= 0 else "goal missed"]
    ratio, goal = record["ours_cpu_ns"] / record["floor_cpu_ns"], GOALS.get(record["row"].split()[0])
    return [record["row"], "%.2f" % ratio, *(["<= %.2f" % goal, "met" if ratio <= goal else "goal missed"] if goal else ["", ""])]


def peer_line(record, core):
    each = record["cpu"] / record["values"]
    return [record["program"], "%.2f" % (record["cpu"] / core["cpu"]), "%.2f" % (each / core["cpu"] * core["values"]), str(record["values"]),
            record["cannot"]]


def run(bench, word, rows, peers, skipped):
    if word not in "lab":
        return
    print("  BENCH    lab", file=sys.stderr)
    try:
        records = said(bench)
    except Skip as reason:
        skipped.append("skipped: lab: %s" % reason)
        return
    found = [record for record in records if record["kind"] == "peer" and record["values"]]
    rows += [line_of(record) for record in records if record["kind"] == "row"]
    peers += [peer_line(record, found[0]) for record in found]
    skipped += ["skipped: lab: " + record["reason"] for record in records if record["kind"] == "skip"]
