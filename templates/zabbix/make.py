# SPDX-License-Identifier: MIT
"""Templates of Zabbix 6.0: guests, problems and alarms; alarms by trap; the events of each architecture."""
import hashlib
import re

import tables
import yaml_text

GUESTS, TRAPS, EVENTS = "KVM guests by SNMP", "KVM alarms by SNMP trap", "KVM events %s by SNMP"
GROUP = "Templates/Virtualization"
GROUP_UUID = "02e4df4f20b848e79267641790f241da"     # Zabbix' own
COLORS = ["1A7C11", "2774A4", "F63100", "A54F10", "FC6EA3", "6C59DC", "AC8C14", "611F27", "F230E0", "5CCD18"]
PRIORITIES = {"critical": "HIGH", "major": "AVERAGE", "minor": "WARNING", "warning": "WARNING", "indeterminate": "WARNING"}
DISCARD = {"type": "CHECK_NOT_SUPPORTED", "parameters": [""], "error_handler": "DISCARD_VALUE"}
DAILY = {"type": "DISCARD_UNCHANGED_HEARTBEAT", "parameters": ["1d"]}
# Object, key, name. What follows: what differs from what the MIB's UNITS and SYNTAX make of it.
SCALARS = [
    ("kvmVersion", "kvm.version", "Version of kvmstat-agentx", {"delay": "1h", "trends": "0"}),
    ("kvmInterval", "kvm.interval", "Time between two samples", {"delay": "1h"}),
    ("kvmSampleAge", "kvm.sample.age", "Age of the sample", {}),
    ("kvmErrors", "kvm.errors", "Errors since the last poll", {}),
    ("kvmHostGuests", "kvm.host.guests", "Guests", {}),
    ("kvmHostVcpus", "kvm.host.vcpus", "vCPUs of all guests", {}),
    ("kvmHostCpus", "kvm.host.cpus", "CPUs of the host", {"delay": "10m"}),
    ("kvmHostLockdown", "kvm.host.lockdown", "Lockdown of the kernel", {"delay": "1h"}),
    ("kvmAlarmsActive", "kvm.alarms.active", "Guests that are not as usual", {}),
    ("kvmAlarmsRaised", "kvm.alarms.raised", "Alarms since the last poll", {}),
    ("kvmAlarmsSuppressed", "kvm.alarms.suppressed", "Alarms without a trap since the last poll", {}),
]
ACTIVITY = ["Exits", "Io", "Idle", "Instruction", "Interrupt", "Yield", "Memory", "Userspace"]
GUEST = [("kvmGuest%sRate" % name, "kvm.guest.%s" % name.lower(), "{#GUEST}: %s per second" % text, {}) for name, text in zip(
    ACTIVITY, ["exits", "I/O", "times idle", "instructions", "interrupts", "yields", "work on memory", "returns to the VMM"])] + [
    ("kvmGuestCpuRate", "kvm.guest.cpu", "{#GUEST}: CPU used", {"percent": True}),
    ("kvmGuestWaitRate", "kvm.guest.wait", "{#GUEST}: wait for a CPU, all vCPUs", {"percent": True}),
    ("kvmGuestVcpus", "kvm.guest.vcpus", "{#GUEST}: vCPUs", {"delay": "10m"}),
    ("kvmGuestMemory", "kvm.guest.ram", "{#GUEST}: memory it was started with", {"delay": "1h"}),
    ("kvmGuestLearnt", "kvm.guest.learnt", "{#GUEST}: days of which it is known what is usual", {"delay": "1h"}),
]
PROBLEM = [
    ("kvmProblemActive", "kvm.problem.active", "Problem {#PROBLEM}", {}),
    ("kvmProblemText", "kvm.problem.text", "Problem {#PROBLEM}: what to do", {"trends": "0", "daily": True}),
]
SOURCE = [("kvmSourceState", "kvm.source.state", "Source {#SOURCE}", {"delay": "10m"})]
ALARM = [
    ("kvmAlarmSeverity", "kvm.alarm.severity", "Alarm {#SNMPINDEX}: severity", {}),
    ("kvmAlarmText", "kvm.alarm.text", "Alarm {#SNMPINDEX}: what", {"trends": "0", "daily": True}),
]
SINCE_LAST_POLL = {"errors", "alarms", "notifications"}
NAMED = "macro {$KVM.GUEST.MATCHES} chooses guests, {$KVM.GUEST.NOT_MATCHES} leaves some out."
MACROS = [
    ("{$KVM.GUEST.MATCHES}", ".*", "Guests that are watched, by their names."),
    ("{$KVM.GUEST.NOT_MATCHES}", "^CHANGE_IF_NEEDED$", "Guests that are not."),
]
WAIT_MAX = ("{$KVM.WAIT.MAX}", "20", "Percent of the time that a vCPU may wait for a CPU; {$KVM.WAIT.MAX:\"GUEST\"} for one guest.")


def uuid(*seed):
    """The same for ever, whatever the root: a UUID of version 4 in its form."""
    digits = hashlib.sha256("/".join(("kvmstat zabbix",) + seed).encode()).hexdigest()
    return digits[:12] + "4" + digits[13:16] + "89ab"[int(digits[16], 16) % 4] + digits[17:32]


def number(value):
    return "%.9f" % value if value < 0.001 else "%g" % value if value < 1e6 else str(value)


def scaled(found, options):
    """Units and steps for a number with these UNITS."""
    if options.get("percent"):
        return "%", [("MULTIPLIER", "0.1")]
    if found.units in SINCE_LAST_POLL and found.syntax.startswith("Counter"):
        return "", [("SIMPLE_CHANGE", "")]
    if found.units == "per second":
        return "/s", []
    factor, units = tables.SCALES.get(found.units, (1, ""))
    return units, [("MULTIPLIER", number(factor).rstrip("0"))] if factor < 1 else [("MULTIPLIER", str(factor))] if factor > 1 else []


def item(template, mib, row, index=""):
    """An item, or with an index an item prototype."""
    name, key, title, options = row
    found = mib[name]
    key += "[{#SNMPINDEX}]" if index else ""
    units, steps = scaled(found, options)
    made = {"uuid": uuid(template, "item", key), "name": title, "type": "SNMP_AGENT", "snmp_oid": "%s.%s" % (found.oid, index or "0"), "key": key}
    if "delay" in options:
        made["delay"] = options["delay"]
    if "trends" in options:
        made["trends"] = "0"
        made["value_type"] = "CHAR" if name == "kvmVersion" else "TEXT"
    elif any(step == "MULTIPLIER" and float(value) < 1 for step, value in steps):
        made["value_type"] = "FLOAT"
    if units:
        made["units"] = units
    made["description"] = found.text
    if found.values or found.syntax == "TruthValue":
        made["valuemap"] = {"name": found.name}
    every = [DISCARD] if index else []
    every += [{"type": step, "parameters": [value]} for step, value in steps]
    if options.get("daily") or name == "kvmVersion":
        every.append(DAILY)
    if every:
        made["preprocessing"] = every
    made["tags"] = [{"tag": "component", "value": key.split(".")[1].split("[")[0]}]
    if "{#GUEST}" in title:
        made["tags"].append({"tag": "guest", "value": "{#GUEST}"})
    return made


def trigger(template, identity, expression, name, priority, description, **more):
    return {"uuid": uuid(template, "trigger", identity), "expression": expression, **{key: value for key, value in more.items() if key.startswith("reco")},
            "name": name, **{key: value for key, value in more.items() if key in ("event_name", "opdata")}, "priority": priority,
            "description": description, **{key: value for key, value in more.items() if key in ("manual_close", "tags")}}


def conditions(*rows):
    """Filter of a discovery: (macro, expression, operator)."""
    return {"evaltype": "AND", "conditions": [
        {"macro": macro, "value": value, **({"operator": operator} if operator else {}), "formulaid": "ABCD"[place]}
        for place, (macro, value, operator) in enumerate(rows)]}


GUEST_FILTER = conditions(("{#GUEST}", "{$KVM.GUEST.MATCHES}", ""), ("{#GUEST}", "{$KVM.GUEST.NOT_MATCHES}", "NOT_MATCHES_REGEX"))


def rule(template, mib, key, name, macros, description, delay, items, lifetime="7d", **more):
    """A discovery; macros: {macro: column}."""
    oids = ",".join("%s,%s" % (macro, mib[column].oid) for macro, column in macros.items())
    return {"uuid": uuid(template, "rule", key), "name": name, "type": "SNMP_AGENT", "snmp_oid": "discovery[%s]" % oids, "key": key, "delay": delay,
            **{key: more[key] for key in ("filter",) if key in more}, "lifetime": lifetime, "description": description, "item_prototypes": items,
            **{key: more[key] for key in ("trigger_prototypes", "graph_prototypes") if more.get(key)}}


def graph(template, name, keys, stacked=True):
    return {"uuid": uuid(template, "graph", name), "name": name, **({"type": "STACKED"} if stacked else {}), "graph_items": [
        {"sortorder": str(place), **({} if stacked else {"drawtype": "BOLD_LINE"}), "color": COLORS[place % len(COLORS)],
         "item": {"host": template, "key": key + "[{#SNMPINDEX}]"}} for place, key in enumerate(keys)]}


def guest_rule(mib):
    of = lambda key: "/%s/%s[{#SNMPINDEX}]" % (GUESTS, key)     # noqa: E731
    return rule(
        GUESTS, mib, "kvm.guests", "Guests", {"{#GUEST}": "kvmGuestName", "{#UUID}": "kvmGuestUUID", "{#VMM}": "kvmGuestVmm"},
        "By kvmGuestIndex, which a guest keeps for ever: " + NAMED, "5m", [item(GUESTS, mib, row, "{#SNMPINDEX}") for row in GUEST],
        filter=GUEST_FILTER,
        trigger_prototypes=[trigger(
            GUESTS, "wait", "min(%s,15m)/last(%s)>{$KVM.WAIT.MAX:\"{#GUEST}\"}" % (of("kvm.guest.wait"), of("kvm.guest.vcpus")),
            "{#GUEST} waits for a CPU of the host", "WARNING", "Its vCPUs are ready to run and get no CPU: for 15 minutes more of the time than the macro allows.",
            opdata="{ITEM.LASTVALUE1} of a CPU, {ITEM.LASTVALUE2} vCPUs", tags=[{"tag": "scope", "value": "performance"}, {"tag": "guest", "value": "{#GUEST}"}])],
        graph_prototypes=[
            graph(GUESTS, "{#GUEST}: what it does, per second", ["kvm.guest.%s" % name.lower() for name in ACTIVITY if name != "Exits"]),
            graph(GUESTS, "{#GUEST}: CPU used, and waited for", ["kvm.guest.cpu", "kvm.guest.wait"], stacked=False)])


def problem_rule(mib):
    of = lambda key: "/%s/%s[{#SNMPINDEX}]" % (GUESTS, key)     # noqa: E731
    return rule(
        GUESTS, mib, "kvm.problems", "Problems", {"{#PROBLEM}": "kvmProblemName"}, "What can go wrong with reading statistics.", "1h",
        [item(GUESTS, mib, row, "{#SNMPINDEX}") for row in PROBLEM],
        trigger_prototypes=[trigger(
            GUESTS, "problem", "max(%s,15m)=1 and length(last(%s))>=0" % (of("kvm.problem.active"), of("kvm.problem.text")),
            "KVM statistics: {#PROBLEM}", "INFO", "Something prevents values. The text says what, and what to do; so does kvmstat doctor on the host.",
            opdata="{ITEM.LASTVALUE2}", tags=[{"tag": "scope", "value": "notice"}])])


def source_rule(mib):
    return rule(GUESTS, mib, "kvm.sources", "Sources", {"{#SOURCE}": "kvmSourceName"}, "The ways to read statistics, and what stands in their way.", "1h",
                [item(GUESTS, mib, row, "{#SNMPINDEX}") for row in SOURCE])


def alarm_rule(mib):
    """Only active alarms are found; one that is cleared keeps its row for a day, which resolves its problem."""
    values = mib["kvmAlarmSeverity"].values
    last = "last(/%s/kvm.alarm.severity[{#SNMPINDEX}])" % GUESTS
    triggers = []
    for priority in dict.fromkeys(PRIORITIES.values()):
        words = [word for word in values if PRIORITIES.get(word) == priority]
        triggers.append(trigger(
            GUESTS, "alarm " + priority, " or ".join("%s=%d" % (last, values[word]) for word in words), "{#ALARMGUEST} is not as usual (alarm {#SNMPINDEX})",
            priority, "docs/causes.md says what each cause means and what to do.", event_name="{#ALARMTEXT}", manual_close="YES",
            tags=[{"tag": "scope", "value": "performance"}, {"tag": "guest", "value": "{#ALARMGUEST}"}]))
    return rule(
        GUESTS, mib, "kvm.alarms", "Alarms", {"{#ALARMGUEST}": "kvmAlarmGuestName", "{#ALARMTEXT}": "kvmAlarmText", "{#SEVERITY}": "kvmAlarmSeverity"},
        "Guests that are not as usual. Disable it where the template '%s' is in use, or each alarm is two problems." % TRAPS, "1m",
        [item(GUESTS, mib, row, "{#SNMPINDEX}") for row in ALARM], lifetime="1d",
        filter=conditions(("{#SEVERITY}", "^%d$" % values["cleared"], "NOT_MATCHES_REGEX")), trigger_prototypes=triggers)


def host_items(mib):
    items = {row[1]: item(GUESTS, mib, row) for row in SCALARS}
    age = "/%s/kvm.sample.age" % GUESTS
    items["kvm.sample.age"]["triggers"] = [
        trigger(GUESTS, "silent", "nodata(%s,10m)=1" % age, "No KVM statistics for 10 minutes", "WARNING",
                "snmpd does not answer, kvmstat-agentx does not run, or the view does not include KVMSTAT-MIB.", tags=[{"tag": "scope", "value": "availability"}]),
        trigger(GUESTS, "old", "min(%s,3m)>3*last(/%s/kvm.interval)" % (age, GUESTS), "KVM statistics are old", "WARNING",
                "kvmstat-agentx answers, but gets no sample done. Look at its log.", opdata="{ITEM.LASTVALUE1}", tags=[{"tag": "scope", "value": "availability"}])]
    return list(items.values())


def valuemap(template, found):
    values = found.values or {"true": 1, "false": 2}
    return {"uuid": uuid(template, "valuemap", found.name), "name": found.name,
            "mappings": [{"value": str(value), "newvalue": word} for word, value in values.items()]}


def field(kind, name, value):
    return {"type": kind, "name": name, "value": value}


def dashboard(template, name, graphs):
    return {"uuid": uuid(template, "dashboard", name), "name": name, "pages": [{"widgets": [
        {"type": "GRAPH_PROTOTYPE", **({"y": str(9 * place)} if place else {}), "width": "24", "height": "9", "fields": [
            field("INTEGER", "source_type", "2"), field("INTEGER", "columns", "2"), field("INTEGER", "rows", "2"),
            field("GRAPH_PROTOTYPE", "graphid", {"host": template, "name": graph})]} for place, graph in enumerate(graphs)]}]}


def macros(*rows):
    return [{"macro": macro, "value": value, "description": text} for macro, value, text in rows]


def template(name, description, **parts):
    return {"uuid": uuid(name, "template"), "template": name, "name": name, "description": description, "groups": [{"name": GROUP}], **parts}


def guests(mib):
    rules = [guest_rule(mib), alarm_rule(mib), problem_rule(mib), source_rule(mib)]
    return template(
        GUESTS, "KVM guests of a host that runs kvmstat-agentx: what they do, whether they get CPUs, and which of them are not as usual.",
        items=host_items(mib), discovery_rules=rules, macros=macros(*MACROS, WAIT_MAX),
        dashboards=[dashboard(GUESTS, "KVM guests", [graph["name"] for graph in rules[0]["graph_prototypes"]])],
        valuemaps=[valuemap(GUESTS, mib[name]) for name in ("kvmHostLockdown", "kvmSourceState", "kvmProblemActive", "kvmAlarmSeverity")])


# ---- by trap ----

def sent(mib, kind):
    """What a trap of this kind contains, whether the receiver has the MIB or not."""
    numbers = "".join(found.oid.split(".")[-1] for found in mib.notifications() if found.name.endswith(kind))
    return "(kvm(GuestEvent|Host)%s|%s.0.[%s])([^0-9]|$)" % (kind, mib.root[1:], numbers)


def line_of(mib, name):
    return "(?:%s|%s)[.]" % (name, mib[name].oid[1:])


def traps(mib):
    key = 'snmptrap["(kvm(GuestEvent|Host)(Abn|N)ormal|%s.0.[1-4])([^0-9]|$)"]' % mib.root[1:]
    find = 'find(/%s/%s,,"regexp","%s")=1'
    # The number of the alarm and its cause, as they were sent: the same at the begin and at the end.
    pair = '{{ITEM.VALUE}.regsub("%s([0-9]+ .*)","\\1")}' % line_of(mib, "kvmAlarmCause")
    text = '{{ITEM.VALUE}.regsub("%s[0-9]+ [^\\n]*?(?:STRING: )?[\\x22]?([^\\x22\\n]*[^\\x22\\n ])[\\x22]? *(?:\\n|$)","\\1")}' % line_of(mib, "kvmAlarmText")
    made = trigger(TRAPS, "alarm", find % (TRAPS, key, sent(mib, "Abnormal")), "A KVM guest, or the host, is not as usual", "AVERAGE",
                   "docs/causes.md says what each cause means and what to do.", event_name=text, manual_close="YES",
                   recovery_mode="RECOVERY_EXPRESSION", recovery_expression=find % (TRAPS, key, sent(mib, "Normal")),
                   tags=[{"tag": "kvm-alarm", "value": pair}, {"tag": "scope", "value": "performance"}])
    place = list(made).index("name")
    correlated = dict(list(made.items())[:place] + [("correlation_mode", "TAG_VALUE"), ("correlation_tag", "kvm-alarm")] + list(made.items())[place:])
    correlated["type"] = "MULTIPLE"
    return template(TRAPS, "Alarms of kvmstat-agentx as soon as they are sent. In the template '%s' disable the discovery 'Alarms' then." % GUESTS, items=[
        {"uuid": uuid(TRAPS, "item", "trap"), "name": "Traps of kvmstat-agentx", "type": "SNMP_TRAP", "key": key, "trends": "0", "value_type": "LOG",
         "description": "Needs SNMPTrapperFile and StartSNMPTrapper in the server's configuration.", "tags": [{"tag": "component", "value": "alarm"}],
         "triggers": [correlated]}])


# ---- events ----

def event_item(name, mib, event):
    column = mib["kvmGuestEventRate" if event.cls == "cumulative" else "kvmGuestEventLevel"]
    key = "kvm.event[{#SNMPINDEX},%s]" % event.name
    time = event.unit == "ns" and event.cls == "cumulative"
    made = {"uuid": uuid(name, "item", key), "name": "{#GUEST}: %s" % event.name, "type": "SNMP_AGENT",
            "snmp_oid": "%s.{#SNMPINDEX}.%d" % (column.oid, event.number), "key": key, "history": "14d"}
    if event.judge == "-":
        made["discover"] = "NO_DISCOVER"
    if time:
        made["value_type"] = "FLOAT"
    made["units"] = "CPUs" if time else "/s" if event.cls == "cumulative" else "B" if event.unit == "bytes" else ""
    made["description"] = event.text + (" As vCPUs that do so all the time." if time else "")
    made["preprocessing"] = [DISCARD] + ([{"type": "MULTIPLIER", "parameters": ["0.000000001"]}] if time else [])
    made["tags"] = [{"tag": "component", "value": event.category}, {"tag": "guest", "value": "{#GUEST}"}]
    return {key: value for key, value in made.items() if value != ""}


def stacked(event):
    """An exit for one reason, which is found without asking."""
    return event.judge != "-" and re.search("^exit_(?!userspace)|._exits$|^insn_emulation$|^hypercalls$", event.name)


def events_of(mib, arch):
    name = EVENTS % arch
    mine = [event for event in tables.events() if arch in event.archs and not event.dead and not event.reason and not event.cls.endswith("hist")]
    found = rule(name, mib, "kvm.events." + arch, "Events of guests", {"{#GUEST}": "kvmGuestName"}, "By kvmGuestIndex: " + NAMED, "5m",
                 [event_item(name, mib, event) for event in mine], filter=GUEST_FILTER)
    reasons = [event for event in mine if stacked(event)]
    parts = {}
    if len(reasons) > 1:
        shown = graph(name, "{#GUEST}: why it leaves guest mode, per second", [""] * len(reasons))
        for graph_item, event in zip(shown["graph_items"], reasons):
            graph_item["item"]["key"] = "kvm.event[{#SNMPINDEX},%s]" % event.name
        found["graph_prototypes"] = [shown]
        parts["dashboards"] = [dashboard(name, "KVM events", [shown["name"]])]
    return template(name, "Events of KVM guests on %s hosts, by their numbers, which are the same everywhere. Those that kvmstat judges are found;"
                    " set 'Discover' of the others that you want." % arch, discovery_rules=[found], macros=macros(*MACROS), **parts)


def export(*templates):
    return "# SPDX-License-Identifier: MIT\n# Made by templates/zabbix/make.py: change it there.\n" + yaml_text.text({"zabbix_export": {
        "version": "6.0", "date": "2026-11-27T00:00:00Z", "groups": [{"uuid": GROUP_UUID, "name": GROUP}], "templates": list(templates)}})


def all_events(mib):
    archs = dict.fromkeys(arch for event in tables.events() if not event.reason for arch in event.archs)
    return export(*(events_of(mib, arch) for arch in archs))


tables.main({"template_kvm_guests_snmp.yaml": lambda mib: export(guests(mib), traps(mib)), "template_kvm_events_snmp.yaml": all_events})
