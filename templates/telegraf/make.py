# SPDX-License-Identifier: MIT
"""Telegraf's plugin inputs.snmp: the collector, the host, guests, alarms and problems. Events are left out: telegraf joins two
tables only by a column, and an event's row has its guest and its name in the index alone."""
import re

import tables

HEAD = '''# SPDX-License-Identifier: MIT
# For telegraf. Made by templates/telegraf/make.py: change it there.
[[inputs.snmp]]
  agents = ["udp://127.0.0.1:161"]
  version = 2
  community = "public"
  name = "kvmstat"
  max_repetitions = 50
'''
SCALARS = ("kvmInterval kvmSampleAge kvmSampleDuration kvmErrors kvmHostGuests kvmHostVcpus kvmHostCpus kvmHostLockdown"
           " kvmAlarmsActive kvmAlarmsRaised kvmAlarmsSuppressed")
# Of each measurement the columns that become tags, and those that become fields; a table stands for all its columns.
MEASUREMENTS = {
    "kvmstat_guest": ("kvmGuestName kvmGuestUUID",
                      "kvmGuestVcpus kvmGuestMemory kvmGuestCpuTime kvmGuestWaitTime kvmGuestAlarm kvmGuestActivityTable"),
    "kvmstat_alarm": ("kvmAlarmGuestName kvmAlarmEventName", "kvmAlarmCause kvmAlarmSeverity kvmAlarmState kvmAlarmRate kvmAlarmUsual kvmAlarmText"),
    "kvmstat_problem": ("kvmProblemName", "kvmProblemActive kvmProblemCount kvmProblemText"),
}
PREFIX = "kvm(Guest|Problem|Alarm(?!s)|)"
# By how many digits the point moves, so that times are in seconds and CPUs in CPUs.
DIGITS = {"hundredths of a second": 2, "thousandths of a CPU": 3, "microseconds": 6, "milliseconds": 3}


def short(name):
    """kvmGuestExitsRate is exits_rate, kvmGuestUUID is uuid."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", re.sub("^" + PREFIX, "", name)).lower()


def field(level, found, tag=False, scalar=False):
    lines = ["[[inputs.snmp.%sfield]]" % level, '  name = "%s"' % short(found.name), '  oid = ".%s%s"' % (found.oid, ".0" if scalar else "")]
    if tag:
        lines.append("  is_tag = true")
    if found.units in DIGITS:
        lines.append('  conversion = "float(%d)"' % DIGITS[found.units])
    return lines


def measurement(mib, name, tags, fields):
    lines = ["[[inputs.snmp.table]]", '  name = "%s"' % name, "  index_as_tag = true"]
    for tag in tags.split():
        lines += ["  " + line for line in field("table.", mib[tag], tag=True)]
    for word in fields.split():
        for found in mib.columns(word) if word.endswith("Table") else [mib[word]]:
            lines += ["  " + line for line in field("table.", found)]
    return lines


def configuration(mib):
    lines = [line for name in SCALARS.split() for line in field("", mib[name], scalar=True)]
    for name, (tags, fields) in MEASUREMENTS.items():
        lines += measurement(mib, name, tags, fields)
    return HEAD + "".join("  %s\n" % line for line in lines)


tables.main({"kvmstat.conf": configuration})
