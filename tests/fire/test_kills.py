# SPDX-License-Identifier: MIT
"""snmpd is killed while the subagent registers: after any of its replies, arrived or not."""
import concurrent.futures
import os
import queue
import random
import shutil
import socket
import threading
import time

import agentx
import maketree
import pytest
import rig
from conftest import times

REPLIES = agentx.TABLES + 2  # to the open, each table, and the row of sysORTable


class Gate:
    """Between a subagent and its snmpd: lets so many replies pass, then has snmpd killed."""

    def __init__(self, path, behind):
        self.behind, self.left, self.kill = behind, None, None
        self.killed, self.passed = threading.Event(), threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            subagent, _ = self.listener.accept()
            snmpd = socket.socket(socket.AF_UNIX)
            try:
                snmpd.connect(self.behind)
            except OSError:
                subagent.close()
                snmpd.close()
                continue
            for work in (self.requests, self.replies):
                threading.Thread(target=work, args=(subagent, snmpd), daemon=True).start()

    @staticmethod
    def shut(*sockets):
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def requests(self, subagent, snmpd):
        try:
            while data := subagent.recv(65536):
                snmpd.sendall(data)
        except OSError:
            pass
        self.shut(subagent, snmpd)

    def replies(self, subagent, snmpd):
        count = 0
        try:
            while True:
                head = agentx.Master.read(snmpd, agentx.HEADER.size)
                payload = agentx.Master.read(snmpd, agentx.HEADER.unpack(head)[-1])
                count += 1
                last = count == self.left
                if not last or self.arrives:
                    subagent.sendall(head + payload)
                if last:
                    self.kill()
                    self.killed.set()
                if count == REPLIES:
                    self.passed.set()
        except OSError:
            pass
        self.shut(subagent, snmpd)
        subagent.close()
        snmpd.close()

    def set(self, kill, left, arrives):
        self.kill, self.left, self.arrives = kill, left, arrives
        self.killed.clear()
        self.passed.clear()


class Pair:
    """A snmpd and a subagent; the one is killed again and again, the other is to live."""

    def __init__(self, directory, root, seed, wrapper):
        directory.mkdir()
        self.directory, self.random = directory, random.Random(seed)
        (directory / "snmpd.conf").write_text("master agentx\nagentXSocket %s\nagentAddress unix:%s\n" % (
            directory / "agentx", directory / "snmp"))
        conf = directory / "kvmstat-agentx.conf"
        conf.write_text("AgentXSocket %s\nStateDir none\nInterval 1\nPingInterval 1\nRoot %s\n" % (directory / "gate", root))
        self.gate = Gate(str(directory / "gate"), str(directory / "agentx"))
        self.agent = rig.Program([*wrapper, rig.built("kvmstat-agentx"), "-c", str(conf)], directory / "agent.log")

    def snmpd(self):
        env = {"SNMPCONFPATH": str(self.directory), "SNMP_PERSISTENT_DIR": str(self.directory / "state"), "MIBS": ""}
        return rig.Program(["snmpd", "-f", "-Lo", "-C", "-c", str(self.directory / "snmpd.conf"), "-I", "-smux,mteTrigger,mteTriggerConf"],
                           self.directory / "snmpd.log", env=env)

    def kill_once(self):
        begun = queue.SimpleQueue()
        self.gate.set(lambda: os.kill(begun.get().pid, 9), self.random.randint(1, REPLIES - 1), self.random.random() < 0.5)
        snmpd = self.snmpd()
        begun.put(snmpd)
        assert self.gate.killed.wait(60), self.agent.text()[-4000:]
        snmpd.kill()
        assert self.agent.process.poll() is None, self.agent.text()[-4000:]

    def run(self, rounds):
        """The snmpd after those that were killed is served all the same."""
        for _ in range(rounds):
            self.kill_once()
        self.gate.set(None, None, True)
        snmpd = self.snmpd()
        assert self.gate.passed.wait(60), self.agent.text()[-4000:]
        rig.wait_until(lambda: "connected to snmpd at" in self.agent.text(), "it is registered")
        assert self.agent.stop() == 0, self.agent.text()[-4000:]
        snmpd.kill()


def kill(tmp_path, rounds, pairs, wrapper=()):
    root = tmp_path / "root"
    maketree.make_tree(str(root), "s390x-6.12", guests=2)
    began = time.monotonic()
    made = [Pair(tmp_path / str(i), root, i, wrapper) for i in range(pairs)]
    with concurrent.futures.ThreadPoolExecutor(pairs) as pool:
        list(pool.map(lambda pair: pair.run(rounds), made))
    print("\n%d kills of snmpd amid registration in %d s%s" % (rounds * pairs, time.monotonic() - began,
                                                             ", under " + wrapper[0] if wrapper else ""))


def test_snmpd_is_killed_amid_registration(tmp_path):
    if not shutil.which("snmpd"):
        pytest.skip("no snmpd (Debian: snmpd)")
    kill(tmp_path, times(2, 50), times(3, 10))


if os.path.basename(rig.BUILD) != "san":
    # The sanitizers and valgrind do not go together.
    def test_the_same_under_valgrind(tmp_path):
        if not shutil.which("valgrind") or not shutil.which("snmpd"):
            pytest.skip("no valgrind or no snmpd (Debian: valgrind, snmpd)")
        kill(tmp_path, times(1, 10), 2, ("valgrind", "-q", "--error-exitcode=9"))
