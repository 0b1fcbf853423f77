# SPDX-License-Identifier: MIT
"""The last line says how many tests there were."""
import signal

# A shell's background job ignores it, and so would every command that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

counts = {"passed": 0, "failed": 0, "skipped": 0}


def pytest_runtest_logreport(report):
    if report.skipped or report.failed or report.when == "call":
        counts[report.outcome] += 1


def pytest_unconfigure():
    print("\ncli: {passed} passed, {failed} failed, {skipped} skipped".format(**counts))
