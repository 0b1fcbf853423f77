# SPDX-License-Identifier: MIT
"""
What goes wrong, and when: a plan of faults, with their labels.

What a fault adds to a guest is a multiple of what the guest does when it begins.
"""
import math

MINUTE = 60
HOUR = 3600
DAY = 86400

# How many of each in a plan, per guest-week; small ones are below six times what the guest does just then.
RATES = {"io": 0.6, "spin": 0.4, "memory": 0.25, "interrupt": 0.25, "timer": 0.2, "ipi": 0.2, "userspace": 0.2, "lock": 0.2, "stalled": 0.2, "looping": 0.2}
EVENTS = {"io": "io", "spin": "cpu_ns", "memory": "paging", "interrupt": "interrupts", "timer": "timers", "ipi": "ipi", "userspace": "userspace",
          "lock": "yields", "stalled": "-", "looping": "-", "overcommit": "yields", "cpu-starved": "wait_ns"}


class Fault:
    """One fault of one guest (None: of the host)."""

    def __init__(self, cause, start, length, guest, size, note="-"):
        self.cause, self.start, self.end, self.guest, self.size, self.note = cause, start, start + length, guest, size, note
        self.base = None

    def big(self):
        return self.size >= 6 or self.cause in ("stalled", "looping", "overcommit", "cpu-starved")

    def label(self, host):
        guest = self.guest.name if self.guest and self.cause != "cpu-starved" else "*"
        return "%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s" % (self.start, self.end, host, guest, self.cause, EVENTS[self.cause], "big" if self.big() else "small",
                                               self.note)

    def ramp(self, now):
        """Faults begin within half a minute."""
        return min(1.0, (now - self.start + 10) / 30)

    def add(self, guest, do, now):
        """What it adds to the guest's events, once its base is known: what the guest does when it begins."""
        cpu, disk, net, wake, wait = do
        habit, factor = guest.habit, (self.size - 1) * self.ramp(now)
        if self.base is None:
            self.base = do
        cpu0, disk0, net0, wake0, _ = self.base
        kick = disk0 * habit["request"] + net0 * habit["packet_kick"]
        if self.cause == "io":
            return {"disk": factor * max(kick, 60) / habit["request"]}, 0.02 * self.size
        if self.cause == "spin":
            return {}, 1.0
        if self.cause == "memory":
            return {"paging": (1500 if guest.arch == "x86" else 60) * factor * math.sqrt(guest.vcpus)}, 0.05
        if self.cause == "interrupt":
            irq = disk0 * habit["interrupt"] + net0 * habit["packet_irq"] + (habit["tick"] + wake0 * habit["timer"] if guest.arch == "x86" else 0)
            return {"interrupt": factor * max(irq, 80)}, 0.1
        if self.cause == "timer":
            return {"timer": factor * max(habit["tick"] * (0.3 + cpu0) + wake0 * habit["timer"], 60)}, 0.05
        if self.cause == "ipi":
            return {"ipi": factor * max(wake0 * habit["ipi"] + cpu0 * habit["ipi_cpu"], 80)}, 0.1
        if self.cause == "userspace":
            return {"user": factor * max(habit["user"] + habit["mmio"], 60) }, 0.1
        if self.cause in ("lock", "overcommit"):
            return {"yield": factor * max(cpu0 * habit["lock"], 60)}, (0.3 if self.cause == "lock" else 2.0)
        return {}, 0.0


def plan(random, guests, cpus, begin, end):
    """Faults of all guests, none of a guest within two hours of another."""
    faults = []
    busy = {guest: [] for guest in guests}

    def place(guest, cause, length, size, note="-"):
        for _ in range(50):
            start = int(random.uniform(begin, end - length) / 10) * 10
            if all(start > other.end + 2 * HOUR or start + length < other.start - 2 * HOUR for other in busy[guest]):
                fault = Fault(cause, start, length, guest, size, note)
                faults.append(fault)
                for other in guests if cause == "cpu-starved" else [guest]:
                    busy[other].append(fault)
                return

    weeks = (end - begin) / (7 * DAY)
    for guest in guests:
        for cause, rate in RATES.items():
            if cause == "ipi" and guest.vcpus < 2 or cause == "lock" and (guest.vcpus < 2 or guest.vcpus > cpus):
                continue
            if cause == "timer" and guest.arch == "x86": # where no event counts timers
                continue
            n = rate * weeks
            for _ in range(int(n) + (random.random() < n % 1)):
                length = random.uniform(8, 60) * MINUTE if cause != "spin" else random.uniform(40, 240) * MINUTE
                place(guest, cause, int(length), random.choice((3, 4, 6, 8, 10, 15, 25)) if cause != "spin" else 2)
        if guest.vcpus > cpus:
            for _ in range(3):
                place(guest, "overcommit", int(random.uniform(8, 40) * MINUTE), random.uniform(8, 60))
    hungry = [guest for guest in guests if guest.vcpus >= 2 * cpus]
    for _ in range(3):
        place(random.choice(hungry), "cpu-starved", int(random.uniform(10, 60) * MINUTE), 6, "neighbour")
    return sorted(faults, key=lambda fault: fault.start)
