# SPDX-License-Identifier: MIT
"""collectd sends tags to a real VictoriaMetrics, with the file of templates/victoriametrics; the query of its README is answered."""
import json
import re
import urllib.parse
import urllib.request

import rig
from conftest import TESTS, integration, need

integration.PROGRAMS["victoria-metrics"] = "victoria-metrics"
TEMPLATE = TESTS.parent / "templates/victoriametrics"


def test_victoriametrics(tree, passing, place, started):
    need("collectd", "victoria-metrics")
    root, _ = tree("s390x-6.12", guests=1)
    passing(root)
    directory, port, http = place("victoria"), rig.free_port(), rig.free_port()
    started.append(rig.Program(["victoria-metrics", "-storageDataPath=%s/data" % directory, "-graphiteListenAddr=127.0.0.1:%d" % port,
                                "-httpListenAddr=127.0.0.1:%d" % http, "-retentionPeriod=1d", "-search.latencyOffset=0s"], directory / "log"))
    rig.wait_until(lambda: rig.listens(port) and rig.listens(http), "VictoriaMetrics listens")
    text = (TEMPLATE / "write_graphite.conf").read_text("utf-8").replace('"2003"', '"%d"' % port).replace("FlushInterval 10", "FlushInterval 1")

    class Tagging(rig.Collectd):
        def csv(self):
            return super().csv() + "\n" + text
    started.append(Tagging(place("collectd"), 'Root "%s"' % root))
    query = re.search(r"^ +(topk.*?) +# VictoriaMetrics", (TEMPLATE / "README.md").read_text("utf-8"), re.M)[1].replace("web01", "linux01")

    def rates():
        url = "http://127.0.0.1:%d/api/v1/query?%s" % (http, urllib.parse.urlencode({"query": query}))
        with urllib.request.urlopen(url, timeout=60) as answer:
            return [float(found["value"][1]) for found in json.loads(answer.read())["data"]["result"]]
    assert len(rig.wait_until(lambda: any(rate > 0 for rate in rates()) and rates(), "rates of exits: " + query)) == 5
