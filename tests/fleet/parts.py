# SPDX-License-Identifier: MIT
"""The parts of a fleet, each a real program on loopback: hosts of files, collectd, carbon-c-relay, carbon-cache, VictoriaMetrics."""
import collections
import contextlib
import ctypes
import json
import os
import random
import socket
import threading
import time
import urllib.parse
import urllib.request

import rig

INTERVAL = 2  # seconds between passes; twice the step of whisper, so that two passes never share a slot, however late one is
PREFIX = "fleet."
QUEUE = 100000
OWN = 100  # more than the aggregator has to say of itself while quiet() waits
SYS_PIDFD_GETFD = 438  # the same number on every architecture
SO_RCVBUFFORCE = 33


class Client(rig.Collectd):
    """A host: kvmstat.so on a tree of files, network, and csv, which writes down what is sent."""
    PLUGINS = rig.Collectd.PLUGINS + ("network",)

    def __init__(self, directory, host, tree, port, options="", interval=INTERVAL, record=True):
        self.HOST, self.network_port, self.record = host, port, record  # pylint: disable=invalid-name
        # Passes at the beginning of a second: in its middle, whoever rounds may round either way.
        rig.wait_until(lambda: 0.6 < time.time() % 1 < 0.95, "the end of a second")
        super().__init__(directory, 'Source debugfs\nRoot "%s"\n%s' % (tree, options), interval=interval)

    def csv(self):
        network = 'LoadPlugin network\n<Plugin network>\nServer "127.0.0.1" "%d"\n</Plugin>\n' % self.network_port
        return (network if self.network_port else "") + (super().csv() if self.record else "")


class Aggregator(rig.Collectd):
    """Listens to the clients and writes to the relay."""
    HOST = "aggregator"
    PLUGINS = "unixsock", "write_graphite", "network"

    def __init__(self, directory, relay_port):
        self.relay_port, self.network_port = relay_port, rig.free_port()
        super().__init__(directory, interval=INTERVAL)
        self.await_socket()

    def configuration(self, plugins, options, carbon, interval):
        return "\n".join([
            self.head(plugins, interval),
            'LoadPlugin network\n<Plugin network>\nListen "127.0.0.1" "%d"\nReportStats true\n</Plugin>' % self.network_port,
            "<LoadPlugin write_graphite>\nFlushInterval 1\n</LoadPlugin>",
            '<Plugin write_graphite>\n<Node "relay">\nHost "127.0.0.1"\nPort "%d"\nPrefix "%s"\nStoreRates false' % (self.relay_port, PREFIX),
            'EscapeCharacter "_"\n</Node>\n</Plugin>', ""])

    def await_socket(self):
        rig.wait_until(self.udp_line, "the aggregator listens")

    def udp_line(self):
        """The words that /proc/net/udp has of its socket."""
        with open("/proc/net/udp", encoding="ascii") as file:
            return next((line.split() for line in file if ":%04X 00000000" % self.network_port in line), None)

    def dropped(self):
        """Packets for which there was no room in the buffer of its socket."""
        return int(self.udp_line()[-1])

    def set_buffer(self, octets):
        """Set the length of its socket's buffer, from outside: collectd has no option for it."""
        inode = self.udp_line()[9]
        number = next(int(fd) for fd in os.listdir("/proc/%d/fd" % self.pid)
                      if os.readlink("/proc/%d/fd/%s" % (self.pid, fd)) == "socket:[%s]" % inode)
        pidfd = os.pidfd_open(self.pid)
        fd = rig.LIBC.syscall(SYS_PIDFD_GETFD, pidfd, number, 0)
        os.close(pidfd)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        with socket.socket(fileno=fd) as sock:
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, octets // 2)  # the kernel doubles it

    def start_again(self):
        rig.Program.__init__(self, self.args, self.log)
        self.await_socket()


class Carbon(rig.Carbon):
    def start_again(self):
        rig.Program.__init__(self, self.args, self.log, env={"GRAPHITE_ROOT": str(self.whisper.parent.parent)})
        rig.wait_until(lambda: rig.listens(self.port), "carbon-cache listens")

    def directory(self):
        return self.whisper


class Victoria(rig.Program):
    def __init__(self, directory):
        directory.mkdir()
        self.port, self.http, self.data = rig.free_port(), rig.free_port(), directory / "data"
        super().__init__(["victoria-metrics", "-storageDataPath=%s" % self.data, "-graphiteListenAddr=127.0.0.1:%d" % self.port,
                          "-httpListenAddr=127.0.0.1:%d" % self.http, "-retentionPeriod=1d", "-loggerLevel=ERROR"], directory / "log")
        self.await_sockets()

    def await_sockets(self):
        rig.wait_until(lambda: rig.listens(self.http) and rig.listens(self.port), "VictoriaMetrics listens")

    def start_again(self):
        rig.Program.__init__(self, self.args, self.log)
        self.await_sockets()

    def directory(self):
        return self.data

    def ask(self, path, **query):
        url = "http://127.0.0.1:%d%s?%s" % (self.http, path, urllib.parse.urlencode(query))
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.read().decode()

    def rows(self):
        """How many values it has taken."""
        lines = self.ask("/metrics").splitlines()
        return next(int(line.split()[-1]) for line in lines if line.startswith('vm_rows_inserted_total{type="graphite"}'))

    def export(self):
        """(metric, [seconds], [value]) of each series."""
        self.ask("/internal/force_flush")
        for line in self.ask("/api/v1/export", **{"match[]": '{__name__=~"%s.*"}' % PREFIX.replace(".", "[.]")}).splitlines():
            series = json.loads(line)
            yield series["metric"]["__name__"], [stamp // 1000 for stamp in series["timestamps"]], series["values"]


class Relay(rig.Program):
    """carbon-c-relay: every store gets everything; what it counts goes into a file."""

    def __init__(self, directory, stores, queue=QUEUE):
        directory.mkdir()
        self.port, self.counted = rig.free_port(), directory / "counted"
        conf = directory / "relay.conf"
        conf.write_text("\n".join([
            "cluster counted file %s;" % self.counted,
            "cluster stores forward %s;" % " ".join("127.0.0.1:%d" % store.port for store in stores),
            "match * send to stores stop;", "statistics submit every 1 seconds prefix with relay send to counted stop;",
            "listen type linemode 127.0.0.1:%d proto tcp;" % self.port, ""]))
        super().__init__(["carbon-c-relay", "-f", str(conf), "-q", str(queue)], directory / "log")
        rig.wait_until(lambda: rig.listens(self.port), "the relay listens")

    def stop(self, seconds=10):
        """What it has in its queues it would take its time for; Fleet.quiet() has waited for that."""
        self.kill()

    def count(self, store, what):
        """sent, dropped, queued or stalls, of a store, as it said last."""
        name = "relay.destinations.127_0_0_1:%d.%s " % (store.port, what)
        lines = self.counted.read_text().splitlines() if self.counted.exists() else []
        return next((int(line.split()[1]) for line in reversed(lines) if line.startswith(name)), 0)


class Stirrer(threading.Thread):
    """Lets the counters of a bigtree grow, once a second, at random."""

    def __init__(self, tree):
        super().__init__(daemon=True)
        self.values, self.ended, self.random = tree / "values", threading.Event(), random.Random(1)

    def run(self):
        numbers = {path: int(path.read_text()) for path in self.values.iterdir()}
        while not self.ended.wait(1):
            for path in numbers:
                numbers[path] += self.random.randrange(2000)
                with open(path, "r+b") as file:  # in place: it has links
                    file.write(b"%d\n" % numbers[path])

    def stop(self):
        self.ended.set()
        self.join()


STORES = {"A": Carbon, "B": Carbon, "VictoriaMetrics": Victoria}


class Fleet(contextlib.ExitStack):
    """stores <- relay <- aggregator; clients are added. All are ended with it."""

    def __init__(self, place, stores=tuple(STORES), queue=QUEUE):
        super().__init__()
        self.place, self.clients, self.dropped = place, [], 0
        place.mkdir()
        try:
            self.stores = {name: self.started(STORES[name](place / name)) for name in stores}
            self.relay = self.started(Relay(place / "relay", self.stores.values(), queue))
            self.aggregator = self.started(Aggregator(place / "aggregator", self.relay.port))
        except BaseException:
            self.close()
            raise

    def started(self, part):
        self.callback(part.stop)
        return part

    def add(self, host, tree, options="", **more):
        client = Client(self.place / host, host, tree, self.aggregator.network_port, options, **more)
        self.clients.append(self.started(client))
        return client

    def __getitem__(self, name):
        return self.stores[name]

    def settle(self):
        """End the clients, then what is behind them, each when nothing comes any more. VictoriaMetrics is asked over the network: it stays."""
        for client in self.clients:
            client.stop()
        self.quiet(OWN, 2)
        self.dropped = self.aggregator.dropped()
        self.aggregator.stop()
        self.quiet(0, 1.5)
        for store in self.stores.values():
            if isinstance(store, Carbon):
                store.stop()

    def quiet(self, noise, seconds):
        """Wait until none are queued, and for so many seconds, longer than anything waits, the relay got no more values than noise."""
        seen = collections.deque([(time.monotonic(), self.taken())])

        def still():
            seen.append((time.monotonic(), self.taken()))
            while seen[-1][0] - seen[1][0] > seconds:
                seen.popleft()
            queued = sum(self.relay.count(store, "queued") for store in self.stores.values())
            return not queued and seen[-1][0] - seen[0][0] > seconds and seen[-1][1] - seen[0][1] <= noise * len(self.stores)
        rig.wait_until(still, "the relay's queues are empty and stay so")

    def taken(self):
        return sum(self.relay.count(store, what) for store in self.stores.values() for what in ("sent", "dropped"))
