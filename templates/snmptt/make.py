# SPDX-License-Identifier: MIT
"""snmptt.conf.kvmstat: an EVENT for each notification and severity."""
import tables

# As SNMPTT calls them; cleared(1) is the end of an alarm, a notification of its own.
SEVERITIES = {"cleared": "Normal", "indeterminate": "Warning", "critical": "Critical", "major": "Major", "minor": "Minor", "warning": "Warning"}
EVENT = """\
EVENT {name} .{oid} "Status Events" {severity}
FORMAT ${text} [${key} ${cause}]
{matches}SDESC
{description}
Variables:
{variables}
EDESC
"""


def place(notification, name):
    return notification.objects.index(name) + 1


def event(mib, notification, words):
    """What is sent with one of these severities; it is a word where snmptrapd has the MIB, else a number."""
    values = mib["kvmAlarmSeverity"].values
    at = place(notification, "kvmAlarmSeverity")
    return EVENT.format(
        name=notification.name, oid=notification.oid, severity=SEVERITIES[words[0]], description=notification.text,
        text=place(notification, "kvmAlarmText"), key=place(notification, "kvmAlarmGuestKey"), cause=place(notification, "kvmAlarmCause"),
        matches="".join("MATCH $%d: %d\nMATCH $%d: (%s)\n" % (at, values[word], at, word) for word in words),
        variables="\n".join("  %d: %s" % (number, name) for number, name in enumerate(notification.objects, 1)))


def events(mib):
    yield "# SPDX-License-Identifier: MIT\n# Made by templates/snmptt/make.py of KVMSTAT-MIB. A guest, or the host, is not as usual, and is so again.\n"
    for notification in mib.notifications():
        begins = notification.name.endswith("Abnormal")
        for severity in dict.fromkeys(SEVERITIES.values()):
            words = [word for word in mib["kvmAlarmSeverity"].values if SEVERITIES[word] == severity]
            if begins == ("cleared" not in words):
                yield event(mib, notification, words)


tables.main({"snmptt.conf.kvmstat": lambda mib: "\n".join(events(mib))})
