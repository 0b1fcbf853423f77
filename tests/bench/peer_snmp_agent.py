# SPDX-License-Identifier: MIT
"""One column with every event of some guests, walked through one snmpd: from kvmstat-agentx, and from collectd's snmp_agent.

snmp_agent wants each column of a table in its configuration. With the guest and the event both taken for indices it
needs one column only, as KVMSTAT-MIB has it; types it looks up in a MIB, for which ours hangs at another place.
"""
import contextlib
import glob
import os
import shutil
import subprocess
import tempfile
import time

from rig import OUR_ROOT, Skip, command_of, cpu_ns, wait_for
from rows_snmp import snmpd, subagent

REPO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

ROOT = "1.3.6.1.4.1.8072.9999.9999.7622"
COLUMN = ".1.9.1.1"
PLUGINS = ("logfile", "match_regex", "snmp_agent")
ADDED = "Data added to table"
SECONDS = 3
# Values without a guest, as every plugin has some, would take another row's name.
COLLECTD = """Hostname "bench"
FQDNLookup false
BaseDir "{home}"
PIDFile "{home}/pid"
PluginDir "{home}"
Interval 10
LoadPlugin logfile
<Plugin logfile>
  LogLevel warning
  File "{home}/log"
</Plugin>
LoadPlugin match_regex
LoadPlugin kvmstat
<Plugin kvmstat>
  Root "{tree}"
  Source "debugfs"
  SkipNeverSeen false
  Pace 0
</Plugin>
LoadPlugin snmp_agent
<Plugin snmp_agent>
  <Table "kvm">
    <Data "guest">
      <IndexKey>
        Source "PluginInstance"
      </IndexKey>
      Plugin "kvmstat"
      OIDs "KVMSTAT-MIB::kvmGuestName"
    </Data>
    <Data "event">
      <IndexKey>
        Source "TypeInstance"
      </IndexKey>
      Plugin "kvmstat"
      OIDs "KVMSTAT-MIB::kvmEventName"
    </Data>
    <Data "value">
      Plugin "kvmstat"
      Type "derive"
      OIDs "KVMSTAT-MIB::kvmGuestEventHCCount"
    </Data>
  </Table>
</Plugin>
PostCacheChain "PostCache"
<Chain "PostCache">
  <Rule "own">
    <Match "regex">
      PluginInstance "^$"
    </Match>
    Target "stop"
  </Rule>
  Target "write"
</Chain>
"""


# Where the IETF's modules may be.
MIBS = ("/usr/lib/erlang/lib/snmp-*/mibs", "/usr/share/snmp/mibs", "/usr/share/snmp/mibs/ietf")


def base_mibs():
    found = [os.path.dirname(path) for pattern in MIBS for path in glob.glob(pattern + "/SNMPv2-CONF*")]
    if not found:
        raise Skip("the IETF's MIB modules are missing (Debian: erlang-snmp)")
    return found[0]


def write_mib(home):
    with open(home + "/KVMSTAT-MIB", "w", encoding="ascii") as out:
        subprocess.run(["awk", "-v", "root=" + ROOT, "-f", REPO + "/scripts/mib.awk", REPO + "/mibs/KVMSTAT-MIB.txt.in"], stdout=out,
                       check=True)


@contextlib.contextmanager
def collectd(bench, agentx, tree):
    """The process, and the file where it logs what it registers."""
    program, home = command_of("collectd", "collectd-core"), tempfile.mkdtemp(dir=bench.tmp)
    shutil.copy(bench.program("kvmstat.so"), home)  # of links it takes none
    for name in PLUGINS:
        library = "/usr/lib/collectd/%s.so" % name
        if not os.path.exists(library):
            raise Skip("%s is missing (Debian: collectd-core)" % library)
        shutil.copy(library, home)
    write_mib(home)
    for name, text in (("conf", COLLECTD.format(home=home, tree=tree)), ("snmp_agent.conf", "agentXSocket %s\n" % agentx)):
        with open(os.path.join(home, name), "w", encoding="ascii") as file:
            file.write(text)
    env = dict(os.environ, SNMPCONFPATH=home, SNMP_PERSISTENT_DIR=home + "/state", MIBS="KVMSTAT-MIB", MIBDIRS=base_mibs() + ":" + home)
    with bench.process(program, "-f", "-C", home + "/conf", env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        yield process, home + "/log"


def spent(pids):
    return sum(map(cpu_ns, pids)) / 1e9


def walk(peer, root, pids):
    """CPU seconds of these, seconds on the clock, values."""
    before, begun = spent(pids), time.monotonic()
    done = subprocess.run([command_of("snmpbulkwalk", "snmp"), "-v2c", "-c", "public", "-Cr96", "-On", "-t", "30", peer, root + COLUMN],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return spent(pids) - before, time.monotonic() - begun, sum(": " in line for line in done.stdout.splitlines())


def added(log):
    with contextlib.suppress(OSError), open(log, encoding="utf-8") as file:
        return file.read().count(ADDED)
    return 0


def ours_and_theirs(bench, guests):
    """(CPU of our walk, its values), (CPU of the other one beyond what it takes anyhow, its values), CPU to register, share of a CPU when idle"""
    tree = bench.tree(guests)
    with snmpd(bench, []) as (master, peer, agentx):
        with subagent(bench, agentx, tree) as process:
            cpu, _, values = walk(peer, OUR_ROOT, [master.pid, process.pid])
            ours = cpu, values
        before = spent([master.pid])
        with collectd(bench, agentx, tree) as (process, log):
            pids = [master.pid, process.pid]
            wait_for("snmp_agent", lambda: added(log) >= values, 60)
            register = spent(pids) - before
            idle = spent(pids)
            time.sleep(SECONDS)
            idle = (spent(pids) - idle) / SECONDS
            cpu, wall, values = walk(peer, ROOT, pids)
            process.kill()  # it ends slowly, or never: row by row
    if not ours[1] or values != ours[1]:
        raise Skip("snmp_agent showed %d values, not %d" % (values, ours[1]))
    return ours, (cpu - idle * wall, values), register, idle
