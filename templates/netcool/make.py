# SPDX-License-Identifier: MIT
"""Rules of Netcool/OMNIbus' MTTrapd probe for the notifications."""
import tables

# alerts.status' Severity, by the severity that is sent.
SEVERITIES = {"cleared": 1, "indeterminate": 1, "critical": 5, "major": 4, "minor": 3, "warning": 2}
LOOKUP = """\
# SPDX-License-Identifier: MIT
# Made by templates/netcool/make.py of KVMSTAT-MIB.

table kvmAlarmSeverity =
{
%s
}
default = "2"

table kvmAlarmCause =
{
%s
}
default = "unknown"
"""
RULES = """\
# SPDX-License-Identifier: MIT
# Made by templates/netcool/make.py of KVMSTAT-MIB. A case of the switch($enterprise) in snmptrap.rules.

case ".%(root)s" | ".%(root)s.0": ### KVMSTAT-MIB

    log(DEBUG, "<<<<< Entering... kvmstat.include.snmptrap.rules >>>>>")

    @Agent = "KVMSTAT-MIB"
    @AlertGroup = "kvmstat"
%(names)s
    # The same at the begin and at the end of an alarm.
    @AlertKey = %(key)s + " " + %(cause)s
    @Summary = %(text)s

    switch($specific-trap)
    {
%(cases)s        default:
            @Type = 1
            @Severity = 2
            @Summary = "KVMSTAT-MIB: notification " + $specific-trap + ", which these rules do not know"
    }

    @Identifier = @Node + " " + @AlertKey + " " + @AlertGroup + " " + @Type + " " + @Agent + " " + @Manager + " " + $specific-trap

    log(DEBUG, "<<<<< Leaving... kvmstat.include.snmptrap.rules >>>>>")
"""


def table(pairs):
    return ",\n".join('    {"%s","%s"}' % pair for pair in pairs)


def lookup(mib):
    severities = [(number, SEVERITIES[word]) for word, number in mib["kvmAlarmSeverity"].values.items()]
    return LOOKUP % (table(severities), table((number, word) for word, number in mib["kvmAlarmCause"].values.items()))


def case(notification):
    begins = notification.name.endswith("Abnormal")
    return """\
        case "%s": ### %s
            @EventId = "SNMPTRAP-kvmstat-%s"
            @Type = %d
            @Severity = %s
""" % (notification.oid.split(".")[-1], notification.name, notification.name, 1 if begins else 2,
       "lookup($kvmAlarmSeverity, kvmAlarmSeverity)" if begins else SEVERITIES["cleared"])


def rules(mib):
    first = mib.notifications()[0]
    return RULES % {
        "root": mib.root, "names": "".join("    $%s = $%d\n" % (name, number) for number, name in enumerate(first.objects, 1)),
        "key": "$kvmAlarmGuestKey", "cause": "lookup($kvmAlarmCause, kvmAlarmCause)", "text": "$kvmAlarmText",
        "cases": "".join(case(notification) for notification in mib.notifications())}


tables.main({"kvmstat.include.snmptrap.lookup": lookup, "kvmstat.include.snmptrap.rules": rules})
