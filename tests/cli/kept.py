# SPDX-License-Identifier: MIT
"""The file that a front end keeps, as it would have written it."""
import os
import time

DAYS = 9


def checksum(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return value


def word(text):
    text = text if isinstance(text, bytes) else text.encode()
    return b"".join(b"\\x%02x" % c if c < 0x20 or c in (0x5c, 0x7f) else bytes((c,)) for c in text)


class Kept:
    """A state directory. Lines are added, then written, whole and with a checksum."""

    def __init__(self, directory, age=0):
        self.directory, self.now = str(directory), int(time.time()) - age
        self.path = os.path.join(self.directory, "baseline")
        self.guests, self.alarms, self.first = [], [], b"kvmstat-baseline 1"
        os.makedirs(self.directory, exist_ok=True)

    def guest(self, name, key=None, levels=(), vcpus=1, ago=0):
        """levels: {number of an event: highest rate}"""
        line = b"guest\t%s\t%s\t%d\t%d\t%d\t%d\tquiet=%s" % (
            word(key or b"name:" + (name if isinstance(name, bytes) else name.encode())), word(name), vcpus,
            self.now - DAYS * 86400, self.now - ago, DAYS * 86400, b",".join([b"0.000"] * 24))
        self.guests += [line] + [b"%d\t%d\t%d" % (number, rate, rate) for number, rate in dict(levels).items()]
        return self

    def alarm(self, number, key, cause="overcommit", text="web: 64 vCPUs on 14 CPUs (overcommit). virsh vcpuinfo web", ago=300,
              event=1252, rate=b"2400\t61.000", severity=4):
        self.alarms.append(b"alarm\t%d\t%s\t%s\t%d\t%d\t%d\t%s\tknown\t%d\t%s" % (
            number, word(key), cause.encode(), event, self.now - ago, severity, rate, event, word(text)))
        return self

    def past(self, number, name, cause="io", ago=7200, lasted=600, ending=1, text="db: normal again after 10 min (io)"):
        self.alarms.append(b"past\t%d\t%s\t%s\t%s\t2001\t%d\t%d\t%d\t700\t100.000\t%s" % (
            number, word("name:" + name), word(name), cause.encode(), self.now - ago, self.now - ago + lasted, ending, word(text)))
        return self

    def data(self):
        lines = [self.first, b"host\t6.1\t%d\t10.000\t1000\t0.000" % self.now] + self.guests + self.alarms
        data = b"\n".join(lines) + b"\n"
        return data + b"end\t%016x\n" % checksum(data)

    def write(self, data=None):
        with open(self.path, "wb") as file:
            file.write(self.data() if data is None else data)
        return self
