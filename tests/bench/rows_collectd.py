# SPDX-License-Identifier: MIT
"""Rows of the collectd plugin: a read in a fake daemon, and whole daemons."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from rig import MB, Row, Skip, command_of, comparisons, cpu_ns, free_port, guests, memory_of, need_root


def plugin_read(bench, values):
    """Guests of a host of files would cost more to read than to send: these are real."""
    program, plugin = bench.program("tests/bench/plugin"), bench.program("kvmstat.so")
    need_root()
    with guests(bench, 1, 1):
        each = len(core_shape(bench)[1])
    with guests(bench, values // each, 1):
        yield from comparisons(bench.records(program, str(bench.seconds), plugin, "bpf", "/"), 1.5, "wall")


def core_shape(bench):
    """(guests, [(kind, name) of each value]) of this host."""
    done = subprocess.run([bench.program("tests/bench/memory"), "bpf", "/"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          check=True)
    shown = json.loads(done.stdout)
    return shown["guests"], shown["events"]


def plugin_memory(bench):
    program, plugin = bench.program("tests/bench/plugin"), bench.program("kvmstat.so")
    tree = bench.tree(1000, 8)
    found = []
    for seconds in "idle", "memory":
        with subprocess.Popen([program, seconds, plugin, "debugfs", tree], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as process:
            process.stdout.readline()
            found.append(memory_of(process.pid))
            process.stdin.close()
    yield Row("memory, 1,000 guests with 8 vCPUs: kvmstat.so, private, beyond that of a daemon with it and no guest", "bytes",
              found[1][1] - found[0][1], None, 24 * MB, "number")


# ---- whole daemons ----

COLLECTD = """Hostname "bench"
FQDNLookup false
BaseDir "{home}"
PIDFile "{home}/pid"
PluginDir "{home}/plugins"
Interval 1
WriteThreads 1
LoadPlugin kvmfloor
LoadPlugin {plugin}
<Plugin kvmfloor>
  Guests {guests}
{events}
</Plugin>
<Plugin kvmstat>
  Guest "bench"
  Source "bpf"
  SkipNeverSeen false
  Pace 0
  MaxValues 1000000
</Plugin>
{sink}
"""
GRAPHITE = """LoadPlugin write_graphite
<Plugin write_graphite>
  <Node "bench">
    Host "127.0.0.1"
    Port "{port}"
    Protocol "tcp"
    LogSendErrors false
  </Node>
</Plugin>
"""
CSV = """LoadPlugin csv
<Plugin csv>
  DataDir "{home}/csv"
  StoreRates true
</Plugin>
"""
NETWORK = """LoadPlugin network
<Plugin network>
  Server "127.0.0.1" "{port}"
</Plugin>
"""
SINKS = {"write_graphite": GRAPHITE, "csv": CSV, "network": NETWORK}


def throw_away(server):
    """Take every connection, and read until it ends."""
    def read(connection):
        with contextlib.suppress(OSError):
            while connection.recv(1 << 16):
                pass
    with contextlib.suppress(OSError):
        while True:
            threading.Thread(target=read, args=(server.accept()[0],), daemon=True).start()


@contextlib.contextmanager
def carbon_sink():
    """The port of a server that reads and forgets."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        threading.Thread(target=throw_away, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def daemon(bench, plugin, shape, sink, port):
    program = command_of("collectd", "collectd-core")
    home = tempfile.mkdtemp(dir=bench.tmp)
    os.mkdir(home + "/plugins")
    for path in bench.program("kvmstat.so"), bench.program("tests/bench/kvmfloor.so"):
        shutil.copy(path, home + "/plugins")
    for path in SINKS:
        library = "/usr/lib/collectd/%s.so" % path
        if sink == path and not os.path.exists(library):
            raise Skip("%s is missing (Debian: collectd-core)" % library)
        if os.path.exists(library):
            shutil.copy(library, home + "/plugins")
    events = "\n".join('  %s "%s"' % tuple(event) for event in shape[1])
    with open(home + "/conf", "w", encoding="ascii") as file:
        file.write(COLLECTD.format(home=home, plugin=plugin, guests=shape[0], events=events,
                                   sink=SINKS.get(sink, "").format(home=home, port=port)))
    return bench.process(program, "-f", "-C", home + "/conf", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def whole_daemon(bench, sink):
    """Two daemons at the same time, so that both meet the same machine."""
    need_root()
    seconds = max(8, int(2 * bench.seconds))
    number = 200
    with guests(bench, number, 2, 1, ["-name", "guest=bench"]), contextlib.ExitStack() as stack:
        shape = number, core_shape(bench)[1]
        port = stack.enter_context(carbon_sink()) if sink == "write_graphite" else free_port()
        ours = stack.enter_context(daemon(bench, "kvmstat", (0, []), sink, port))
        floor = stack.enter_context(daemon(bench, "kvmfloor", shape, sink, port))
        time.sleep(3.5)
        before = cpu_ns(ours.pid), cpu_ns(floor.pid)
        time.sleep(seconds)
        after = cpu_ns(ours.pid), cpu_ns(floor.pid)
        if ours.poll() is not None or floor.poll() is not None:
            raise Skip("collectd did not start")
    spent = [(end - begin) / seconds for begin, end in zip(before, after)]
    writer = sink or "a writer that throws away"
    yield Row("collectd and %s, %d values, each read" % (writer, shape[0] * len(shape[1])), "pass", (None, spent[0]), (None, spent[1]), 1.2)


ROWS = [
    ("plugin read, 20,000 values", lambda bench: plugin_read(bench, 20000)),
    ("plugin read, 100,000 values", lambda bench: plugin_read(bench, 100000)),
    ("whole collectd", lambda bench: whole_daemon(bench, "")),
    ("whole collectd, write_graphite", lambda bench: whole_daemon(bench, "write_graphite")),
    ("whole collectd, csv", lambda bench: whole_daemon(bench, "csv")),
    ("whole collectd, network", lambda bench: whole_daemon(bench, "network")),
    ("memory of the plugin", plugin_memory),
]
