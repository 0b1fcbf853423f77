# SPDX-License-Identifier: MIT
"""A real Zabbix server with its database and its API, headless, from Debian's packages."""
import glob
import itertools
import json
import os
import pwd
import random
import shutil
import subprocess
import urllib.request

import rig

FRONTEND, SCHEMA = "/usr/share/zabbix", "/usr/share/zabbix-server-pgsql"
PARTS = ["schema.sql.gz", "images.sql.gz", "data.sql.gz"]
CONFIG_PATH, COMPILED_IN = "include/classes/core/CConfigFile.php", "/etc/zabbix/zabbix.conf.php"
# How snmptrapd's traphandle hands a trap over, as the server's trapper wants it.
HANDLER = """#!/bin/sh
read -r name
read -r address
{ echo "$(date '+%%Y%%m%%d.%%H%%M%%S') ZBXTRAP 127.0.0.1"; cat; } >>%s
"""


def missing():
    """What is not there, as Debian calls it."""
    needed = {"postgresql": glob.glob("/usr/lib/postgresql/*/bin/initdb"), "zabbix-server-pgsql": glob.glob(SCHEMA + "/" + PARTS[0]) and shutil.which("zabbix_server"),
              "zabbix-frontend-php": os.path.exists(FRONTEND + "/" + CONFIG_PATH), "php-cli": shutil.which("php")}
    if needed["php-cli"]:
        modules = rig.run("php", "-m").decode().lower().split()
        needed.update({"php-" + name: name in modules for name in ("pgsql", "mbstring", "bcmath", "gd", "xml")})
    return [package for package, there in needed.items() if not there]


class Database(rig.Program):
    """PostgreSQL, which refuses to be root."""

    def __init__(self, directory):
        self.directory, self.port = directory, rig.free_port()
        tools = os.path.dirname(sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))[-1])
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        wrapper = ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"] if os.geteuid() == 0 else []
        os.chown(directory, user.pw_uid, user.pw_gid)
        rig.run(*wrapper, tools + "/initdb", "-D", str(directory / "data"), "-U", "zabbix", "-A", "trust", "-E", "UTF8", "--no-sync")
        super().__init__([*wrapper, tools + "/postgres", "-D", str(directory / "data"), "-p", str(self.port), "-k", str(directory),
                          "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "synchronous_commit=off"], directory / "log")
        self.psql = [tools + "/psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", "zabbix"]
        rig.wait_until(lambda: rig.run(*self.psql, "-c", "select 1", "postgres", check=False), "PostgreSQL answers")
        rig.run(*self.psql, "-c", "create database zabbix", "postgres")
        # Hundreds of thousands of rows, whose references need no proof.
        env = {**os.environ, "PGOPTIONS": "-c session_replication_role=replica"}
        for part in PARTS:
            subprocess.run(["sh", "-c", 'zcat "$0" | "$@" >/dev/null', "%s/%s" % (SCHEMA, part), *self.psql, "zabbix"], env=env, timeout=600, check=True)


def low_port():
    """The server takes none that the kernel would give."""
    return next(port for port in random.sample(range(20000, 32000), 100) if not rig.listens(port))


class Server(rig.Program):
    def __init__(self, directory, database):
        self.traps = directory / "traps"
        self.traps.touch()
        self.handler = directory / "handler"
        self.handler.write_text(HANDLER % self.traps)
        self.handler.chmod(0o755)
        conf = directory / "zabbix_server.conf"
        conf.write_text("\n".join([
            "DBHost=127.0.0.1", "DBPort=%d" % database.port, "DBName=zabbix", "DBUser=zabbix", "ListenPort=%d" % low_port(), "ListenIP=127.0.0.1",
            "AllowRoot=1", "LogType=console", "PidFile=%s/pid" % directory, "SocketDir=%s" % directory, "CacheUpdateFrequency=2",
            "StartSNMPTrapper=1", "SNMPTrapperFile=%s" % self.traps, "Timeout=10", ""]))
        super().__init__(["zabbix_server", "-f", "-c", str(conf)], directory / "log")
        rig.wait_until(lambda: "server #0 started" in self.text() or self.process.poll() is not None, "the server starts")
        assert self.process.poll() is None, self.text()


class Api(rig.Program):
    """The frontend, whose configuration is elsewhere, under PHP's own server."""

    def __init__(self, directory, database):
        self.port, self.ids, self.token = rig.free_port(), itertools.count(1), None
        place = directory / "zabbix"
        shutil.copytree(FRONTEND, place, symlinks=False, ignore_dangling_symlinks=True)
        conf = directory / "zabbix.conf.php"
        conf.write_text("<?php\n$DB['TYPE'] = 'POSTGRESQL'; $DB['SERVER'] = '127.0.0.1'; $DB['PORT'] = '%d'; $DB['DATABASE'] = 'zabbix';\n"
                        "$DB['USER'] = 'zabbix'; $DB['PASSWORD'] = ''; $DB['SCHEMA'] = ''; $DB['ENCRYPTION'] = false; $DB['VERIFY_HOST'] = false;\n"
                        "$DB['DOUBLE_IEEE754'] = true; $IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;\n" % database.port)
        source = (place / CONFIG_PATH).read_text()
        assert COMPILED_IN in source
        (place / CONFIG_PATH).write_text(source.replace(COMPILED_IN, str(conf)))
        super().__init__(["php", "-S", "127.0.0.1:%d" % self.port, "-t", str(place)], directory / "log", cwd=str(place))
        rig.wait_until(lambda: rig.listens(self.port), "PHP listens")
        self.token = self.call("user.login", user="Admin", password="zabbix")

    def call(self, method, **params):
        body = {"jsonrpc": "2.0", "method": method, "params": params, "id": next(self.ids), "auth": self.token}
        request = urllib.request.Request("http://127.0.0.1:%d/api_jsonrpc.php" % self.port, json.dumps(body).encode(), {"Content-Type": "application/json-rpc"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            found = json.loads(answer.read())
        assert "error" not in found, found["error"]
        return found["result"]

    def load(self, text):
        create = {"createMissing": True, "updateExisting": True}
        rules = {name: create for name in ("templates", "items", "discoveryRules", "triggers", "graphs", "valueMaps", "templateDashboards")}
        return self.call("configuration.import", format="yaml", source=text, rules={**rules, "groups": {"createMissing": True}})
