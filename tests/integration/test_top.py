# SPDX-License-Identifier: MIT
"""kvmstat top of a real guest: its vCPUs one by one, and its histograms."""
import os
import re
import sys

import pytest
import rig

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))

import screen  # noqa: E402


def go_to(terminal, event):
    terminal.press("/", event, "enter")
    terminal.until(lambda: terminal.current().split()[:1] == [event], "the cursor on the event")


def test_each_vcpu_has_its_own(vmm):
    guest = vmm(vcpus=2, options=("--threads", "--keep-stats-fds"))
    guest.command("run 300 0 0")
    guest.command("halt 45 0 1")
    with screen.Screen("/", guest.name, "-t", "0.2", size=(120, 40)) as terminal:
        terminal.shows("> %s " % re.escape(guest.name))
        go_to(terminal, guest.halt_event)
        terminal.press("enter")
        terminal.shows("> vCPUs: %s  1/2  by TOTAL" % guest.halt_event)
        terminal.until(lambda: [line.split()[0] for line in terminal.rows()] == ["1", "0"], "the vCPU that halted first")
        assert [line.split()[5] for line in terminal.rows()] == ["45", "0"]
        # Since a mark, nothing; then what is done after it.
        terminal.press("r")
        terminal.until(lambda: [line.split()[5] for line in terminal.rows()] == ["0", "0"], "no halts since")
        guest.command("halt 7 0 0")
        terminal.until(lambda: [line.split()[5] for line in terminal.rows()] == ["7", "0"], "halts of the other one")
        terminal.press("esc", "v")
        terminal.shows("^VCPU THREAD STATE .* BUSIEST EVENTS, PER SECOND", "^   0 ")
        terminal.press("esc", "esc", "q")
        assert terminal.ended() == 0


def test_histogram(vmm):
    event, times = "halt_wait_hist", 3
    guest = vmm(vcpus=2, options=("--threads", "--irqchip"))
    report = rig.kvmstat_json("-oReportHistograms=true", "--all", "events", guest.name, "0.1", "1")
    if event not in {row["event"] for row in report["events"]}:
        pytest.skip("this kernel has no " + event)
    for _ in range(times):
        guest.command("block")
        rig.wait_until(lambda: {row["state"] for row in rig.kvmstat_json("vcpus", guest.name, "0.1", "1")["vcpus"]} == {"blocked"},
                       "every vCPU is blocked")
        guest.command("stop")
    with screen.Screen("/", guest.name, "0.2", size=(100, 70)) as terminal:
        terminal.shows("> %s " % re.escape(guest.name))
        go_to(terminal, event)
        terminal.press("enter")
        terminal.shows("> histogram: " + event, "^ *FROM +BELOW +TOTAL +PER SECOND +% +UP TO % SHARE", "#$")
        end = terminal.lines()[2].index("TOTAL") + len("TOTAL")
        assert sum(int(line[:end].split()[-1]) for line in terminal.rows()) == 2 * times
        terminal.press("d")
        terminal.shows("^%s$" % event, "^kind +log_hist, ns, of each vCPU$")
