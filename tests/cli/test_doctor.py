# SPDX-License-Identifier: MIT
"""The doctor's advice: each piece with a host that needs it and with one that does not."""
import json
import os
import sys

import pytest
from host import Host, write

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trees"))
import maketree  # noqa: E402


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def advice(done):
    report = json.loads(done.stdout)
    return [(piece["name"], piece["text"]) for piece in report["advice"]]


@pytest.mark.parametrize("values, name, words", [
    ({"halt_attempted_poll": 1000, "halt_successful_poll": 99}, "polling", "less than a tenth of halt polls succeed"),
    ({"halt_attempted_poll": 1000, "halt_successful_poll": 100}, None, None),
    ({"halt_attempted_poll": 999, "halt_successful_poll": 0}, None, None),
    ({"halt_attempted_poll": 1000}, None, None),
    ({"directed_yield_attempted": 5000, "directed_yield_successful": 499}, "yields", "less than a tenth of directed yields"),
    ({"directed_yield_attempted": 5000, "directed_yield_successful": 500}, None, None),
    ({"pages_4k": 262144, "pages_2m": 511}, "pages", "most memory is mapped in pages of 4 KiB"),
    ({"pages_4k": 262144, "pages_2m": 512}, None, None),
    ({"pages_4k": 262143, "pages_2m": 0}, None, None),
    ({"pages_4k": 262144}, None, None),
])
def test_counters(host, values, name, words):
    host.set(host.kvm, dict.fromkeys(("directed_yield_attempted", "directed_yield_successful", "pages_2m"), 0))
    host.guest("one", **values)
    done = host.run("doctor", "--json")
    found = advice(done)
    assert done.returncode == 0
    if name is None:
        assert found == []
        assert b"\nAdvice\n" not in host.run("doctor").stdout
        return
    assert [piece[0] for piece in found] == [name] and found[0][1].startswith("one: " + words)
    text = host.run("doctor").stdout.decode()
    assert "\nAdvice\n  %s " % name in text and max(map(len, text.splitlines())) <= 80


def test_many_guests_are_counted(host):
    for i in range(8):
        host.guest("g%d" % i, halt_attempted_poll=1000, halt_successful_poll=0)
    named, _, rest = advice(host.run("doctor", "--json"))[0][1].partition(" and 3 more: ")
    assert len(set(named.split(", "))) == 5 and rest.startswith("less than a tenth of halt polls")


def tree(path, vcpus, guests, cpus, kernel="s390x-6.12"):
    made = maketree.make_tree(str(path), kernel, guests=guests, vcpus=vcpus)
    write(str(path) + "/sys/devices/system/cpu/online", "0-%d\n" % (cpus - 1))
    host = Host.__new__(Host)
    host.root = str(path)
    return host, made["guests"]


def names(host):
    return {name for name, _ in advice(host.run("doctor", "--json"))} & {"overcommit", "vcpus"}


def test_vcpus(tmp_path):
    host, _ = tree(tmp_path, 8, 5, 8)
    assert names(host) == set()
    write(host.root + "/sys/devices/system/cpu/online", "0-6\n")
    assert names(host) == {"vcpus", "overcommit"}
    write(host.root + "/sys/devices/system/cpu/online", "0-7\n")
    assert names(host) == set()


def test_five_vcpus_a_cpu(tmp_path):
    host, _ = tree(tmp_path, 4, 11, 8)
    assert names(host) == {"overcommit"}
    write(host.root + "/sys/devices/system/cpu/online", "0-8\n")
    assert names(host) == set()


@pytest.mark.parametrize("percent, needed", [(11, True), (9, False)])
def test_polling_in_vain(tmp_path, percent, needed):
    host, guests = tree(tmp_path, 1, 1, 8)
    pid = guests[0]["pid"]
    write("%s/proc/%d/task/%d/schedstat" % (host.root, pid, pid + 2), "%d 0 0\n" % 10**12)
    write(maketree.guest_dir(host.root, guests[0]) + "/halt_poll_fail_ns", "%d\n" % (percent * 10**10))
    found = [text for name, text in advice(host.run("doctor", "--json")) if name == "polling" and "CPU time was lost" in text]
    assert bool(found) == needed
