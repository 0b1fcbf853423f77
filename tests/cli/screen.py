# SPDX-License-Identifier: MIT
"""A terminal for kvmstat top: a pty, and what a terminal of the kinds vt100, linux and xterm shows of what is printed."""
import fcntl
import os
import re
import select
import signal
import struct
import tempfile
import termios
import time
import unicodedata

from host import ENVIRONMENT, KVMSTAT, rig

KEYS = {"up": b"\x1bOA", "down": b"\x1bOB", "right": b"\x1bOC", "left": b"\x1bOD", "enter": b"\r", "esc": b"\x1b", "rubout": b"\x7f",
        "page up": b"\x1b[5~", "page down": b"\x1b[6~", "home": b"\x1bOH", "end": b"\x1bOF"}
CSI = re.compile(rb"\x1b\[([?>]?)([0-9;]*)([@-~])")
OTHER = re.compile(rb"\x1b([()][0-9A-B]|[=>78DMEHc])")
BOLD, UNDERLINE, REVERSE = 1, 4, 7


def width_of(character):
    return 2 if unicodedata.east_asian_width(character) in "WF" else 0 if unicodedata.combining(character) else 1


class Display:
    """What a terminal shows. A sequence that it does not know is an error."""

    def __init__(self, columns, rows):
        self.pending, self.sgr, self.seen_sgr, self.full, self.last = b"", (), set(), False, " "
        self.y = self.x = 0
        self.resize(columns, rows)

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.cells = [[(" ", ())] * columns for _ in range(rows)]
        self.top, self.bottom = 0, rows - 1
        self.y, self.x = min(self.y, rows - 1), min(self.x, columns - 1)

    def lines(self):
        return ["".join(character for character, _ in row).rstrip() for row in self.cells]

    def lines_with(self, attribute):
        """Those that begin so."""
        return [line for line, row in zip(self.lines(), self.cells) if attribute in row[0][1]]

    def marked(self, y, attribute):
        """The part of a line that stands out so."""
        return "".join(character for character, sgr in self.cells[y] if attribute in sgr)

    def feed(self, data):
        data = self.pending + data
        at = 0
        while at < len(data):
            step = self.sequence(data, at) if data[at:at + 1] == b"\x1b" else self.character(data, at)
            if not step:
                break
            at += step
        self.pending = data[at:]

    def sequence(self, data, at):
        found = CSI.match(data, at)
        if found:
            self.control(found[1].decode(), [int(n) for n in found[2].split(b";") if n], found[3].decode())
            return len(found[0])
        found = OTHER.match(data, at)
        if found:
            self.other(found[1])
            return len(found[0])
        assert len(data) - at < 16, "unknown sequence %r" % data[at:at + 16]
        return 0

    def other(self, what):
        if what in (b"D", b"E"):
            self.line_feed()
        elif what == b"M":
            if self.y == self.top:
                self.scroll(-1)
            else:
                self.y = max(0, self.y - 1)

    def control(self, private, numbers, final):
        n = numbers[0] if numbers else 0
        row = self.cells[self.y]
        if private:
            self.full = {"h": True, "l": False}[final] if 1049 in numbers else self.full
        elif final == "m":
            self.select(numbers or [0])
        elif final in "Hf":
            self.y = min(max(n, 1), self.rows) - 1
            self.x = min(max(numbers[1] if len(numbers) > 1 else 1, 1), self.columns) - 1
        elif final in "ABCD":
            self.y = min(max(self.y + {"A": -1, "B": 1}.get(final, 0) * max(n, 1), 0), self.rows - 1)
            self.x = min(max(self.x + {"D": -1, "C": 1}.get(final, 0) * max(n, 1), 0), self.columns - 1)
        elif final in "G`":
            self.x = min(max(n, 1), self.columns) - 1
        elif final == "d":
            self.y = min(max(n, 1), self.rows) - 1
        elif final == "J":
            self.erase_display(n)
        elif final == "K":
            span = {0: range(self.x, self.columns), 1: range(0, self.x + 1), 2: range(self.columns)}[n]
            for x in span:
                row[x] = (" ", ())
        elif final == "X":
            for x in range(self.x, min(self.x + max(n, 1), self.columns)):
                row[x] = (" ", ())
        elif final == "P":
            del row[self.x:self.x + max(n, 1)]
            row += [(" ", ())] * (self.columns - len(row))
        elif final == "@":
            row[self.x:self.x] = [(" ", ())] * max(n, 1)
            del row[self.columns:]
        elif final == "b":
            for _ in range(max(n, 1)):
                self.put(self.last)
        elif final == "r":
            self.top, self.bottom = max(n, 1) - 1, (numbers[1] if len(numbers) > 1 else self.rows) - 1
            self.y = self.x = 0
        elif final in "ST":
            self.scroll(max(n, 1) if final == "S" else -max(n, 1))
        elif final in "LM":
            self.insert_lines(max(n, 1) if final == "L" else -max(n, 1))
        else:
            assert final in "hlntc", "unknown sequence %r" % final

    def erase_display(self, n):
        assert n in (0, 2)
        for y in range(self.y if n == 0 else 0, self.rows):
            for x in range(self.x if n == 0 and y == self.y else 0, self.columns):
                self.cells[y][x] = (" ", ())

    def insert_lines(self, count):
        top, self.top = self.top, self.y
        self.scroll(-count)
        self.top = top

    def select(self, numbers):
        for n in numbers:
            self.seen_sgr.add(n)
            self.sgr = () if n == 0 else self.sgr + (n,)
            if n in (22, 24, 27):
                self.sgr = tuple(old for old in self.sgr if old not in ({22: 1, 24: 4, 27: 7}[n], n))

    def scroll(self, lines):
        blank = [[(" ", ())] * self.columns for _ in range(abs(lines))]
        region = self.cells[self.top:self.bottom + 1]
        region = region[lines:] + blank if lines > 0 else blank + region[:lines]
        self.cells[self.top:self.bottom + 1] = region

    def line_feed(self):
        if self.y == self.bottom:
            self.scroll(1)
        else:
            self.y = min(self.y + 1, self.rows - 1)

    def character(self, data, at):
        byte = data[at]
        if byte < 0x20 or byte == 0x7f:
            if byte == 0x0a:
                self.line_feed()
            elif byte == 0x0d:
                self.x = 0
            elif byte == 0x08:
                self.x = max(0, self.x - 1)
            else:
                assert byte in (0x00, 0x07, 0x0e, 0x0f), "control character %#x" % byte
            return 1
        length = 1 if byte < 0x80 else 2 if byte < 0xe0 else 3 if byte < 0xf0 else 4
        if at + length > len(data):
            return 0
        self.put(data[at:at + length].decode("utf-8", "strict"))
        return length

    def put(self, character):
        width = width_of(character)
        if self.x + width > self.columns:
            self.x = 0
            self.line_feed()
        self.cells[self.y][self.x] = (character, self.sgr)
        if width == 2:
            self.cells[self.y][self.x + 1] = ("", self.sgr)
        self.x += width
        self.last = character


class Screen:
    """kvmstat top in such a terminal."""

    def __init__(self, host, *args, size=(80, 24), term="xterm", env=None):
        self.size = size
        self.display = Display(*size)
        self.err = tempfile.TemporaryFile()
        self.args = [KVMSTAT, "--root", getattr(host, "root", host), "top", *args]
        self.env = {**ENVIRONMENT, "TERM": term, **(env or {})}
        self.env.pop("NO_COLOR", None) if not env else None
        self.printed, self.status, self.master, self.slave = b"", None, -1, -1

    def __enter__(self):
        # The parent keeps the slave: what the terminal is set to can be seen after the command has ended.
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", self.size[1], self.size[0], 0, 0))
        self.modes = termios.tcgetattr(self.slave)
        self.pid = os.fork()
        if not self.pid:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd, target in ((self.slave, 0), (self.slave, 1), (self.err.fileno(), 2)):
                os.dup2(fd, target)
            os.execvpe(self.args[0], self.args, self.env)
        return self

    def __exit__(self, kind, *_):
        try:
            if self.status is None:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        finally:
            self.close()
            said = self.said()
            self.err.close()
        assert kind or not rig.SANITIZER.search(said), said

    def close(self):
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)
        self.master = self.slave = -1

    def said(self):
        return os.pread(self.err.fileno(), 1 << 20, 0).decode(errors="replace")

    def read(self, seconds=0.0):
        """What was printed since."""
        while select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:  # nobody has the other end any more
                return
            if not data:
                return
            self.printed += data
            self.display.feed(data)
            seconds = 0.0

    def until(self, condition, what):
        """The first true result of condition(), looked at after each output."""
        def look():
            self.read(rig.POLL_SECONDS)
            assert self.status is not None or self.runs(), "it ended: " + self.said()
            return condition()
        try:
            return rig.wait_until(look, what)
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, "\n".join(self.display.lines()))) from None

    def runs(self):
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.status = os.waitstatus_to_exitcode(status)
        return not pid

    def shows(self, *words):
        """Wait until lines match all of these regular expressions; the first line of each."""
        def find():
            lines = self.lines()
            found = [next((line for line in lines if re.search(word, line)), None) for word in words]
            return found if None not in found else None
        return self.until(find, "the screen shows %r" % (words,))

    def hides(self, word):
        return self.until(lambda: not any(re.search(word, line) for line in self.lines()), "the screen does not show %r" % word)

    def lines(self):
        return self.display.lines()

    def rows(self):
        """The lines of the table."""
        return [line for line in self.lines()[3:-1] if line]

    def names(self):
        """The first words of the rows."""
        return [line.split()[0] for line in self.rows()]

    def current(self):
        """The row under the cursor."""
        found = [line for line, cells in zip(self.lines()[3:-1], self.display.cells[3:-1]) if REVERSE in cells[0][1]]
        return found[0] if found else ""

    def press(self, *keys):
        for key in keys:
            os.write(self.master, KEYS.get(key, key if isinstance(key, bytes) else key.encode()))

    def resize(self, columns, rows):
        self.read()
        self.display.resize(columns, rows)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def ended(self):
        """The exit status, or -signal; the terminal has been restored."""
        def over():
            self.read(0)
            return self.status is not None or not self.runs()
        rig.wait_until(over, "it ends")
        self.read(0)
        assert termios.tcgetattr(self.slave) == self.modes
        return self.status

    def restored(self):
        return not self.display.full
