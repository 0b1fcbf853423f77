# SPDX-License-Identifier: MIT
import concurrent.futures

import pytest


@pytest.fixture(scope="session", autouse=True, name="booting")
def booted_beside_the_tests(request, tmp_path_factory):
    """The whole machine's future: it takes as long as all other tests, which wait more than they compute."""
    if not any(item.path.name == "test_system.py" for item in request.session.items):
        yield None
        return
    from booted import Booted  # needs what other tests do not
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield pool.submit(Booted, tmp_path_factory.mktemp("booted"))
