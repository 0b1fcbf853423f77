# SPDX-License-Identifier: MIT
"""check_kvmstat: exit status, text and performance data of answers that a subagent gave once (answers/agent.txt: a replayed host of
s390x with two guests, one with an alarm), and of what is made of them. With a live one: tests/integration/test_templates.py."""
import pathlib
import re
import subprocess

import pytest
from conftest import MADE

ANSWERS = pathlib.Path(__file__).with_name("answers") / "agent.txt"
STATUS = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
LINE = re.compile(r"KVMSTAT (OK|WARNING|CRITICAL|UNKNOWN) - ([^|\n]+?)(?: \| ([^|\n]+))?\n((?:[^|\n]+\n)*)")
# As the plugin guidelines have it: 'label'=value[unit];[warn];[crit]
DATA = re.compile(r"'[^'=]+'=-?\d+(\.\d+)?(s|c)?(;[-~@:.\d]*){0,2}")
AGE, ACTIVE, UUID = "R.1.1.5.0", "R.1.14.1.0", "cd613e30-d8f1-4adf-91b7-584a2265b1f5"
# Net-SNMP's two commands, of a file of answers.
COMMAND = r'''#!/bin/sh
if /usr/bin/grep -q "no answer" "$ANSWERS"; then
	echo "Timeout: No Response from 127.0.0.1." >&2
	exit 1
fi
exec /usr/bin/awk -v walks="${0##*walk}" -v asked="$*" '
	BEGIN { n = split(asked, words, " "); for (i = 1; i <= n; i++) if (words[i] ~ /^[.][0-9.]+$/) { last = words[i]; wanted[last] = 1 } }
	/^[.]/ { shown = walks == "" ? index($1, last ".") == 1 : $1 in wanted; delete wanted[$1] }
	shown { print }
	END { if (walks != "") for (oid in wanted) print oid " = No Such Instance currently exists at this OID" }' "$ANSWERS"
'''


def hexadecimal(text):
    return '"%s "' % " ".join("%02X" % byte for byte in text.encode())


def with_values(text, **values):
    """R_1_1_5_0=700: another value; None: not there."""
    for name, value in values.items():
        pattern = re.compile(r"^%s = .*(?:\n(?!R).*)*\n" % re.escape(name.replace("_", ".")), re.M)
        line = "" if value is None else "%s = %s\n" % (name.replace("_", "."), value)
        text = pattern.sub(lambda _found, line=line: line, text) if pattern.search(text) else text + line
    return text


@pytest.fixture
def check(tmp_path, mib):
    """check(*args, **values): (status, text, performance data, more lines)"""
    for name in ("snmpget", "snmpbulkwalk"):
        (tmp_path / name).write_text(COMMAND)
        (tmp_path / name).chmod(0o755)

    def run(*args, answers=None, **values):
        text = with_values(ANSWERS.read_text("utf-8"), **values) if answers is None else answers
        (tmp_path / "answers").write_text(re.sub(r"^R\.", ".%s." % mib.root, text, flags=re.M), "utf-8")
        done = subprocess.run(["/usr/bin/python3", MADE / "nagios/check_kvmstat", "-H", "hv01", *args], capture_output=True, text=True, check=False,
                              env={"PATH": str(tmp_path), "ANSWERS": str(tmp_path / "answers")})
        line = LINE.fullmatch(done.stdout)
        assert line and not done.stderr, done
        assert done.returncode == STATUS.index(line[1]), done
        assert all(DATA.fullmatch(word) for word in (line[3] or "").split()), line[3]
        assert line[3] or line[1] in ("UNKNOWN", "CRITICAL")
        return line[1], line[2], line[3], line[4]
    return run


def test_health(check):
    assert check() == ("OK", "2 guests, sample 0 s old", "'age'=0.28s;3;6 'problems'=0 'guests'=2 'errors'=0c", "")
    assert check(R_1_1_5_0=310)[:2] == ("WARNING", "sample 3 s old")
    assert check(R_1_1_5_0=610)[0] == "CRITICAL"
    assert check(R_1_1_5_0=310, R_1_1_2_0=10)[0] == "OK"   # the interval
    assert check("-w", "20", "-c", "30", R_1_1_5_0=2100) == (
        "WARNING", "sample 21 s old", "'age'=21s;20;30 'problems'=0 'guests'=2 'errors'=0c", "")


def test_health_with_problems(check):
    problem = {"R_1_4_1_3_3": 1, "R_1_4_1_5_3": hexadecimal("cannot read a: b|c; run kvmstat doctor"), "R_1_1_7_0": 5}
    assert check(**problem) == ("WARNING", "cannot read a: b/c; run kvmstat doctor", "'age'=0.28s;3;6 'problems'=1 'guests'=2 'errors'=5c", "")
    more = {"R_1_4_1_3_4": 1, "R_1_4_1_5_4": hexadecimal("another")}
    assert check(**problem, **more)[3] == "another\n"
    assert check(**problem, R_1_1_5_0=900)[:2] == ("CRITICAL", "sample 9 s old; cannot read a: b/c; run kvmstat doctor")


@pytest.mark.parametrize("mode", ["health", "alarms", "guest", "event"])
def test_nobody_answers(check, mode):
    options = ("-m", mode, "-g", "linux01", "-e", "exit_instruction")
    status, text, data, _ = check(*options, answers="no answer")
    assert status == "UNKNOWN" and "No Response" in text and data is None
    status, text, _, _ = check(*options, answers="R.0 = 1\n")
    assert status == ("CRITICAL" if mode == "health" else "UNKNOWN") and text.startswith("no kvmstat-agentx behind snmpd of hv01: ")
    status, text, _, _ = check(*options, R_1_1_5_0=None)
    assert status == "UNKNOWN" and "first sample" in text
    if mode != "health":
        status, text, _, _ = check(*options, R_1_1_5_0=400)
        assert status == "UNKNOWN" and text.startswith("the last sample is 4 s old")


def test_guest(check):
    status, text, data, _ = check("-m", "guest", "-g", "linux02")
    assert status == "OK" and re.fullmatch(r"linux02: wait [\d.]+ of a CPU", text)
    assert [word.split("=")[0].strip("'") for word in data.split()] == [
        "exits", "io", "idle", "instruction", "interrupt", "yield", "memory", "userspace", "cpu", "wait"]
    index = re.search(r"R\.1\.6\.1\.2\.(\d+) = \"6C 69 6E 75 78 30 32", ANSWERS.read_text("utf-8"))[1]
    waits = {"R_1_7_1_18_" + index: 1500}
    assert check("-m", "guest", "-g", "linux02", "-w", "1", "-c", "2", **waits)[:2] == ("WARNING", "linux02: wait 1.5 of a CPU")
    assert check("-m", "guest", "-g", "linux02", "-w", "1", "-c", "1.4", **waits)[0] == "CRITICAL"
    assert check("-m", "guest", "-g", "linux02", **waits)[2].endswith(" 'wait'=1.5")
    missing = {"R_1_7_1_18_" + index: None}
    assert check("-m", "guest", "-g", "linux02", **missing)[0] == "UNKNOWN"
    assert check("-m", "guest", "-g", "linux02", "--activity", "exits", **missing)[0] == "OK"
    assert check("-m", "guest", "-g", UUID.upper(), "--activity", "exits")[0] == "OK"
    assert check("-m", "guest", "-g", "nobody")[:2] == ("CRITICAL", "guest nobody does not run on hv01, 2 others do")


def test_guests_of_awkward_names(check):
    text = ANSWERS.read_text("utf-8")
    index = re.search(r"R\.1\.6\.1\.2\.(\d+) = ", text)[1]
    name = 'Bürö "|" No Such = 1'
    assert check("-m", "guest", "-g", name, "--activity", "io", **{"R_1_6_1_2_" + index: hexadecimal(name)})[1].startswith('Bürö "/" No Such = 1: io ')
    same = {"R_1_6_1_2_" + index: hexadecimal("linux02")}
    assert check("-m", "guest", "-g", "linux02", **same)[:2] == ("UNKNOWN", "2 guests are called linux02: give the UUID of one")


def test_event(check):
    event = ("-m", "event", "-g", "linux01", "-e", "instruction_diagnose_44")
    status, text, data, _ = check(*event)
    rate, usual = map(int, re.fullmatch(r"linux01: instruction_diagnose_44 (\d+) a second, usual up to (\d+)", text).groups())
    assert status == "OK" and data == "'instruction_diagnose_44'=%d 'usual'=%d" % (rate, usual) and rate > 25000 and abs(usual - 5000) < 10
    assert check(*event, "-w", "20000")[0] == "WARNING"
    assert check(*event, "-w", "20000", "-c", "50000:")[2].startswith("'instruction_diagnose_44'=%d;20000;50000: " % rate)
    assert check("-m", "event", "-g", "linux01", "-e", "blocking")[0] == "OK"
    assert check("-m", "event", "-g", "linux01", "-e", "exit_instructions")[0] == "UNKNOWN"
    assert check("-m", "event", "-g", "linux01")[0] == check("-m", "event", "-e", "blocking")[0] == "UNKNOWN"


def test_alarms(check):
    status, text, data, more = check("-m", "alarms")
    assert status == "CRITICAL" and text.startswith("linux01: 64 vCPUs on 14 CPUs: instruction_diagnose_44 ") and "(overcommit)" in text
    assert data == "'alarms'=1;0;0" and more == ""
    assert check("-m", "alarms", "-g", "linux01")[0] == "CRITICAL"
    assert check("-m", "alarms", "-g", "linux02") == ("OK", "linux02 is not abnormal", "'alarms'=0;0;0", "")
    assert check("-m", "alarms", R_1_15_1_7_1=2, R_1_14_1_0=0)[:2] == ("OK", "no guest is abnormal")
    assert check("-m", "alarms", R_1_15_1_7_1=2, R_1_14_1_0=1)[0] == "OK"      # cleared in between
    assert check("-m", "alarms", R_1_15_1_6_1=6)[0] == "WARNING"
    assert check("-m", "alarms", R_1_15_1_6_1=3)[0] == "CRITICAL"
    status, text, _, _ = check("-m", "alarms", R_1_14_1_0=None)
    assert status == "UNKNOWN" and text.endswith("its option Diagnose is false")


def test_several_alarms(check):
    second = {"R_1_15_1_2_2": 7, "R_1_15_1_6_2": 3, "R_1_15_1_7_2": 1, "R_1_15_1_16_2": hexadecimal("web: makes no exits"), "R_1_14_1_0": 2}
    status, text, data, more = check("-m", "alarms", **second)
    assert (status, text, data) == ("CRITICAL", "web: makes no exits (and 1 more)", "'alarms'=2;0;0")
    assert more.startswith("linux01: 64 vCPUs")


@pytest.mark.parametrize("limit,states", [
    # 0.28 s, and 100 s: what alerts, by the plugin guidelines
    ("10", "OK CRITICAL"), ("10:", "CRITICAL OK"), ("~:10", "OK CRITICAL"), ("10:200", "CRITICAL OK"), ("@10:200", "OK CRITICAL"),
    ("@0:10", "CRITICAL OK"), ("0", "CRITICAL CRITICAL"), ("-5:0.5", "OK CRITICAL"), ("0.28:100", "OK OK"), ("@0.28:100", "CRITICAL CRITICAL")])
def test_ranges(check, limit, states):
    assert [check("-w", "~:", "-c", limit, R_1_1_5_0=age)[0] for age in (28, 10000)] == states.split()


@pytest.mark.parametrize("args", [("-w", "x"), ("-w", ""), ("-w", "1:2:3"), ("-m", "nothing"), ("-P", "1"), ("--no",), ("-p", "x"), ("-m", "guest")])
def test_usage(check, args):
    assert check(*args)[0] == "UNKNOWN"


def test_help_and_version():
    for option in ("-h", "-V"):
        done = subprocess.run(["/usr/bin/python3", MADE / "nagios/check_kvmstat", option], capture_output=True, text=True, check=False)
        assert done.returncode == 3 and "check_kvmstat" in done.stdout


def test_without_net_snmp(tmp_path):
    done = subprocess.run(["/usr/bin/python3", MADE / "nagios/check_kvmstat", "-H", "x"], capture_output=True, text=True, env={"PATH": str(tmp_path)}, check=False)
    assert done.returncode == 3 and "snmpget is not installed" in done.stdout
