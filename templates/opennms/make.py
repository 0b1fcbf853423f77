# SPDX-License-Identifier: MIT
"""OpenNMS: what to collect, graphs, and events of the notifications with the keys that pair begin and end."""
from xml.sax.saxutils import escape, quoteattr

import tables

HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n<!-- SPDX-License-Identifier: MIT. Made by templates/opennms/make.py: change it there. -->\n'
SCALARS = ["kvmSampleAge", "kvmErrors", "kvmHostGuests", "kvmHostVcpus", "kvmHostCpus", "kvmAlarmsActive", "kvmAlarmsRaised"]
ACTIVITY = ["Io", "Idle", "Instruction", "Interrupt", "Yield", "Memory", "Userspace"]
GUEST = ["kvmGuestName", "kvmGuestUUID", "kvmGuestVcpus", "kvmGuestMemory", "kvmGuestExitsRate",
         *("kvmGuest%sRate" % name for name in ACTIVITY), "kvmGuestCpuRate", "kvmGuestWaitRate"]
# RRD knows names of 19 characters; longer ones are cut, and two may become one.
SHORT = [("kvmGuestName", "kvmGuestName"), ("kvmGuest", "kg"), ("kvmHost", "kh"), ("kvmSample", "ks"), ("kvmAlarms", "ka"), ("kvm", "k")]
COLORS = ["1a7c11", "2774a4", "f63100", "a54f10", "fc6ea3", "6c59dc", "ac8c14"]
SEVERITIES = {"cleared": "Normal", "indeterminate": "Warning", "critical": "Critical", "major": "Major", "minor": "Minor", "warning": "Warning"}
UEI = "uei.opennms.org/traps/KVMSTAT-MIB/%s"


def alias(name):
    long, short = next(pair for pair in SHORT if name.startswith(pair[0]))
    return short + name[len(long):]


def kind(found):
    return "string" if found.syntax in ("DisplayString", "KvmName", "KvmText") else "counter" if found.syntax.startswith("Counter") else "gauge"


def objects(mib, names, instance):
    return "".join('    <mibObj oid=".%s" instance="%s" alias="%s" type="%s"/>\n' % (mib[name].oid, instance, alias(name), kind(mib[name])) for name in names)


def collection(mib):
    strategy = "org.opennms.netmgt.collection.support."
    return HEADER + """\
<datacollection-group xmlns="http://xmlns.opennms.org/xsd/config/datacollection" name="KVMSTAT">
  <resourceType name="kvmGuestIndex" label="KVM guests" resourceLabel="${kvmGuestName}">
    <persistenceSelectorStrategy class="%sPersistAllSelectorStrategy"/>
    <storageStrategy class="%sIndexStorageStrategy"/>
  </resourceType>
  <group name="kvmstat-host" ifType="ignore">
%s  </group>
  <group name="kvmstat-guest" ifType="all">
%s  </group>
  <systemDef name="KVM hosts">
    <sysoidMask>.1.3.6.1.4.1.8072.3.</sysoidMask>
    <collect>
      <includeGroup>kvmstat-host</includeGroup>
      <includeGroup>kvmstat-guest</includeGroup>
    </collect>
  </systemDef>
</datacollection-group>
""" % (strategy, strategy, objects(mib, SCALARS, "0"), objects(mib, GUEST, "kvmGuestIndex"))


def report(name, title, label, columns, lines):
    return """\
report.%s.name=%s
report.%s.columns=%s
report.%s.type=kvmGuestIndex
report.%s.command=--title="%s" \\
 --vertical-label="%s" \\
%s
""" % (name, title, name, ",".join(columns), name, name, title, label, " \\\n".join(" " + line for line in lines))


def graphs(mib):
    activity = [alias(mib["kvmGuest%sRate" % name].name) for name in ACTIVITY]
    lines = ["DEF:%s={rrd%d}:%s:AVERAGE" % (column, place, column) for place, column in enumerate(activity, 1)]
    lines += ['AREA:%s#%s:"%s"%s' % (column, color, name, ":STACK" if place else "")
              for place, (column, color, name) in enumerate(zip(activity, COLORS, ACTIVITY))]
    cpu = ["kgCpuRate", "kgWaitRate"]
    shares = ["DEF:raw%d={rrd%d}:%s:AVERAGE" % (place, place, column) for place, column in enumerate(cpu, 1)]
    factor = tables.SCALES[mib["kvmGuestCpuRate"].units][0]
    shares += ["CDEF:cpus%d=raw%d,%g,*" % (place, place, factor) for place in (1, 2)]
    shares += ['LINE2:cpus1#1a7c11:"used"', 'LINE2:cpus2#f63100:"waited for"']
    return "# SPDX-License-Identifier: MIT\n# Made by templates/opennms/make.py: change it there.\nreports=kvmstat.activity, kvmstat.cpu\n\n" + report(
        "kvmstat.activity", "What a KVM guest does", "per second", activity, lines) + "\n" + report(
        "kvmstat.cpu", "CPUs that a KVM guest uses, and waits for", "CPUs", cpu, shares)


def place(notification, name):
    return notification.objects.index(name) + 1


def mask(pairs, varbind):
    elements = "".join("      <maskelement><mename>%s</mename><mevalue>%s</mevalue></maskelement>\n" % pair for pair in pairs)
    return elements + "      <varbind><vbnumber>%d</vbnumber>%s</varbind>\n" % (varbind[0], "".join("<vbvalue>%d</vbvalue>" % value for value in varbind[1]))


def key(uei, notification):
    pair = [place(notification, name) for name in ("kvmAlarmGuestKey", "kvmAlarmCause")]
    return "%s:%%dpname%%:%%nodeid%%:%s" % (uei, ":".join("%%parm[#%d]%%" % number for number in pair))


def event(mib, notification, severity, words):
    begin = UEI % notification.name.replace("Normal", "Abnormal")
    ends = severity == SEVERITIES["cleared"]
    uei = UEI % notification.name + ("" if ends else "/" + severity)
    values = mib["kvmAlarmSeverity"].values
    # A severity of its own has a UEI of its own, but all of them are one alarm.
    data = ' reduction-key=%s alarm-type="%d"' % (quoteattr(key(UEI % notification.name, notification)), 2 if ends else 1)
    if ends:
        data += " clear-key=%s" % quoteattr(key(begin, notification))
    decode = "".join('<decode varbindvalue="%d" varbinddecodedstring="%s"/>' % (number, word) for word, number in mib["kvmAlarmCause"].values.items())
    cause = place(notification, "kvmAlarmCause")
    text = "%%parm[#%d]%%" % place(notification, "kvmAlarmText")
    return """\
  <event>
    <mask>
%s    </mask>
    <uei>%s</uei>
    <event-label>KVMSTAT-MIB: %s%s</event-label>
    <descr>%s</descr>
    <logmsg dest="logndisplay">%s</logmsg>
    <severity>%s</severity>
    <varbindsdecode><parmid>parm[#%d]</parmid>%s</varbindsdecode>
    <alarm-data%s auto-clean="false"/>
  </event>
""" % (mask([("id", "." + mib.root), ("generic", 6), ("specific", notification.oid.split(".")[-1])],
            (place(notification, "kvmAlarmSeverity"), [values[word] for word in words])),
       uei, notification.name, "" if ends else ", " + severity, escape(notification.text), text, severity, cause, decode, data)


def events(mib):
    made = []
    for notification in mib.notifications():
        begins = notification.name.endswith("Abnormal")
        for severity in dict.fromkeys(SEVERITIES.values()):
            words = [word for word in mib["kvmAlarmSeverity"].values if SEVERITIES[word] == severity]
            if begins == ("cleared" not in words):
                made.append(event(mib, notification, severity, words))
    return HEADER + '<events xmlns="http://xmlns.opennms.org/xsd/eventconf">\n%s</events>\n' % "".join(made)


tables.main({"datacollection.xml": collection, "kvmstat-graph.properties": graphs, "KVMSTAT.events.xml": events})
