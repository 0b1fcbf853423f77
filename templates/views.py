# SPDX-License-Identifier: MIT
"""What dashboards show, once for all of them: the panels of a fleet and of one guest. What a query looks like is up to the
source of the numbers (the classes of templates/grafana/make.py); one that lacks the numbers of a panel returns no query."""
from typing import Callable, NamedTuple

import tables

# Panels list the events of these; the sums are those of every architecture.
ARCHS = {"s390", "x86", "arm64"}
TOTALS = {"exits", "sum_exits"}
RATE, SECONDS, SHARE, NUMBER, VCPUS = "cps", "s", "percentunit", "short", "none"


class Panel(NamedTuple):
    title: str
    text: str
    unit: str
    queries: Callable
    stacked: bool = False
    width: int = 12
    kind: str = "timeseries"


def listed(wanted):
    """Names of the events of the architectures above that are counted, and that wanted(event) chooses."""
    return [event.name for event in tables.events()
            if event.cls == "cumulative" and event.unit == "count" and not event.dead and not event.reason
            and (not event.archs or ARCHS & set(event.archs)) and wanted(event)]


def members(category):
    """Names of the events whose sum is the category's total. signal_exits is not in it: s390 counts it in exit_userspace."""
    return [row[1] for row in tables.rows(tables.EVENTS) if row[0] != "alias" and category in row[6].split(",")]


def of_category(category):
    return listed(lambda event: event.category == category)


def reasons():
    """Exits by reason, each counted once."""
    return listed(lambda event: "exit" in event.name and event.category != "userspace" and event.name not in TOTALS
                  and event.parent == "-")


def judged(names):
    """Those of which it is learnt what is usual."""
    return [event.name for event in tables.events() if event.name in names and event.judge != "-"]


def totals_of_tracepoints():
    """Reasons have their tracepoint's name before their own."""
    return [event.name for event in tables.events() if event.reason and event.parent == "-"]


def fleet():
    total = lambda category: lambda source: source.by_guest(category, members(category))  # noqa: E731
    return [
        Panel("Guests", "Guests that are running and that the configuration does not leave out.", NUMBER,
              lambda source: source.of_host("guests"), width=4, kind="stat"),
        Panel("Active alarms", "Guests, and hosts, that are not as usual. docs/causes.md says of each cause what to do.", NUMBER,
              lambda source: source.of_host("alarms"), width=4, kind="stat"),
        Panel("Time of a pass", "How long reading all guests takes. It has to stay far below the interval.", SECONDS,
              lambda source: source.of_host("pass"), width=4, kind="stat"),
        Panel("Alarms", "Alarms that are active, over time: several at once are a matter of the host.", NUMBER,
              lambda source: source.of_host("alarms"), width=12),
        Panel("Alarms in words", "Each alarm that is active: guest, event, rate, what was usual, cause, and the command to run next.",
              NUMBER, lambda source: source.alarm_texts(), width=24, kind="table"),
        Panel("Exits", "Times a second that vCPUs left guest mode, of the ten guests with most.", RATE, total("exits")),
        Panel("Yields: signs of a lock or of too few CPUs",
              "vCPUs that give up their time for another one. On s390 these are DIAGNOSE 44 and 9C, on x86 directed yields.",
              RATE, total("yield")),
        Panel("vCPUs that wait for a CPU", "Ready to run, but without a CPU of the host: 1 is one vCPU that only waits."
              " collectd has it with ReportVcpus true.", VCPUS, lambda source: source.times_by_guest("wait")),
        Panel("CPUs in use", "CPU time of the vCPUs: 1 is one CPU of the host. collectd has it with ReportVcpus true.", VCPUS,
              lambda source: source.times_by_guest("time")),
        Panel("I/O", "I/O operations that the host had to handle.", RATE, total("io")),
        Panel("Interrupts delivered", "Interrupts that KVM delivered to guests.", RATE, total("interrupt")),
        Panel("Returns to the VMM", "Exits that the kernel passes on to QEMU: the expensive ones. A lower bound, but on s390.", RATE,
              total("userspace")),
        Panel("Memory", "Faults that KVM cured: on s390 only those for which the host's disk was needed.", RATE, total("memory")),
    ]


def guest():
    events = lambda names, **more: lambda source: source.by_event(names, **more)  # noqa: E731
    category = lambda name, **more: events(of_category(name), **more)  # noqa: E731
    return [
        Panel("Why does it exit?", "Exits a second by reason; the height of all is what leaving guest mode costs. docs/events.md says"
              " of each what a high rate suggests.", RATE, events(reasons()), stacked=True, width=24),
        Panel("Yields", "vCPUs that give up their time for another one, and how many are usual (dashed; collectd sends it with"
              " ReportUsual true).", RATE, category("yield", usual=True)),
        Panel("Which instructions?", "Of s390's exit_instruction: DIAGNOSE 44 and 9C are locks, SIGP signals between vCPUs,"
              " DIAGNOSE 500 is virtio.", RATE, events(listed(lambda event: event.parent == "exit_instruction")), stacked=True),
        Panel("I/O", "I/O operations that the host had to handle.", RATE, category("io", usual=True)),
        Panel("Interrupts", "Interrupts of the guest, and signals between its vCPUs.", RATE, category("interrupt")),
        Panel("Idle vCPUs", "vCPUs that sleep, and that poll for work before they sleep: polling costs CPU time of the host.", VCPUS,
              events(["halt_wait_ns", "halt_poll_success_ns", "halt_poll_fail_ns"], scale="0.000000001"), stacked=True),
        Panel("Does polling pay?", "Share of the idle waits that ended while KVM was still polling.", SHARE,
              lambda source: source.ratio("halt_successful_poll", "halt_attempted_poll")),
        Panel("Memory", "Faults, flushes and other work of the host on the guest's memory.", RATE, category("memory")),
        Panel("Returns to the VMM", "Exits that the kernel passes on to QEMU: the expensive ones.", RATE, category("userspace", usual=True)),
        Panel("CPUs in use, and vCPUs that wait for one", "1 is one CPU, or one vCPU that only waits. collectd has it with"
              " ReportVcpus true.", VCPUS, lambda source: source.times_of_guest()),
        Panel("vCPUs that wait longest for a CPU", "The five vCPUs with most. ReportVcpus true.", VCPUS,
              lambda source: source.times_by_vcpu("wait")),
        Panel("Busiest vCPUs", "The five vCPUs that use most CPU time: one alone at 1 may spin. ReportVcpus true.", VCPUS,
              lambda source: source.times_by_vcpu("time")),
        Panel("Exits by reason of the tracepoints", "Reasons for which KVM has no counter. ReportExitReasons true.", RATE,
              lambda source: source.by_reason(totals_of_tracepoints()), stacked=True),
    ]


def braces(names):
    return names[0] if len(names) == 1 else "{%s}" % ",".join(names)


class Graphite:
    """Graphite's targets. host and guest: what stands for them, a glob or a variable."""

    def __init__(self, host, guest):
        self.host, self.of_guest = "collectd.%s" % host, "collectd.%s.kvmstat-%s" % (host, guest)

    def of_host(self, what):
        path = "duration-pass" if what == "pass" else "gauge-" + what
        return [("aliasByNode(%s.kvmstat.%s, 1)" % (self.host, path), None)]

    def alarm_texts(self):
        return []

    def by_guest(self, _category, names, shown="%s"):
        """hv01.kvmstat-web01 becomes 'hv01 web01'."""
        series = shown % ("%s.kvmstat-*.derive-%s" % (self.host, braces(names)))
        return [(r"highestAverage(aliasSub(groupByNodes(%s, 'sum', 1, 2), '^([^.]+)\.kvmstat-', '\1 '), 10)" % series, None)]

    def times_by_guest(self, what):
        return self.by_guest(None, ["cpu_%s_ns" % what], "scale(%s, 0.000000001)")

    def by_event(self, names, scale=None, usual=False):
        path = "%s.derive-%s" % (self.of_guest, braces(names))
        series = "highestAverage(%s, 10)" % path
        shown = "scale(%s, %s)" % (series, scale) if scale else series
        found = [("aliasSub(aliasByNode(%s, 3), '^derive-', '')" % shown, None)]
        if usual:
            path = "%s.gauge-%s-usual" % (self.of_guest, braces(judged(names)))
            found.append((r"aliasSub(aliasByNode(highestAverage(%s, 5), 3), '^gauge-(.*)-usual$', '\1 usual')" % path, None))
        return found

    def ratio(self, part, whole):
        return [("alias(divideSeries(%s.derive-%s, %s.derive-%s), 'polls that paid')" % (self.of_guest, part, self.of_guest, whole), None)]

    def times_of_guest(self):
        return [("alias(scale(%s.derive-cpu_%s_ns, 0.000000001), '%s')" % (self.of_guest, what, shown), None)
                for what, shown in (("time", "in use"), ("wait", "waiting"))]

    def times_by_vcpu(self, what):
        return [(r"aliasSub(highestAverage(scale(%s.derive-cpu_%s_ns-vcpu*, 0.000000001), 5), '^.*-vcpu0*([0-9]+).*$', 'vCPU \1')" % (
            self.of_guest, what), None)]

    def by_reason(self, totals):
        names = braces(["%s_*" % name for name in totals])
        return [("aliasSub(aliasByNode(highestAverage(exclude(%s.derive-%s, '-vcpu'), 10), 3), '^derive-', '')" % (self.of_guest, names), None)]


class Prometheus:
    """What both ways to Prometheus share."""
    HOST, GUEST = 'instance=~"$host"', 'instance="$host"'
    RANGE = "[$__rate_interval]"

    @staticmethod
    def one_of(label, names):
        return '%s=~"%s"' % (label, "|".join(names)) if len(names) > 1 else '%s="%s"' % (label, names[0])


class Collectd(Prometheus):
    """As collectd's plugin write_prometheus serves the plugin's values."""
    OF_GUEST = Prometheus.GUEST + ',kvmstat="$guest"'

    def rate(self, labels):
        return "rate(collectd_kvmstat_derive_total{%s}%s)" % (labels, self.RANGE)

    def of_host(self, what):
        name = "collectd_kvmstat_duration_seconds" if what == "pass" else "collectd_kvmstat_gauge"
        return [('%s{%s,kvmstat="%s"}' % (name, self.HOST, what), "{{instance}}")]

    def alarm_texts(self):
        return []

    def by_guest(self, _category, names, factor=""):
        rates = self.rate("%s,%s" % (self.HOST, self.one_of("type", names)))
        return [("topk(10, sum by (instance, kvmstat) (%s)%s)" % (rates, factor), "{{instance}} {{kvmstat}}")]

    def times_by_guest(self, what):
        return self.by_guest(None, ["cpu_%s_ns" % what], " / 1e9")

    def by_event(self, names, scale=None, usual=False):
        labels = "%s,%s" % (self.OF_GUEST, self.one_of("type", names))
        found = [("topk(10, %s)%s" % (self.rate(labels), " * " + scale if scale else ""), "{{type}}")]
        if usual:
            labels = "%s,%s" % (self.OF_GUEST, self.one_of("type", [name + "-usual" for name in judged(names)]))
            found.append(("topk(5, collectd_kvmstat_gauge{%s})" % labels, "{{type}}"))
        return found

    def ratio(self, part, whole):
        of_one = lambda name: self.rate('%s,type="%s"' % (self.OF_GUEST, name))  # noqa: E731
        return [("%s / ignoring (type) %s" % (of_one(part), of_one(whole)), "polls that paid")]

    def times_of_guest(self):
        return [('%s / 1e9' % self.rate('%s,type="cpu_%s_ns"' % (self.OF_GUEST, what)), shown)
                for what, shown in (("time", "in use"), ("wait", "waiting"))]

    def times_by_vcpu(self, what):
        return [('topk(5, %s) / 1e9' % self.rate('%s,type=~"cpu_%s_ns-vcpu.*"' % (self.OF_GUEST, what)), "{{type}}")]

    def by_reason(self, totals):
        return [("topk(10, %s)" % self.rate('%s,type=~"(%s)_.*",type!~".*-vcpu.*"' % (self.OF_GUEST, "|".join(totals))), "{{type}}")]


class Snmp(Prometheus):
    """As snmp_exporter serves what the subagent has: the modules kvmstat and kvmstat_events of templates/prometheus."""
    OF_GUEST = Prometheus.GUEST + ',kvmGuestName="$guest"'
    SCALARS = {"guests": "kvmHostGuests{%s}", "alarms": "kvmAlarmsActive{%s}", "pass": "kvmSampleDuration{%s} / 1e6"}
    TIMES = {"time": "kvmGuestCpuRate", "wait": "kvmGuestWaitRate"}

    def of_host(self, what):
        return [(self.SCALARS[what] % self.HOST, "{{instance}}")]

    def alarm_texts(self):
        return [("kvmAlarmSeverity{%s} > 1" % self.HOST, "{{kvmAlarmText}}")]

    def by_guest(self, category, _names):
        return [("topk(10, kvmGuest%sRate{%s})" % (category.capitalize(), self.HOST), "{{instance}} {{kvmGuestName}}")]

    def times_by_guest(self, what):
        return [("topk(10, %s{%s}) / 1000" % (self.TIMES[what], self.HOST), "{{instance}} {{kvmGuestName}}")]

    def by_event(self, names, scale=None, usual=False):
        labels = "%s,%s" % (self.OF_GUEST, self.one_of("kvmEventName", names))
        found = [("topk(10, rate(kvmGuestEventHCCount{%s}%s))%s" % (labels, self.RANGE, " * " + scale if scale else ""), "{{kvmEventName}}")]
        if usual:
            labels = "%s,%s" % (self.OF_GUEST, self.one_of("kvmEventName", judged(names)))
            found.append(("topk(5, kvmGuestEventUsual{%s})" % labels, "{{kvmEventName}} usual"))
        return found

    def ratio(self, part, whole):
        of_one = lambda name: 'rate(kvmGuestEventHCCount{%s,kvmEventName="%s"}%s)' % (self.OF_GUEST, name, self.RANGE)  # noqa: E731
        return [("%s / ignoring (kvmEventName, kvmEventNumber) %s" % (of_one(part), of_one(whole)), "polls that paid")]

    def times_of_guest(self):
        return [("%s{%s} / 1000" % (self.TIMES[what], self.OF_GUEST), shown) for what, shown in (("time", "in use"), ("wait", "waiting"))]

    def times_by_vcpu(self, _what):
        return []

    def by_reason(self, totals):
        labels = '%s,kvmEventName=~"(%s)_.*"' % (self.OF_GUEST, "|".join(totals))
        return [("topk(10, rate(kvmGuestEventHCCount{%s}%s))" % (labels, self.RANGE), "{{kvmEventName}}")]

