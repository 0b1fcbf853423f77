# SPDX-License-Identifier: MIT
"""The subagent and what masters do to it; its signals; its limits."""
import os
import resource
import signal

import pytest

import agentx
import rig
from conftest import need

DUPLICATE = "duplicateRegistration (263): another subagent serves this subtree"
REFUSALS = {256: "openFailed", 262: "unsupportedContext", 263: "duplicateRegistration", 266: "parseError", 267: "requestDenied",
            268: "processingError", 299: "an error"}


@pytest.fixture
def systemd(tmp_path):
    return agentx.Systemd(str(tmp_path / "notify"))


@pytest.fixture
def master(tmp_path):
    """make(answer): a master by hand, in the place of snmpd."""
    masters = []

    def make(answer=lambda kind, n: 0):
        masters.append(agentx.Master(str(tmp_path / "master"), answer))
        return masters[-1]
    yield make
    for one in masters:
        one.stop()


@pytest.fixture
def alone(started, place, tree, tmp_path, systemd):
    """make(options): a subagent that is not waited for."""
    def make(options="", wrapper=()):
        directory = place("alone")
        conf = directory / "kvmstat-agentx.conf"
        conf.write_text("AgentXSocket %s\nStateDir none\nInterval 1\nPingInterval 1\nRoot %s\n%s\n" % (
            tmp_path / "master", tree(guests=2)[0], options))
        program = rig.Program([*wrapper, rig.built("kvmstat-agentx"), "-c", str(conf)], directory / "log", env=systemd.env)
        program.conf = conf
        started.append(program)
        return program
    return make


def lines(program, *words):
    return [line for line in program.text().splitlines() if all(word in line for word in words)]


# ---- registration ----


def test_two_subagents_of_one_snmpd(agent, tree, systemd):
    """The second serves as soon as the first is gone, however it went; until then it says why it does not."""
    root = tree(guests=3)[0]
    first = agent("Root %s\nPingInterval 1" % root)
    manager = first.snmpd
    second = agent("Root %s\nPingInterval 1" % root, master=manager, env=systemd.env)
    rig.wait_until(lambda: lines(second, DUPLICATE), "the refusal is told")
    rig.wait_until(lambda: "snmpd refuses 15 of 15 tables: duplicateRegistration" in systemd.status(), "the status says so")
    assert "READY" in systemd.last and not lines(second, "connected")
    first.signal(signal.SIGSTOP)
    first.signal(signal.SIGKILL)
    first.process.wait()
    rig.wait_until(lambda: lines(second, "connected to snmpd"), "the second is registered")
    rig.wait_until(lambda: len(manager.names()) == 3, "the second serves")
    rig.wait_until(lambda: "connected to snmpd" in systemd.status(), "the status says so")
    assert len(lines(second, DUPLICATE)) == 1 and len(lines(second, "over: snmpd accepts every table")) == 1, second.text()


@pytest.mark.parametrize("error", REFUSALS)
def test_refused_and_taken_later(master, alone, systemd, error):
    refuse = True
    by_hand = master(lambda kind, n: error if refuse and kind == agentx.REGISTER else 0)
    program = alone()
    rig.wait_until(lambda: by_hand.count(agentx.REGISTER) > agentx.TABLES + 1, "it tries again")
    rig.wait_until(lambda: "15 of 15 tables: " + REFUSALS[error] in systemd.status(), "the status says so")
    assert len(lines(program, "refuses 15 of 15 tables: %s (%d)" % (REFUSALS[error], error))) == 1, program.text()
    refuse = False
    rig.wait_until(lambda: lines(program, "connected to snmpd"), "all are registered")
    assert len(lines(program, "over: snmpd accepts every table")) == 1
    assert len(by_hand.seen) == 1 and program.stop() == 0


def test_one_table_of_many_is_refused(master, alone, systemd):
    refuse = True
    # That one, and that it is tried again.
    master(lambda kind, n: 263 if refuse and kind == agentx.REGISTER and (n == 5 or n > agentx.TABLES) else 0)
    program = alone()
    rig.wait_until(lambda: lines(program, "refuses 1 of 15 tables: " + DUPLICATE), "the refusal is told")
    rig.wait_until(lambda: "snmpd refuses 1 of 15 tables" in systemd.status(), "the status says so")
    refuse = False
    rig.wait_until(lambda: lines(program, "connected to snmpd"), "all are registered")


@pytest.mark.parametrize("error", [256, 268])
def test_session_refused(master, alone, systemd, error):
    refuse = True
    master(lambda kind, n: error if refuse else 0)
    program = alone()
    rig.wait_until(lambda: lines(program, "refuses the session: %s (%d)" % (REFUSALS[error], error)), "the refusal is told")
    refuse = False
    rig.wait_until(lambda: lines(program, "connected to snmpd"), "it is open")
    assert len(lines(program, "refuses")) == 1 and len(lines(program, "over:")) == 1, program.text()


def test_another_cause_is_told_as_well(master, alone):
    error = 263
    master(lambda kind, n: error if kind == agentx.REGISTER else 0)
    program = alone()
    rig.wait_until(lambda: lines(program, "duplicateRegistration"), "the refusal is told")
    error = 267
    rig.wait_until(lambda: lines(program, "requestDenied"), "the other one is told")


def test_silent_master(master, alone, systemd):
    """It is ready, and alive, all the same: a unit that waits for snmpd must not fail."""
    master(lambda kind, n: None)
    program = alone()
    rig.wait_until(lambda: lines(program, "a process listens there, but does not answer"), "the silence is told")
    rig.wait_until(lambda: "READY" in systemd.last and "WATCHDOG" in systemd.last, "it is ready and alive")
    assert "not connected to snmpd" in systemd.status() and program.process.poll() is None


# ---- signals ----


IGNORED = ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "PIPE", "XFSZ", "IO", "PWR", "STKFLT", "RTMIN", "RTMAX", "WINCH", "CHLD",
           "URG", "CONT"]


def test_ignored_signals(master, alone):
    """One that ended it would be its status."""
    by_hand = master()
    program = alone()
    rig.wait_until(lambda: lines(program, "connected to snmpd"), "it is connected")
    for name in IGNORED:
        program.signal(getattr(signal, "SIG" + name))
    before = by_hand.count(agentx.PING)
    rig.wait_until(lambda: by_hand.count(agentx.PING) > before + 1 or program.process.poll() is not None, "it goes on")
    assert program.stop() == 0


@pytest.mark.parametrize("name", ["TERM", "INT", "QUIT", "XCPU"])
def test_signals_that_end_it(master, alone, name):
    by_hand = master()
    program = alone()
    rig.wait_until(lambda: lines(program, "connected to snmpd"), "it is connected")
    program.signal(getattr(signal, "SIG" + name))
    assert program.process.wait(10) == 0
    rig.wait_until(lambda: by_hand.count(agentx.CLOSE) == 1, "it took leave")


def test_file_size_limit(master, alone, tmp_path, systemd):
    """No index can be saved, and no log be written: it lives, and serves what it can."""
    state = tmp_path / "state"
    state.mkdir()
    by_hand = master()
    program = alone()
    rig.wait_until(lambda: lines(program, "connected to snmpd"), "it is connected")
    resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (1, 1))
    program.conf.write_text(program.conf.read_text() + "StateDir %s\n" % state)
    program.signal(signal.SIGHUP)
    rig.wait_until(lambda: systemd.told.count("READY=1") == 2, "it was reloaded")
    before = by_hand.count(agentx.PING)
    rig.wait_until(lambda: by_hand.count(agentx.PING) > before + 1, "it goes on")
    assert not (state / "index").exists() and program.stop() == 0


def reload(program, text):
    program.conf.write_text(text)
    before = len(lines(program, "the configuration"))
    program.signal(signal.SIGHUP)
    rig.wait_until(lambda: len(lines(program, "the configuration")) > before, "it was reloaded:\n" + program.text())


def test_reload(agent, tree, systemd):
    """Indices and connection stay; what is shown changes at once."""
    root = tree(guests=4)[0]
    program = agent("Root %s" % root, env=systemd.env)
    manager = program.snmpd
    before = rig.wait_until(lambda: len(manager.names()) == 4 and manager.names(), "all are there")
    text = program.conf.read_text()
    out = sorted(before.values())[0].decode()
    reload(program, text + 'ExcludeGuest "%s"\nInterval 7\n' % out)
    assert manager.names() == {index: name for index, name in before.items() if name.decode() != out}
    assert manager.get("kvmInterval.0") == 7
    reload(program, text)
    assert manager.names() == before
    assert manager.get("kvmInterval.0") == 1
    rig.wait_until(lambda: manager.numbers("kvmGuestEventRate"), "there are rates again")
    assert len(lines(program, "connected to snmpd")) == 1 and not lines(program, "lost"), program.text()
    told = [line.partition("=")[0] for line in systemd.told if line.startswith(("RELOADING", "READY", "MONOTONIC"))]
    assert told == ["READY"] + 2 * ["RELOADING", "MONOTONIC_USEC", "READY"]
    assert program.stop() == 0


def test_reload_of_a_faulty_file(agent, tree, systemd):
    program = agent("Root %s" % tree(guests=4)[0], env=systemd.env)
    before = rig.wait_until(lambda: len(program.snmpd.names()) == 4 and program.snmpd.names(), "all are there")
    text = program.conf.read_text()
    for wrong, told in (("Intervall 3", "unknown option"), ("Root /nowhere", "check the option Root")):
        reload(program, text + wrong + "\n")
        assert lines(program, told), program.text()
        assert program.snmpd.names() == before and program.snmpd.get("kvmInterval.0") == 1
    assert len(lines(program, "the configuration is unchanged")) == 2
    program.conf.unlink()
    program.signal(signal.SIGHUP)
    rig.wait_until(lambda: len(lines(program, "the configuration is unchanged")) == 3, "it was told")
    rig.wait_until(lambda: systemd.told.count("READY=1") == 4, "it is ready")
    assert program.stop() == 0


def test_reload_another_socket_root_and_directory(agent, tree, snmpd, place):
    """There is no option that wants a restart."""
    program = agent("Root %s" % tree(guests=2)[0])
    rig.wait_until(lambda: len(program.snmpd.names()) == 2, "all are there")
    other, state = snmpd(), place("state")
    text = program.conf.read_text().replace(program.snmpd.agentx, other.agentx)
    reload(program, text + "StateDir %s\n" % state)
    rig.wait_until(lambda: len(other.names()) == 2, "the other snmpd serves")
    assert (state / "index").exists() and program.snmpd.get("kvmSampleNumber.0") is None
    reload(program, text + "StateDir none\nOidRoot 1.3.6.1.4.1.8072.9999.9999.7620\n")
    rig.wait_until(lambda: other.tool("snmpget", ".1.3.6.1.4.1.8072.9999.9999.7620.1.1.2.0", options=("-OQv",), check=False) == b"1\n",
                   "another root serves")
    assert other.get("kvmSampleNumber.0") is None and program.stop() == 0


def test_reload_while_there_is_no_snmpd(alone, tmp_path, master):
    program = alone()
    rig.wait_until(lambda: lines(program, "no snmpd at"), "it is told")
    reload(program, program.conf.read_text() + "Interval 2\n")
    master()
    rig.wait_until(lambda: lines(program, "connected to snmpd"), "it is connected")


# ---- limits ----


def without_address_space(program):
    """What became of it: its status, or None if it serves."""
    def outcome():
        return program.process.poll() is not None or lines(program, "connected to snmpd")
    rig.wait_until(outcome, "it serves or ends")
    return program.process.poll()


@pytest.mark.skipif(os.path.basename(os.environ.get("BUILD", "")) == "san", reason="the sanitizers take terabytes of address space")
def test_address_space(master, alone):
    """Whatever the limit, it works, or it says what is missing and ends; no signal does."""
    need("prlimit")
    master()
    statuses = {}
    for megabytes in [*range(8, 60, 4), *range(60, 124, 2), 200, 400]:
        program = alone(wrapper=("prlimit", "--as=%d" % (megabytes << 20)))
        statuses[megabytes] = without_address_space(program)
        assert statuses[megabytes] in (None, 1, 2, 126, 127), (megabytes, statuses, program.text())
        assert statuses[megabytes] is None or program.text(), megabytes
        assert program.stop() is not None
    assert statuses[400] is None and statuses[8] is not None, statuses
