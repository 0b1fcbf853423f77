# SPDX-License-Identifier: MIT
"""kvmstat-alarm: what it posts of a notification that collectd's plugin exec gave it."""
import http.server
import json
import subprocess
import threading

import pytest
from conftest import MADE

BEGIN = """Severity: FAILURE
Time: 1700000000.123
Host: hv01
Plugin: kvmstat
PluginInstance: rhel7
Type: derive
TypeInstance: instruction_diagnose_44
cause: overcommit
CurrentValue: 6.011200e+04

rhel7: 64 vCPUs on 14 CPUs: instruction_diagnose_44 60112/s, never above 61 for a minute in 9 days (overcommit). virsh vcpuinfo rhel7
"""
END = BEGIN.partition("\n\n")[0].replace("FAILURE", "OKAY") + "\n\nrhel7: normal again after 41 min: instruction_diagnose_44 (overcommit)\n"


class Server(http.server.BaseHTTPRequestHandler):
    posted = []

    def do_POST(self):  # pylint: disable=invalid-name
        self.posted.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_args):  # pylint: disable=arguments-differ
        pass


@pytest.fixture
def graphite():
    server = http.server.HTTPServer(("127.0.0.1", 0), Server)
    Server.posted.clear()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield "http://127.0.0.1:%d" % server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def post(text, *args):
    return subprocess.run(["/usr/bin/python3", MADE / "graphite/kvmstat-alarm", *args], input=text, text=True, capture_output=True, check=False)


def test_begin_and_end(graphite):
    assert post(BEGIN, graphite).returncode == 0
    assert post(END, graphite + "/").returncode == 0
    (path, begin), (_, end) = Server.posted
    assert path == "/events/" and begin["when"] == 1700000000
    assert begin["what"] == "rhel7: overcommit" and begin["tags"] == ["kvmstat", "begin", "overcommit", "hv01", "rhel7"]
    assert begin["data"].startswith("rhel7: 64 vCPUs on 14 CPUs") and begin["data"].endswith("virsh vcpuinfo rhel7")
    assert end["what"] == "rhel7: normal: overcommit" and end["tags"][1] == "end"


def test_alarm_of_the_host(graphite):
    assert post(BEGIN.replace("PluginInstance: rhel7\n", ""), graphite).returncode == 0
    assert Server.posted[0][1]["tags"] == ["kvmstat", "begin", "overcommit", "hv01"]


def test_other_plugins_are_left_alone(graphite):
    assert post(BEGIN.replace("Plugin: kvmstat", "Plugin: df"), graphite).returncode == 0
    assert not Server.posted


def test_failures():
    done = post(BEGIN)
    assert done.returncode == 1 and "NotificationExec" in done.stderr
    assert post(BEGIN, "http://127.0.0.1:9").returncode == 1
