# SPDX-License-Identifier: MIT
"""Nagios and Icinga read their files; the commands that they make of them are tried in tests/integration."""
import pathlib
import shutil
import tempfile

import pytest
import rig
from conftest import integration, need

integration.PROGRAMS.update({"nagios4": "nagios4-core", "icinga2": "icinga2-bin"})

NAGIOS = """define timeperiod {{
    timeperiod_name always
    alias always
    monday 00:00-24:00
}}
define contact {{
    contact_name nobody
    host_notification_period always
    service_notification_period always
    host_notification_commands check_kvmstat
    service_notification_commands check_kvmstat
}}
define host {{
    host_name hv01
    address 127.0.0.1
    hostgroups kvm-hosts
    check_period always
    notification_period always
    max_check_attempts 1
    contacts nobody
    _KVMSTAT_OPTIONS -P 3 -U kvmreader
}}
define service {{
    name generic-service
    register 0
    check_period always
    notification_period always
    max_check_attempts 1
    check_interval 1
    retry_interval 1
    contacts nobody
}}
{examples}
"""
ICINGA = """include <itl>
include <plugins>
const PluginDir = "/usr/lib/nagios/plugins"
const NodeName = "test"
const ZoneName = "test"
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
object CheckerComponent "checker" { }
object Host "hv01" {
  check_command = "hostalive"
  address = "127.0.0.1"
  vars.kvmstat = true
  vars.kvmstat_guests = { linux04 = { kvmstat_activity = "wait", kvmstat_warning = "0.5", kvmstat_critical = "2" } }
}
object Host "hv02" {
  check_command = "hostalive"
}
"""


@pytest.fixture
def directory():
    """Both give up root before they read their files, and pytest's own directories are closed to others."""
    path = pathlib.Path(tempfile.mkdtemp())
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


def test_nagios(made, directory):
    need("nagios4")
    text = (made / "nagios/nagios.cfg").read_text("utf-8")
    # The examples, too, of which each line begins with a mark of a comment.
    examples = "\n".join(line.lstrip("# ") for line in text.partition("# One guest")[2].splitlines()[1:])
    assert examples.count("define service") == 2
    (directory / "kvmstat.cfg").write_text(text)
    (directory / "rest.cfg").write_text(NAGIOS.format(examples=examples))
    (directory / "resource.cfg").write_text("$USER1$=/usr/lib/nagios/plugins\n")
    (directory / "nagios.cfg").write_text("\n".join([
        "cfg_file=%s/kvmstat.cfg" % directory, "cfg_file=%s/rest.cfg" % directory, "resource_file=%s/resource.cfg" % directory,
        "log_file=%s/log" % directory, "check_result_path=%s" % directory, "temp_path=%s" % directory, "lock_file=%s/lock" % directory, ""]))
    report = rig.run("nagios4", "-v", str(directory / "nagios.cfg")).decode()
    assert "Checked 4 services." in report and "Total Errors:   0" in report, report


def test_icinga(made, directory):
    need("icinga2")
    (directory / "icinga2.conf").write_text(ICINGA + (made / "nagios/icinga2.conf").read_text("utf-8"))
    report = rig.run("icinga2", "daemon", "-C", "-c", str(directory / "icinga2.conf"),
                     *("-D%s=%s" % (name, directory) for name in ("DataDir", "LogDir", "CacheDir", "SpoolDir", "InitRunDir", "ConfigDir"))).decode()
    assert "Instantiated 3 Services." in report, report
