# SPDX-License-Identifier: MIT
import concurrent.futures
import importlib
import sys

import pytest


@pytest.fixture(scope="session", name="machine_pool")
def one_machine_after_the_other():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield pool


def booted_beside_the_tests(request, of, module, pool, directory):
    """A whole machine's future: it takes as long as all other tests, which wait more than they compute."""
    if not any(item.path.name == of for item in request.session.items):
        return None
    # Needs what other tests do not.
    return pool.submit(importlib.import_module(module).Booted, directory)


@pytest.fixture(scope="session", autouse=True, name="booting")
def booting_a_replayed_host(request, machine_pool, tmp_path_factory):
    return booted_beside_the_tests(request, "test_system.py", "booted", machine_pool, tmp_path_factory.mktemp("booted"))


@pytest.fixture(scope="session", autouse=True, name="booting_guests")
def booting_guests(request, machine_pool, tmp_path_factory):
    return booted_beside_the_tests(request, "test_guests.py", "guests", machine_pool, tmp_path_factory.mktemp("guests"))


def pytest_terminal_summary(terminalreporter):
    compared = getattr(sys.modules.get("test_guests"), "COMPARED", {})
    for what, count in compared.items():
        terminalreporter.write_line("guests: %s: %d values compared" % (what, count))
