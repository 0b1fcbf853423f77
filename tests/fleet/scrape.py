# SPDX-License-Identifier: MIT
"""Hosts of files, each with a snmpd and a subagent, all of them scraped by Prometheus' snmp_exporter; Net-SNMP's walk says what is right."""
import collections
import pathlib
import re
import subprocess
import time
import urllib.request

import costs
import maketree
import rig
import snmp

MODULES = pathlib.Path(rig.built("templates/prometheus"))
HOSTS, GUESTS, SCRAPES = 3, 20, 10
SCALARS_SCRAPED = "kvmInterval kvmHostGuests kvmHostVcpus kvmHostCpus kvmHostEvents".split()
COLUMNS_SCRAPED = ["kvmGuestVcpus", "kvmGuestMemory"] + [
    "kvmGuest%sCount" % category for category in "Exits Io Idle Instruction Interrupt Yield Memory Userspace".split()]

Row = collections.namedtuple("Row", "name values seconds exporter snmpd agent broken")
COLUMNS = ["host", "values", "other than a walk says", "a scrape takes", "CPU: exporter", "snmpd", "kvmstat-agentx"]


def cells(row):
    return [row.name, str(row.values), str(len(row.broken)), "%.0f ms" % (1e3 * row.seconds),
            *("%.1f ms" % (1e3 * part) for part in (row.exporter, row.snmpd, row.agent))]


def config():
    """The file for the exporter that is installed."""
    done = subprocess.run(["prometheus-snmp-exporter", "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"version (\d+)\.(\d+)", done.stdout + done.stderr)
    return MODULES / ("snmp-0.22.yml" if tuple(map(int, version.groups())) < (0, 23) else "snmp.yml")


class Exporter(rig.Program):
    def __init__(self, directory):
        self.port = rig.free_port()
        super().__init__(["prometheus-snmp-exporter", "--config.file=%s" % config(), "--web.listen-address=127.0.0.1:%d" % self.port],
                         directory / "exporter.log")
        rig.wait_until(lambda: rig.listens(self.port), "snmp_exporter listens")

    def scrape(self, snmpd):
        url = "http://127.0.0.1:%d/snmp?module=kvmstat&target=127.0.0.1:%d" % (self.port, snmpd.port)
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.read().decode()


def scraped(text, column):
    found = re.findall(r'^%s\{kvmGuestIndex="(\d+)",kvmGuestName="([^"]*)"\} (\S+)' % column, text, re.M)
    return {(int(index), name): float(value) for index, name, value in found}


def scalar(text, name):
    found = re.search(r"^%s (\S+)$" % name, text, re.M)
    return float(found.group(1)) if found else None


def stale(text):
    """Not told how old the sample is, or it is older than it may be while the collector works."""
    age, interval = scalar(text, "kvmSampleAge"), scalar(text, "kvmInterval")
    return age is None or not interval or age / 100 > 3 * interval


def wanted(snmpd, column):
    names = {index: name.decode() for index, name in snmpd.names().items()}
    return {(index[0], names[index[0]]): value for index, value in snmpd.numbers(column).items()}


def compare(name, text, snmpd):
    """(number of values, what differs)"""
    values, broken = 0, []
    for column in COLUMNS_SCRAPED:
        right = wanted(snmpd, column)
        values += len(right)
        if not right or scraped(text, column) != right:
            broken.append("%s of %s is not what a walk says" % (column, name))
    for number in SCALARS_SCRAPED:
        if scalar(text, number) != snmpd.get(number + ".0"):
            broken.append("%s of %s is not what a GET says" % (number, name))
    if stale(text):
        broken.append("kvmSampleAge of %s does not show a fresh sample" % name)
    return values, broken


def host(run, number):
    """A snmpd and the subagent of a host."""
    place = run.place / ("snmp%d" % number)
    place.mkdir()
    maketree.make_tree(str(place / "tree"), guests=GUESTS, seed=number + 1)
    snmpd = run.started(snmp.Snmpd(place / "snmpd"))
    return snmpd, run.started(snmp.Agent(place / "agent", snmpd, "Source debugfs\nRoot %s" % (place / "tree")))


def start(run):
    """All of them live while each is scraped."""
    return run.started(Exporter(run.place)), [host(run, number) for number in range(HOSTS)]


def row_of(run, number):
    exporter, hosts = run.once("scraped", start)
    snmpd, agent = hosts[number]
    pids = [part.pid for part in (exporter, snmpd, agent)]
    before, began = [costs.cpu_seconds(pid) for pid in pids], time.monotonic()
    for _ in range(SCRAPES):
        text = exporter.scrape(snmpd)
    seconds = time.monotonic() - began
    spent = [(costs.cpu_seconds(pid) - old) / SCRAPES for pid, old in zip(pids, before)]
    name = "host%d, %d guests" % (number, GUESTS)
    values, broken = compare(name, text, snmpd)
    return Row(name, values, seconds / SCRAPES, *spent, broken)


ROWS = [("scrape of host %d" % number, lambda run, number=number: row_of(run, number)) for number in range(HOSTS)]
