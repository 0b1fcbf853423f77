# SPDX-License-Identifier: MIT
"""A real begin and a real end of an alarm, as SNMPv1, v2c and v3, through snmptrapd to SNMPTT with the lines that are shipped."""
import re

import pytest
import rig
from conftest import need

LINE = re.compile(r"(?P<oid>\.[\d.]+) (?P<severity>\w+) \"Status Events\" \S+ - (?P<text>.*) \[(?P<key>\S+) (?P<cause>\S+)\]$", re.M)
TIMES = 3   # kinds of SNMP


def configure(place, made):
    """snmptt.ini, and a program that runs SNMPTT with it."""
    directory = place("snmptt")
    ini, log, program = directory / "snmptt.ini", directory / "snmptt.log", directory / "snmptt"
    ini.write_text("\n".join([
        "[General]", "mode = standalone", "multiple_event = 1", "dns_enable = 0", "net_snmp_perl_enable = 0", "translate_integers = 1",
        "[Logging]", "stdout_enable = 0", "log_enable = 1", "log_file = %s" % log, "log_system_enable = 1", "log_system_file = %s/system" % directory,
        "unknown_trap_log_enable = 1", "unknown_trap_log_file = %s/unknown" % directory, "syslog_enable = 0", "syslog_system_enable = 0",
        "[TrapFiles]", "snmptt_conf_files = <<END", str(made / "snmptt/snmptt.conf.kvmstat"), "END", ""]))
    program.write_text("#!/bin/sh\nexec snmptt --ini=%s\n" % ini)
    program.chmod(0o755)
    return directory, program


@pytest.mark.parametrize("options", [("-On", "-m", "+KVMSTAT-MIB"), ("-On", "-m", "")], ids=["with the MIB", "without"])
def test_begin_and_end(made, place, host, trapd, options):
    need("snmptt")
    directory, program = configure(place, made)
    lines = (made / "snmptt/snmptrapd.conf").read_text().replace("/usr/sbin/snmptt", str(program))
    receiver = trapd(lines, options=options)
    machine = host(receiver.sinks())

    def logged(severity):
        text = (directory / "snmptt.log").read_text() if (directory / "snmptt.log").exists() else ""
        found = [match for match in LINE.finditer(text) if match["severity"] == severity]
        return found if len(found) >= TIMES else None

    machine.storm()
    begins = rig.wait_until(lambda: logged("Major"), "SNMPTT logs the begin")
    machine.end()
    ends = rig.wait_until(lambda: logged("Normal"), "SNMPTT logs the end")
    for found, oid, start in ((begins, ".0.1", "%s: 64 vCPUs on 14 CPUs: "), (ends, ".0.2", "%s: guest ended after ")):
        assert len(found) == TIMES
        for match in found:
            assert match["oid"].endswith(oid) and match["text"].startswith(start % machine.sick["name"])
    assert {(match["key"], match["cause"]) for match in begins} == {(match["key"], match["cause"]) for match in ends}
    assert {match["key"] for match in begins} == {"uuid:" + machine.sick["uuid"]}
    unknown = directory / "unknown"
    assert not unknown.exists() or "7619" not in unknown.read_text()
