# SPDX-License-Identifier: MIT
"""Real guests of the kernel's own KVM on a big-endian machine: every source, and the pair, against what the guests did."""
import json

import pytest

from guests import GUESTS, sums

COMPARED = {}  # what, and how many values; conftest.py prints it


@pytest.fixture(scope="module", name="booted")
def booted_machine(booting_guests):
    return booting_guests.result()


def compare(what, expected, found):
    """All that is expected, to the unit; the rest of found may be more."""
    COMPARED[what] = len(expected)
    assert expected and {key: (value, found.get(key)) for key, value in expected.items() if found.get(key) != value} == {}


def scalars(stats):
    return {key: values for key, values in stats.items() if "hist" not in key[2]}


@pytest.mark.parametrize("name", ("said1", "said2", "said3"))
def test_kernel_counts_what_was_done(booted, name):
    did = booted.did(name)
    compare("kernel = program, " + name, did, {key: sum(values) for key, values in booted.stats(name).items()})
    assert len({event for _, _, event in did}) == 94


def test_debugfs(booted):
    """Which is another way into the kernel than the descriptors."""
    for number in "12":
        compare("debugfs = kernel, " + number, sums(scalars(booted.stats("said" + number))),
                booted.debugfs("debugfs" + number, "said" + number))


@pytest.mark.parametrize("source", ("bpf", "debugfs", "statsfd"))
def test_source(booted, source):
    stats = booted.stats("said1")
    if source == "debugfs":
        stats = scalars(stats)
    expected = sums(stats)
    if source == "statsfd":  # gamma's VMM does not keep them
        expected = {key: value for key, value in expected.items() if key[0] != "gamma"}
    found, sources = booted.events(source)
    compare("command, source " + source, expected, found)
    assert sources == {source}
    if source == "statsfd":
        assert not any(found.get(key) for key in sums(stats) if key[0] == "gamma")


def buckets(stats):
    """{(guest, event, bucket): value} of the guest, without those that are 0."""
    found = {}
    for (guest, _, event), values in stats.items():
        for bucket, value in enumerate(values if "hist" in event else ()):
            found[guest, event, str(bucket)] = found.get((guest, event, str(bucket)), 0) + value
    return {key: value for key, value in found.items() if value}


def collectd_names(stats, reasons):
    """{(guest, name of the series): value} of all that is not 0."""
    found = dict(sums(scalars(stats)))
    found.update(sums(reasons))
    for numbers in (scalars(stats), reasons):
        for (guest, what, event), value in numbers.items():
            if what != "-":
                found[guest, "%s-vcpu%03d" % (event, int(what))] = value if isinstance(value, int) else sum(value)
    for (guest, event, bucket), value in buckets(stats).items():
        found[guest, "%s-%02d-from-%dns" % (event, int(bucket), int(bucket) and 1 << int(bucket) - 1)] = value
    return {key: value for key, value in found.items() if value}


@pytest.mark.parametrize("number", (1, 2))
def test_collectd(booted, number):
    """Guests, vCPUs, buckets and exits by reason, and nothing else but times of CPUs."""
    stats, reasons = booted.stats("said%d" % number), booted.reasons("said%d" % number)
    expected, found = collectd_names(stats, reasons), booted.collectd("csv%d" % number)
    compare("collectd, %d" % number, expected, found)
    more = {key for key, value in found.items() if value and not key[1].startswith("cpu_")} - set(expected)
    assert not more, "\n".join(booted.answer("logs"))


@pytest.mark.parametrize("number", (1, 2))
def test_snmp(booted, number):
    stats = booted.stats("said%d" % number)
    expected = {key: value for key, value in sums(scalars(stats)).items() if key[1] != "blocking"}
    expected.update((key, sum(values)) for key, values in scalars(stats).items() if key[1] != "-" and key[2] != "blocking")
    expected.update(buckets(stats))
    compare("snmpbulkwalk, %d" % number, expected, booted.snmp("walk%d" % number))


def test_rates(booted):
    """What the command says of all intervals of the second round, added up."""
    counted, inexact = {}, {}  # three decimals are printed, of rates and of seconds
    for report in (json.loads(line) for line in booted.answer("rates") if line.startswith("{")):
        for row in report["events"]:
            event, rate = row["event"], row["rate"] or 0
            counted[event] = counted.get(event, 0) + rate * report["seconds"]
            inexact[event] = inexact.get(event, 0) + 0.0005 * (rate + report["seconds"])
    first, second = (sums(booted.did("said%d" % number)) for number in (1, 2))
    expected = {event: value - first[guest, event] for (guest, event), value in second.items()
                if guest == "beta" and (guest, event) in first}
    compare("rates", expected, {event: pytest.approx(value, abs=inexact[event]) for event, value in counted.items()})


def test_vcpus(booted):
    """Each in a thread of its own, and no share of waiting above what there is."""
    vcpus = json.loads(booted.answer("vcpus")[-1])["vcpus"]
    assert [row["vcpu"] for row in vcpus] == [0, 1, 2] and len({row["tid"] for row in vcpus}) == 3
    assert all(row["wait_percent"] <= 100 for row in vcpus)


def test_lockdown(booted):
    """bpf and statsfd read on, debugfs is closed. gamma is a guest that was made after another one of its name had ended."""
    said = booted.answer("integrity")
    assert json.loads(next(line for line in said if line.startswith("{")))["lockdown"] == "integrity"
    assert "not permitted" in said[-1]
    expected = sums({**booted.stats("said2"), **booted.stats("said3")})
    for label, source in (("locked", "bpf"), ("locked_statsfd", "statsfd")):
        found, sources = booted.events(label)
        compare("command, locked down, source " + source, expected, found)
        assert sources == {source}


def test_every_guest_differs(booted):
    """Else a value of the wrong guest or vCPU would not be seen."""
    did = booted.did("said1")
    assert {key[0] for key in did} == set(GUESTS)
    for event in ("exit_instruction", "instruction_diagnose_44", "deliver_io"):
        values = [value for key, value in did.items() if key[2] == event]
        assert len(values) == 6 == len(set(values))
