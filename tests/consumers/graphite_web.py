# SPDX-License-Identifier: MIT
"""A real graphite-web on what a real carbon-cache keeps, with a database of its own."""
import json
import urllib.parse
import urllib.request

import rig

SETTINGS = """SECRET_KEY = "for a test"
ALLOWED_HOSTS = ["*"]
TIME_ZONE = "UTC"
WHISPER_DIR = "{whisper}"
STANDARD_DIRS = ["{whisper}"]
CARBONLINK_HOSTS = ["127.0.0.1:{query}"]
LOG_DIR = INDEX_DIR = "{dir}"
INDEX_FILE = "{dir}/index"
DATABASES = {{"default": {{"NAME": "{dir}/graphite.db", "ENGINE": "django.db.backends.sqlite3"}}}}
"""


class GraphiteWeb(rig.Program):
    def __init__(self, directory, whisper, query_port):
        self.port = rig.free_port()
        (directory / "settings_of_test.py").write_text(SETTINGS.format(whisper=whisper, query=query_port, dir=directory))
        env = {"GRAPHITE_SETTINGS_MODULE": "settings_of_test", "PYTHONPATH": str(directory), "DJANGO_SETTINGS_MODULE": "graphite.settings"}
        rig.run("graphite-manage", "migrate", "--run-syncdb", "--noinput", env=env)
        super().__init__(["graphite-manage", "runserver", "--noreload", "127.0.0.1:%d" % self.port], directory / "log", env=env)
        rig.wait_until(lambda: rig.listens(self.port), "graphite-web listens")

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def ask(self, path, fields=None, **query):
        """GET, or POST of fields."""
        data = urllib.parse.urlencode(fields, doseq=True).encode() if fields is not None else None
        with urllib.request.urlopen("%s%s?%s" % (self.url, path, urllib.parse.urlencode(query, doseq=True)), data, timeout=60) as answer:
            return answer.read()

    def values(self, target, start="-5min"):
        """{name: [value]} of what a target shows, without gaps."""
        found = json.loads(self.ask("/render", {"target": target, "from": start, "format": "json"}))
        return {series["target"]: [value for value, _ in series["datapoints"] if value is not None] for series in found}
