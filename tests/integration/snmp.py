# SPDX-License-Identifier: MIT
"""A real snmpd, the subagent, and Net-SNMP's commands as managers."""
import glob
import os
import re
import unicodedata

import rig

V2C = ("-v2c", "-c", "public")
V1 = ("-v1", "-c", "public")
REQUEST = ("-t", "30", "-r", "1")  # what an object is waited for; the tests' options come after it
V3 = ("-v3", "-u", "operator", "-l", "authPriv", "-a", "SHA", "-A", "authentication", "-x", "AES", "-X", "encryption")


def shown(name):
    """How the MIB shows the bytes of a name: what is no UTF-8 and what is a control character as \\xNN, 255 bytes at most."""
    text = b""
    for char in name.decode("utf-8", "surrogateescape"):
        raw = char.encode("utf-8", "surrogateescape")
        escape = "\udc80" <= char <= "\udcff" or unicodedata.category(char) == "Cc"
        piece = b"".join(b"\\x%02x" % byte for byte in raw) if escape else raw
        if len(text + piece) > 255:
            break
        text += piece
    return text


def base_mibs():
    """Where IETF's modules are, or None."""
    for pattern in ("/usr/lib/erlang/lib/snmp-*/mibs", "/usr/share/snmp/mibs", "/usr/share/snmp/mibs/ietf"):
        for directory in glob.glob(pattern):
            if glob.glob(directory + "/SNMPv2-CONF*"):
                return directory
    return None


class Snmpd(rig.Program):
    def __init__(self, directory, extra="", port=None):
        directory.mkdir(exist_ok=True)
        self.directory, self.port = directory, port or rig.free_port()
        self.agentx = str(directory / "agentx")
        conf = directory / "snmpd.conf"
        conf.write_text("\n".join([
            "agentAddress udp:127.0.0.1:%d" % self.port, "master agentx", "agentXSocket %s" % self.agentx,
            "rocommunity public 127.0.0.1", "createUser operator SHA authentication AES encryption", "rouser operator priv",
            "dontLogTCPWrappersConnects yes", extra, ""]))
        self.env = {"SNMPCONFPATH": str(directory), "SNMP_PERSISTENT_DIR": str(directory / "state")}
        super().__init__(["snmpd", "-f", "-Lo", "-C", "-c", str(conf), "-I", "-smux,mteTrigger,mteTriggerConf"],
                         directory / "snmpd.log", env=self.env)
        rig.wait_until(self.answers, "snmpd answers")

    def answers(self):
        return self.tool("snmpget", "SNMPv2-MIB::sysUpTime.0", check=False, options=("-t", "0.3", "-r", "0")).startswith(b"SNMPv2-MIB")

    def tool(self, command, *objects, auth=V2C, options=(), check=True):
        """Output of one of Net-SNMP's commands, with the MIB loaded."""
        env = {**self.env, "MIBDIRS": "%s:%s" % (base_mibs(), rig.BUILD), "MIBS": "KVMSTAT-MIB"}
        return rig.run(command, *auth, *REQUEST, *options, "127.0.0.1:%d" % self.port, *objects, env=env, check=check)

    def get(self, name, auth=V2C):
        """A number, or None if it is not there."""
        text = self.tool("snmpget", "KVMSTAT-MIB::" + name, auth=auth, options=("-OQUvet",), check=False).decode(errors="replace").strip()
        return int(text) if re.fullmatch(r"\d+", text) else None

    def more_samples(self, count):
        before = rig.wait_until(lambda: self.get("kvmSampleNumber.0"), "there are samples")
        rig.wait_until(lambda: (self.get("kvmSampleNumber.0") or 0) >= before + count, "%d more samples" % count)

    def walk(self, name, auth=V2C):
        """{index: text} of a column or table; index is a tuple of int."""
        text = self.tool("snmpbulkwalk", "KVMSTAT-MIB::" + name, auth=auth, options=("-Cr50", "-OQUsex"))
        found = {}
        for line in text.decode(errors="surrogateescape").split("\n"):
            match = re.match(r"(\w+)\.([\d.]+) = (.*)$", line)
            if match and not match.group(3).startswith("No Such"):
                found[tuple(map(int, match.group(2).split(".")))] = match.group(3)
        return found

    def numbers(self, column, auth=V2C):
        return {index: int(text) for index, text in self.walk(column, auth).items()}

    def names(self):
        """{guest index: name as the MIB shows it, as bytes}"""
        text = self.tool("snmpbulkwalk", "KVMSTAT-MIB::kvmGuestName", options=("-Cr50", "-Onx", "-Ih")).decode()
        entries = (entry.partition(" = ") for entry in re.split(r"\n(?=\.1\.3)", text.strip()))
        return {int(oid.split(".")[-1]): bytes_of(value) for oid, _, value in entries if value and "No Such" not in value}

    def index_of(self, name):
        """The index of the only guest of this name, or None."""
        found = [index for index, seen in self.names().items() if seen == shown(os.fsencode(name))]
        assert len(found) < 2, found
        return found[0] if found else None

    def event_numbers(self):
        """{event name: number}"""
        return {text.strip('"'): index[0] for index, text in self.plain_walk("kvmEventName").items()}

    def plain_walk(self, column):
        text = self.tool("snmpbulkwalk", "KVMSTAT-MIB::" + column, options=("-Cr50", "-OQUse")).decode(errors="replace")
        pairs = (line.partition(" = ") for line in text.split("\n") if " = " in line)
        return {tuple(map(int, name.split(".")[1:])): value for name, _, value in pairs if re.search(r"\.\d", name)}

    def values(self, guest):
        """{event name: value} of a guest by its index, in 64 bits."""
        found = {}
        for column in ("kvmGuestEventHCCount", "kvmGuestEventHCLevel"):
            for index, value in self.numbers("%s.%d" % (column, guest)).items():
                found[index[-1]] = value
        # Afterwards: an event that a new sample brings has its name by then, and none loses it.
        names = {number: name for name, number in self.event_numbers().items()}
        return {names[number]: value for number, value in found.items()}


def bytes_of(text):
    """The octets of "Hex-STRING: 61 2F" or of an empty string."""
    _, _, value = text.partition(": ")
    return bytes.fromhex(value.replace("\n", " ")) if text.startswith("Hex-STRING") else b""


class Trapd(rig.Program):
    """snmptrapd, to which an snmpd with sinks() sends everything five times: as SNMPv1, v2c and v3, traps and informs."""
    ENGINE = "0x8000000001020304"
    USER = "-u operator -l authPriv -a SHA -A authentication -x AES -X encryption"
    KINDS = ("TRAP, SNMP v1", "TRAP2, SNMP v2c", "INFORM, SNMP v2c", "TRAP2, SNMP v3", "INFORM, SNMP v3")

    def __init__(self, directory):
        self.port = rig.free_port()
        conf = directory / "snmptrapd.conf"
        conf.write_text("\n".join([
            "disableAuthorization yes", "createUser -e %s operator SHA authentication AES encryption" % self.ENGINE,
            "createUser operator SHA authentication AES encryption",
            "format1 trap|%P|%N %q|%V|%v\\n", "format2 trap|%P|%V|%v\\n", ""]))
        env = {"SNMPCONFPATH": str(directory), "SNMP_PERSISTENT_DIR": str(directory / "state"),
               "MIBDIRS": "%s:%s" % (base_mibs(), rig.BUILD), "MIBS": "KVMSTAT-MIB:SNMPv2-MIB"}
        super().__init__(["snmptrapd", "-f", "-Lo", "-C", "-c", str(conf), "-OQs", "udp:127.0.0.1:%d" % self.port],
                         directory / "log", env=env)
        rig.wait_until(lambda: "NET-SNMP version" in self.text(), "snmptrapd listens")

    def sinks(self):
        """Lines of snmpd.conf."""
        to = "127.0.0.1:%d" % self.port
        return "\n".join([
            "exactEngineID " + self.ENGINE, "trapsink %s public" % to, "trap2sink %s public" % to, "informsink %s public" % to,
            "trapsess -v 3 -e %s %s %s" % (self.ENGINE, self.USER, to), "trapsess -v 3 -Ci %s %s" % (self.USER, to)])

    def received(self, what):
        """{kind: [{object: value}]} of a notification by its name, objects in their order without the instance."""
        found = {kind: [] for kind in self.KINDS}
        for line in self.text().splitlines():
            if not line.startswith("trap|"):
                continue
            fields = line.split("|")
            kind = next(kind for kind in self.KINDS if fields[1].startswith(kind))
            pairs = [field.partition(" = ") for field in fields[2:] if " = " in field]
            named = {name.strip(): value.strip('" ') for name, _, value in pairs}
            # SNMPv1 has the notification in a field of its own, the others in an object.
            if named.pop("snmpTrapOID.0", "") == what or fields[2].split()[-1] == what:
                named.pop("sysUpTime.0", None)
                found[kind].append(named)
        return found


class Agent(rig.Program):
    def __init__(self, directory, snmpd, options="", interval=1, wrapper=(), env=None):
        directory.mkdir(exist_ok=True)
        self.conf = directory / "kvmstat-agentx.conf"
        state = directory / "state"
        state.mkdir(exist_ok=True)
        self.conf.write_text("AgentXSocket %s\nStateDir %s\nInterval %d\n%s\n" % (snmpd.agentx, state, interval, options),
                             encoding="utf-8", errors="surrogateescape")
        self.snmpd = snmpd
        super().__init__([*wrapper, rig.built("kvmstat-agentx"), "-c", str(self.conf)], directory / "agent.log",
                         env={**snmpd.env, **(env or {})})
        rig.wait_until(lambda: snmpd.get("kvmSampleNumber.0"), "the subagent is connected and has a sample:\n" + self.text())
