# SPDX-License-Identifier: MIT
"""What is reported of small hand-made traces, at any interval: the whole way from counters to alarms."""
import os
import subprocess

import pytest

DIAGNOSE = os.environ["DIAGNOSE"].split()
EVENTS = ["cpu_ns", "wait_ns", "exit_instruction", "exit_wait_state", "exit_null", "instruction_diagnose_44", "instruction_diagnose_9c",
          "instruction_diagnose_500", "deliver_io"]
USUAL = [2e9, 1e7, 900, 700, 300, 40, 0, 100, 80]
BEGIN = 1700000000
HOUR, CLEAR = 3600, 180


class Trace:
    """Guests whose counters grow by a rate."""

    def __init__(self, interval, cpus=14):
        self.interval, self.now, self.counters = interval, BEGIN, {}
        self.lines = ["kvmstat-trace 1", "H\thost\ts390\t%d" % cpus] + ["E\t%d\t%s" % pair for pair in enumerate(EVENTS)]

    def start(self, guest, incarnation, vcpus=64):
        self.counters[guest] = [0] * len(EVENTS)
        return "G\t%d\tguest%d\tname:guest%d\t%d\t%s" % (guest, guest, guest, vcpus, incarnation)

    def sample(self, rates, *first):
        """rates: {guest: [of each event]}"""
        self.lines.append("S\t%d" % self.now)
        self.lines += first
        for guest, values in rates.items():
            for i, rate in enumerate(values):
                # Nothing is the same for long.
                self.counters[guest][i] += int(rate * self.interval * (1 + 0.1 * ((self.now // self.interval * 7 + i) % 5 - 2) / 2))
                self.lines.append("C\t%d\t%d\t%d" % (guest, i, self.counters[guest][i]))
        self.now += self.interval

    def pass_time(self, seconds, rates, *first):
        for _ in range(int(seconds // self.interval)):
            self.sample(rates, *first)
            first = ()

    def judged(self, *options):
        """[(raised, cleared, guest, cause, event)], times in seconds, of which cleared may be None"""
        text = "\n".join(self.lines) + "\n"
        done = subprocess.run([*DIAGNOSE, *options], input=text, capture_output=True, text=True, check=True, timeout=600)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        return [(int(row[0]), None if row[1] == "-" else int(row[1]), *row[3:6]) for row in rows]


def storming(usual):
    rates = list(usual)
    rates[EVENTS.index("instruction_diagnose_44")] = 60000
    rates[EVENTS.index("exit_instruction")] += 60000
    return rates


@pytest.mark.parametrize("interval", [1, 10, 60])
def test_storm_is_reported_once_and_cleared(interval):
    trace = Trace(interval)
    trace.sample({}, trace.start(0, "a"), trace.start(1, "b"))
    trace.pass_time(2 * HOUR, {0: USUAL, 1: USUAL})
    begin = trace.now
    trace.pass_time(600, {0: storming(USUAL), 1: USUAL})
    end = trace.now
    trace.pass_time(HOUR // 2, {0: USUAL, 1: USUAL})
    (raised, cleared, guest, cause, event), = trace.judged()
    assert (guest, cause, event) == ("guest0", "overcommit", "instruction_diagnose_44")
    assert raised - begin <= 2 * max(interval, 10)
    assert CLEAR - 2 * max(interval, 10) <= cleared - end <= CLEAR + 2 * max(interval, 10)


def test_starts_and_restarts_are_no_alarms():
    """A thousand times, and each start is a storm of its own."""
    trace = Trace(10)
    trace.sample({}, trace.start(0, "a"))
    trace.pass_time(2 * HOUR, {0: USUAL})
    for i in range(1000):
        trace.pass_time(30, {0: [20 * rate for rate in USUAL]}, trace.start(0, "again%d" % i))
        trace.pass_time(30, {0: USUAL})
    assert trace.judged() == []


def test_kernels_that_yield_in_two_ways_are_both_usual():
    other = list(USUAL)
    other[EVENTS.index("instruction_diagnose_44")], other[EVENTS.index("instruction_diagnose_9c")] = 0, 5000
    trace = Trace(10)
    trace.sample({}, trace.start(0, "a"), trace.start(1, "b"))
    trace.pass_time(6 * HOUR, {0: USUAL, 1: other})
    assert trace.judged() == []


def test_silence():
    trace = Trace(10)
    trace.sample({}, trace.start(0, "a"))
    trace.pass_time(2 * HOUR, {0: USUAL})
    begin = trace.now
    trace.pass_time(600, {0: [0] * len(EVENTS)})
    (raised, cleared, guest, cause, event), = trace.judged()
    assert (guest, cause, event, cleared) == ("guest0", "stalled", "-", None) and raised - begin <= 60


def test_waiting_around_the_share_that_counts_is_one_alarm():
    """More vCPUs than CPUs, which wait now for 9 %, now for 13 % of their time: all the time far more than ever."""
    usual, less, more = list(USUAL), list(USUAL), list(USUAL)
    usual[0] = less[0] = more[0] = 9e9
    less[1], more[1] = 9e8, 1.35e9
    trace = Trace(10)
    trace.sample({}, trace.start(0, "a"))
    trace.pass_time(2 * HOUR, {0: usual})
    for _ in range(30):
        trace.pass_time(30, {0: more})
        trace.pass_time(30, {0: less})
    trace.pass_time(HOUR // 2, {0: usual})
    (_, cleared, guest, cause, event), = trace.judged()
    assert (guest, cause, event) == ("guest0", "overcommit", "wait_ns") and cleared
