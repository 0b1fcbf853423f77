# SPDX-License-Identifier: MIT
"""Modules for snmp_exporter, in the form of 0.23 and later and in that of 0.22 and before. The exporter's own generator
needs the IETF's modules and makes one of the two, depending on its version; and to it KvmGauge64, which may fall, is a counter."""
import tables
import yaml_text

HEADER = "# SPDX-License-Identifier: MIT\n# For %s. Made by templates/prometheus/make.py: change it there.\n"
# What each module asks for: scalars, columns, whole tables.
MODULES = {
    "kvmstat": "kvmInterval kvmSampleNumber kvmSampleAge kvmSampleDuration kvmErrors"
               " kvmHostGuests kvmHostVcpus kvmHostCpus kvmHostLockdown kvmHostEvents"
               " kvmAlarmsActive kvmAlarmsRaised kvmAlarmsSuppressed kvmAlarmSeverity kvmGuestAlarm kvmGuestLearnt"
               " kvmSourceState kvmProblemActive kvmProblemCount"
               " kvmGuestVcpus kvmGuestMemory kvmGuestCpuTime kvmGuestWaitTime kvmGuestDiscontinuity kvmGuestActivityTable",
    "kvmstat_events": "kvmInterval kvmSampleAge kvmGuestEventHCCount kvmGuestEventHCLevel kvmGuestEventUsual",
}
# The columns that say what an index stands for: labels of whatever has it.
LABELS = {"kvmGuestIndex": ["kvmGuestName"], "kvmEventNumber": ["kvmEventName"], "kvmSourceIndex": ["kvmSourceName"],
          "kvmProblemIndex": ["kvmProblemName"], "kvmAlarmNumber": ["kvmAlarmGuestName", "kvmAlarmEventName", "kvmAlarmText"]}
GAUGES = ["Gauge32", "KvmGauge64", "Unsigned32", "INTEGER", "TimeStamp", "TruthValue"]


def type_of(found):
    if found.syntax.startswith("Counter"):
        return "counter"
    assert found.syntax in GAUGES, "%s is no number" % found.name
    return "gauge"


def metric(mib, found):
    sentence = found.text.split(". ")[0].rstrip(".")
    made = {"name": found.name, "oid": found.oid, "type": type_of(found), "help": "%s - %s" % (sentence, found.oid)}
    indexes = mib.indexes(found)
    if indexes:
        made["indexes"] = [{"labelname": index, "type": "gauge"} for index in indexes]
        made["lookups"] = [{"labels": [index], "labelname": label, "oid": mib[label].oid, "type": "DisplayString"}
                           for index in indexes for label in LABELS[index]]
    return made


def module(mib, wanted):
    walk, get, metrics = {}, [], []
    for name in wanted.split():
        found = mib[name]
        columns = mib.columns(name) if name.endswith("Table") else [found]
        metrics += [metric(mib, column) for column in columns]
        indexes = mib.indexes(columns[0])
        if indexes:
            walk.update(dict.fromkeys([mib[label].oid for index in indexes for label in LABELS[index]] + [found.oid]))
        else:
            get.append(found.oid + ".0")
    return {"walk": list(walk), "get": get, "metrics": metrics, "max_repetitions": 50}


def modules(mib):
    return {name: module(mib, wanted) for name, wanted in MODULES.items()}


def new_form(mib):
    # public_v2 as in the exporter's own file; it is the one that a scrape uses which names none.
    return HEADER % "Prometheus' snmp_exporter 0.23 and later" + yaml_text.text(
        {"auths": {"public_v2": {"community": "public", "version": 2}}, "modules": modules(mib)})


def old_form(mib):
    return HEADER % "Prometheus' snmp_exporter 0.22 and before" + yaml_text.text(modules(mib))


tables.main({"snmp.yml": new_form, "snmp-0.22.yml": old_form})
