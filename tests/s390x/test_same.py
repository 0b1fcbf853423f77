# SPDX-License-Identifier: MIT
"""The command for s390x, emulated, and the native one say the same of the same host, byte by byte."""
import os
import re
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
MAKETREE = os.path.join(HERE, "..", "trees", "maketree.py")
NATIVE = os.environ["NATIVE"].split()
PATIENCE = 300  # reached on failures only
EMULATED = os.environ["EMULATED"].split()
HOSTS = {
    "s390x-6.12": ["--odd-names"],
    "s390x-4.18": ["--lockdown", "integrity"],
    "x86-6.1": [],
}
REPORTS = {
    "doctor": ["--json", "doctor"],
    "guests": ["--json", "0.1", "1"],
    "events": ["--json", "--all", "events", "0.1", "1"],
    "histograms": ["--json", "--all", "-o", "ReportHistograms=true", "events", "0.1", "1"],
    "chosen": ["--json", "--all", "-o", "Event=/exit/", "-o", "Guest=/[13579]$/", "events", "0.1", "1"],
    "csv": ["--csv", "--all", "events", "0.1", "1"],
    "text": ["--totals", "0.1", "1"],
}
# What may differ: when it was, how long it took, and that somebody changed the tree between the two builds.
TIMES = re.compile(rb'"(time|seconds|sample_ns|version)":("[^"]*"|[0-9.]+)|^[0-9]{4}-[0-9T:.-]+Z', re.MULTILINE)


@pytest.fixture(scope="module", params=HOSTS)
def host(request, tmp_path_factory):
    """A generated host with its root."""
    root = str(tmp_path_factory.mktemp(request.param))
    subprocess.run([sys.executable, MAKETREE, root, "--kernel", request.param, "--guests", "20", *HOSTS[request.param]],
                   check=True, stdout=subprocess.DEVNULL)
    return root


def say(command, root, report):
    done = subprocess.run([*command, "--root", root, *report], capture_output=True, timeout=PATIENCE, check=False)
    return done.returncode, TIMES.sub(b"", done.stdout), done.stderr


@pytest.mark.parametrize("report", REPORTS)
def test_same(host, report):
    native = say(NATIVE, host, REPORTS[report])
    assert say(EMULATED, host, REPORTS[report]) == native
    # Two that say nothing would agree as well.
    assert native[0] in (0, 1) and len(native[1]) > 200
