# SPDX-License-Identifier: MIT
"""What a Vmm's guests did, seen in several ways."""
import machine

HISTOGRAMS = ("halt_poll_success_hist", "halt_poll_fail_hist", "halt_wait_hist")


def in_words(vmm):
    """What the VMM counts, over all its guests."""
    guests = vmm.guests()
    return {event: sum(guest[event] for guest in guests) for event in (vmm.run_event, vmm.halt_event)}


def from_files(vmm):
    """From debugfs, file by file, each counter and level. A histogram's file has its first bucket only."""
    total = {}
    for guest in vmm.guests():
        for event, value in machine.debugfs_values(guest).items():
            total[event] = total.get(event, 0) + value
    return counters(total)


def counters(found):
    return {event: value for event, value in found.items() if event not in HISTOGRAMS}


def part(found, expected):
    return {event: found.get(event) for event in expected}


def check_same(vmm):
    """By bpf, by debugfs, and in its files."""
    files, bpf = from_files(vmm), machine.values(vmm, "bpf")
    assert counters(bpf) == files
    assert machine.values(vmm, "debugfs") == files
    assert part(bpf, HISTOGRAMS).keys() == set(HISTOGRAMS)


def check_all_ways(vmm):
    """And what the VMM did."""
    expected = in_words(vmm)
    assert part(from_files(vmm), expected) == expected
    check_same(vmm)


def check_between(vmm, outer, inner):
    """Of a guest that runs: what one source reads between two readings of another."""
    first, between, last = (machine.rows(vmm.name, source) for source in (outer, inner, outer))
    growing = [event for event, row in between.items() if row["class"] == "cumulative" and row["value"] is not None]
    seen = {event: [rows[event]["value"] for rows in (first, between, last)] for event in growing}
    assert len(seen) > 30 and {event: values for event, values in seen.items() if values != sorted(values)} == {}
    assert any(values[0] < values[-1] for values in seen.values())


def check_refused(rows, before):
    """Rows of what debugfs alone can read under lockdown: levels as they were, no counter, no 0 in its place."""
    values = {row["event"]: row["value"] for row in rows}
    levels = {event: value for event, value in values.items() if value is not None}
    assert part(before, levels) == levels
    assert values.keys() == before.keys() and set(levels) == machine.levels() & values.keys()
    for row in rows:
        assert row["value"] is not None or (row["rate"] is None and row["source"] == "absent" and "lockdown" in row["reason"])


def check_denied(before, guests):
    """What a newcomer sees where BPF may not read the kernel."""
    report = machine.doctor()
    assert (report["status"], report["lockdown"], report["guests"]) == (1, "confidentiality", guests)
    assert report["sources"]["bpf"]["state"] == "denied"
    assert "lockdown=confidentiality forbids BPF" in report["sources"]["bpf"]["text"]
    assert report["problems"]["refused"]["active"]
    check_refused(machine.rows("locked").values(), before)


def check_all_known(vmm):
    """By bpf: what the VMM did, and no event without a value. The values."""
    found, expected = {event: row["value"] for event, row in machine.rows(vmm.name, "bpf").items()}, in_words(vmm)
    assert part(found, expected) == expected
    assert len(found) > 40 and None not in found.values()
    return found
