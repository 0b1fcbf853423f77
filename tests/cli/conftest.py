# SPDX-License-Identifier: MIT
"""The last line says how many tests there were."""
counts = {"passed": 0, "failed": 0, "skipped": 0}


def pytest_runtest_logreport(report):
    if report.skipped or report.failed or report.when == "call":
        counts[report.outcome] += 1


def pytest_unconfigure():
    print("\ncli: {passed} passed, {failed} failed, {skipped} skipped".format(**counts))
