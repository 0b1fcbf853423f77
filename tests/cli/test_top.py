# SPDX-License-Identifier: MIT
"""kvmstat top in a terminal: what it shows of hosts whose numbers are known, and what each key does."""
import os
import re
import shutil
import signal
import subprocess
import sys
import termios

import pytest
from host import ENVIRONMENT, KVMSTAT, Host, refused, rig, run
from kept import Kept
from opened import Opened
from screen import REVERSE, UNDERLINE, Screen

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trees"))
import maketree  # noqa: E402

UUID = "11111111-2222-3333-4444-555555555555"
ALL_KEYS = ["up", "down", "left", "right", "enter", "esc", "rubout", "page up", "page down", "home", "end", *"/n<>R !?abcdfghoprsvwx0\t\f"]


def without_ncurses():
    return b"built without ncurses" in run("top").stderr


pytestmark = pytest.mark.skipif(without_ncurses(), reason="built without ncurses")


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path / "host")
    for name, exits in (("ann", 500), ("bob", 3000), ("cem", 40)):
        host.guest(name, exits=exits, io_exits=exits // 10, halt_exits=exits // 2)
    return host


@pytest.fixture(scope="module")
def s390x(tmp_path_factory):
    """A host that stands still: totals are what is compared."""
    root = str(tmp_path_factory.mktemp("s390x"))
    maketree.make_tree(root, "s390x-6.12", guests=5)
    return root


def total(root, event, guest=None):
    """In all guests or one, as the files say."""
    with open(os.path.join(root, "tree.json"), encoding="utf-8") as file:
        guests = maketree.json.load(file)["guests"]
    return sum(maketree.values(root, each)[event] for each in guests if guest in (None, each["name"]))


# ---- where there is no screen ----

def top(*args, **env):
    return subprocess.run([KVMSTAT, "top", *args], capture_output=True, stdin=subprocess.DEVNULL, timeout=rig.PATIENCE,
                          env={**ENVIRONMENT, **env}, check=False)


def test_no_terminal():
    done = top(TERM="xterm")
    assert done.returncode == 1 and done.stdout == b""
    assert done.stderr == (b"kvmstat: cannot show a screen: standard input and output are not a terminal; "
                           b"'kvmstat guests 1' needs no screen\n")


@pytest.mark.parametrize("term, why", [
    ("dumb", "cannot move its cursor; set TERM to what the terminal is, such as vt100, instead of 'dumb'"),
    ("nosuchterminal", "there is no description of a terminal of this kind; set TERM to one that this host knows, such as vt100, "
                       "instead of 'nosuchterminal'"),
    ("", "TERM is not set; set it to the kind of your terminal, as in TERM=vt100"),
])
def test_terminal_that_cannot_show_it(host, term, why):
    with Screen(host, term=term) as screen:
        assert screen.ended() == 1
        assert why in screen.said() and "'kvmstat guests 1' needs no screen" in screen.said()
        assert screen.printed == b""


@pytest.mark.parametrize("args, message", [
    (["top", "1", "3"], "unexpected argument '3': 'kvmstat top' runs until q is typed"),
    (["--csv", "top"], "'kvmstat top' does not accept --csv"),
    (["--color=pink", "top"], "--color 'pink' is not auto, always or never"),
    (["--color=never", "guests"], "'kvmstat guests' does not accept --color"),
    (["top", "0.01"], "interval '0.01' is not a number"),
])
def test_wrong_words(args, message):
    assert message in refused(*args)


def test_unknown_guest(host):
    with Screen(host, "nobody") as screen:
        assert screen.ended() == 1
        assert "there is no guest 'nobody'; these are running:" in screen.said() and screen.printed == b""


# ---- begin and end ----

@pytest.mark.parametrize("size", [(80, 24), (132, 43), (20, 5), (300, 60), (10, 3), (1, 1)], ids=str)
@pytest.mark.parametrize("term", ["xterm", "vt100", "linux"])
def test_sizes(host, size, term):
    with Screen(host, "0.1", size=size, term=term) as screen:
        if size >= (20, 5):
            screen.shows("bob"[:size[0]])
        if size >= (80, 24):
            screen.shows(r"^\S+  3 guests  3 vCPUs : 2 CPUs  every 0\.1 s  debugfs  lockdown none$", "^GUEST .* EXITS", "^h help .* q quit$")
        # Until it reads keys, the terminal itself prints them, and be it amid a sequence.
        screen.until(lambda: screen.printed and not termios.tcgetattr(screen.slave)[3] & termios.ECHO, "it reads keys")
        screen.press("q")
        assert screen.ended() == 0 and screen.restored() and screen.said() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals_restore_the_terminal(host, number):
    with Screen(host, "0.1") as screen:
        screen.shows("bob")
        assert not screen.restored()
        os.kill(screen.pid, number)
        assert screen.ended() == -number and screen.restored()


def test_interrupt_key(host):
    with Screen(host, "0.1") as screen:
        screen.shows("bob")
        screen.press(b"\x03")
        assert screen.ended() == -signal.SIGINT and screen.restored()


def test_closed_terminal(host):
    with Screen(host, "0.1") as screen:
        screen.shows("bob")
        screen.close()
        rig.wait_until(lambda: not screen.runs(), "it ends")


def test_resize(host):
    with Screen(host, "0.1") as screen:
        screen.shows("EXITS")
        for size in ((30, 10), (132, 43), (8, 4), (80, 24)):
            screen.resize(*size)
            screen.until(lambda: screen.lines()[1].startswith("guests"), "the path at %r" % (size,))
        screen.shows("EXITS", "bob")
        screen.press("q")
        assert screen.ended() == 0


# ---- every key, everywhere ----

@pytest.mark.parametrize("size", [(80, 24), (20, 5)], ids=str)
@pytest.mark.parametrize("place", ["", "\r", "b", "a", "v", "h", "\rv", "b\r", "g", "f", "/", "s", "p"], ids=repr)
def test_every_key(host, tmp_path, place, size):
    """Nothing ends it but q, and the next key works."""
    os.chdir(tmp_path)
    with Screen(host, "0.1", size=size) as screen:
        screen.shows("bob")
        for key in ALL_KEYS:
            screen.press(*place, key)
            screen.press("esc", "c")
            screen.until(lambda: screen.lines()[1].startswith("guests"), "the guests after %r %r" % (place, key))
        screen.press("q")
        assert screen.ended() == 0 and screen.restored() and screen.said() == ""


# ---- guests ----

def test_order_of_guests(host):
    with Screen(host, "-t", "0.1") as screen:
        screen.until(lambda: screen.names() == ["bob", "ann", "cem"], "guests by total")
        screen.shows("^bob .* 3000 +300 +1500 ")
        assert "by EXITS" in screen.lines()[1] and screen.display.marked(2, UNDERLINE).strip() == "EXITS"
        screen.press("R")
        screen.until(lambda: screen.names() == ["cem", "ann", "bob"], "the other way round")
        screen.press("R", ">")
        screen.shows("by I/O")
        screen.press(*"<" * 5)
        screen.until(lambda: "by GUEST" in screen.lines()[1] and screen.names() == ["ann", "bob", "cem"], "by name")
        screen.press("o")
        screen.shows("by EXITS")


def test_cursor_stays_on_its_guest(host):
    with Screen(host, "-t", "0.1") as screen:
        screen.until(lambda: screen.names() == ["bob", "ann", "cem"], "guests")
        screen.press("down")
        screen.until(lambda: screen.current().startswith("ann"), "the cursor on ann")
        host.guest("dee", exits=9000)
        screen.until(lambda: screen.names() == ["dee", "bob", "ann", "cem"] and screen.current().startswith("ann"), "ann among four")
        shutil.rmtree(host.kvm + "/1010-9")  # bob
        screen.until(lambda: screen.names() == ["dee", "ann", "cem"] and screen.current().startswith("ann"), "ann among three")
        shutil.rmtree(host.kvm + "/1000-9")  # ann: the cursor stays where it is
        screen.until(lambda: screen.names() == ["dee", "cem"] and screen.current().startswith("cem"), "cem, where ann was")


def test_cursor_that_was_not_moved_stays_at_the_top(host):
    with Screen(host, "-t", "0.1") as screen:
        screen.until(lambda: screen.current().startswith("bob"), "the cursor on bob")
        host.guest("dee", exits=9000)
        screen.until(lambda: screen.current().startswith("dee"), "the cursor on dee")
        screen.press("down", "down", "home")
        screen.until(lambda: screen.current().startswith("dee"), "the cursor on dee again")


def test_many_guests_scroll(tmp_path):
    host = Host(tmp_path)
    for i in range(100):
        host.guest("g%03d" % i, exits=1000 - i)
    with Screen(host, "-t", "0.1") as screen:
        screen.until(lambda: screen.names() == ["g%03d" % i for i in range(20)], "the first 20")
        screen.press("page down")
        screen.until(lambda: screen.current().startswith("g020") and "21/100" in screen.lines()[1], "the 21st")
        screen.press("end")
        screen.until(lambda: screen.names()[-1] == "g099" and screen.current().startswith("g099"), "the last")
        screen.press("page up", "page up", "up")
        screen.until(lambda: screen.current().startswith("g058"), "two pages and one up")
        screen.resize(80, 10)
        screen.until(lambda: len(screen.rows()) == 6 and screen.current().startswith("g058"), "the same guest on a smaller screen")


def test_odd_names(tmp_path):
    """They are shown as kvmstat guests prints them, and none of them reaches the terminal as a sequence."""
    root = str(tmp_path / "tree")
    maketree.make_tree(root, "s390x-6.12", guests=1, odd=True)
    with Screen(root, "0.1", size=(132, 60)) as screen:
        screen.shows(r"^a/b ", r"^with space ", r"^ lead and trail ", r'^quote"s ', r"^new\\x0aline ", r"^\\x01\\x1b\[31m ", r"^日本 ",
                     r"^münchen ", r"^\\xff\\xfe\\x80 ", r"^per%cent%s%n ", r"^back\\\\slash ", r"^x+~ ", r'^"" ')
        assert screen.lines()[1].startswith("guests  1/31")
        screen.press("/", "\u672c", "enter")
        screen.until(lambda: screen.current().startswith("\u65e5\u672c"), "a name that was typed in UTF-8")
        screen.press("/", r"\x1b", "enter", "enter")
        screen.shows(r"^guests > \\x01\\x1b\[31m  1/")
        screen.press("q")
        assert screen.ended() == 0


def test_names_where_there_is_no_utf8(tmp_path):
    host = Host(tmp_path)
    host.guest("m\u00fcnchen", exits=1)
    with Screen(host, "0.1", term="vt100", env={"LC_ALL": "C"}) as screen:
        screen.shows(r"^m\\xc3\\xbcnchen ")
        assert max(screen.printed) < 0x80


# ---- one guest ----

def test_guest_that_ends_and_comes_back(tmp_path):
    host = Host(tmp_path)
    directory = host.guest("ann", UUID, exits=500)
    with Screen(host, "ann", "0.1") as screen:
        screen.shows("^guests > ann ", "^exits +500 ")
        screen.resize(70, 20)
        shutil.rmtree(directory)
        screen.resize(100, 30)
        screen.shows("The guest has ended. If it comes back, it is shown again")
        screen.press("enter", "v", "d", "x", "f", "enter")
        host.guest("ann", UUID, exits=7)
        screen.shows("^guests > ann ", "^exits +7 ")
        screen.press("esc", "esc", "esc", "q")
        assert screen.ended() == 0


def test_reset_and_freeze(host):
    directory = host.kvm + "/1000-9"
    with Screen(host, "ann", "0.1") as screen:
        screen.shows("^exits +500 ")
        screen.press("r")
        screen.shows("totals since", "kernel's counters go on")
        screen.hides("^exits +500 ")
        host.set(directory, {"exits": 510})
        screen.shows("^exits +10 ")
        screen.press(" ")
        screen.shows(r"^FROZEN \S+ \(\d+ s old\)")
        host.set(directory, {"exits": 600})
        screen.press("down", "up")
        screen.shows("^exits +10 ")
        screen.press(" ")
        screen.shows("^exits +100 ")
        screen.press("r")
        screen.shows("^exits +600 ")
        screen.hides("totals since")


def test_counter_that_falls_after_the_mark(host):
    with Screen(host, "ann", "0.1") as screen:
        screen.shows("^exits +500 ")
        screen.press("r")
        host.set(host.kvm + "/1000-9", {"exits": 3, "io_exits": 60})
        screen.shows("^io_exits +10 ")
        assert not any(line.startswith("exits ") for line in screen.lines())


# ---- the article: what an operator does on a host of IBM Z ----

def test_steps_of_an_operator(s390x):
    with Screen(s390x, "-t", "0.1", size=(100, 30)) as screen:
        screen.shows("^GUEST")
        screen.press("b")
        screen.shows("^events of all guests", r"^exit_instruction \+ +%d " % total(s390x, "exit_instruction"))
        assert not any("instruction_diagnose" in line for line in screen.lines())
        # Filter diagnose, as it is typed.
        screen.press("f", "diagn")
        screen.shows("^  instruction_diagnose_44 ", r"^events \(regular expression\): diagn$")
        screen.press("ose", "enter")
        screen.shows("filter diagnose")
        events = sorted(("instruction_diagnose_%s" % n for n in ("10", "44", "9c", "500")), key=lambda event: -total(s390x, event))
        screen.until(lambda: screen.names() == ["exit_instruction", *events], "the events by total")
        # Without the filter: drill down.
        screen.press("f", b"\x15", "enter")
        screen.hides("filter diagnose")
        screen.press("x")
        screen.shows("^exit_instruction ", "^  instruction_diagnose_44 ", "^    diag_9c_ignored ")
        # Who has it?
        screen.press("/", "diagnose_44", "enter")
        screen.until(lambda: "instruction_diagnose_44" in screen.current(), "the cursor on it")
        screen.press("enter")
        screen.shows("guests: instruction_diagnose_44 ")
        guests = sorted(("linux%02d" % i for i in range(1, 6)), key=lambda name: -total(s390x, "instruction_diagnose_44", name))
        screen.until(lambda: screen.names() == guests, "the guests that have it")
        screen.until(lambda: screen.rows()[0].split()[4:5] == [str(total(s390x, "instruction_diagnose_44", guests[0]))], "its total")
        # One guest, with the cursor on the event, and its vCPUs beside the host's CPUs.
        screen.press("enter")
        screen.shows("> %s " % guests[0])
        screen.until(lambda: "instruction_diagnose_44" in screen.current(), "the cursor on the event")
        screen.press("enter")
        screen.shows("> vCPUs: instruction_diagnose_44", r" 11 vCPUs : 16 CPUs ", "^VCPU THREAD STATE", "^   0 ")
        screen.shows("events of single vCPUs cannot be read")
        screen.press("d")
        screen.shows("^instruction_diagnose_44$", "^part of +exit_instruction$")
        screen.press("esc", "c")
        screen.until(lambda: screen.lines()[1].startswith("guests  "), "all guests")
        screen.press("q")
        assert screen.ended() == 0


def test_by_guest_with_a_filter_counts_nothing_twice(s390x):
    with Screen(s390x, "-t", "0.1") as screen:
        screen.shows("^GUEST")
        screen.press("f", "^(exit_instruction|instruction_diagnose_44)$", "enter")
        screen.shows("TOTAL PER SECOND")
        totals = {"linux%02d" % i: str(total(s390x, "exit_instruction", "linux%02d" % i)) for i in range(1, 6)}
        screen.until(lambda: {row.split()[0]: row.split()[4:5] for row in screen.rows()} == {
            name: [value] for name, value in totals.items()}, "the totals of the outer event only")


def test_filter_that_is_no_regular_expression(s390x):
    with Screen(s390x, "0.1", size=(100, 24)) as screen:
        screen.press("b", "f", "sigp")
        screen.shows("^  instruction_sigp_sense ")
        screen.press("(")
        screen.shows("not a regular expression yet", "^  instruction_sigp_sense ")
        screen.press("enter")
        screen.shows(r"'sigp\(' is not a regular expression", "^  instruction_sigp_sense ")
        screen.press("f", "esc")
        screen.shows("filter sigp")
        screen.press("f", b"\x15", "nosuch", "enter")
        screen.shows("No event that happened matches the filter")
        screen.press("c")
        screen.shows("^linux01 ")


# ---- what is asked ----

def test_guest_by_name_and_by_process(host):
    with Screen(host, "0.1") as screen:
        screen.shows("^bob ")
        screen.press("g", "CE")
        screen.hides("^bob ")
        screen.press("enter")
        screen.shows("^guests > cem ")
        screen.press("p", "101")
        screen.hides("^cem ")
        screen.press("enter")
        screen.shows("^guests > bob ")
        screen.press("g", "nobody", "enter")
        screen.shows("there is no such guest: nobody", "^bob ")


def test_search(host):
    with Screen(host, "-t", "0.1") as screen:
        screen.until(lambda: screen.names() == ["bob", "ann", "cem"], "guests")
        screen.press("/", "E", "enter")
        screen.until(lambda: screen.current().startswith("cem"), "cem")
        screen.press("/", b"\x15", "N", "enter")
        screen.until(lambda: screen.current().startswith("ann"), "ann")
        screen.press("/", "zz", "enter")
        screen.shows("")
        screen.until(lambda: screen.current().startswith("ann"), "ann still")


def test_interval(host):
    with Screen(host, "0.1") as screen:
        screen.shows(r"every 0\.1 s")
        for wrong in ("0", "-1", "x", "1e9", "nan", ""):
            screen.press("s", b"\x15", wrong, "enter")
            screen.shows("'%s' is not a number of seconds from 0.1 to 86400" % wrong)
        screen.press("s", b"\x15", "0.5", "enter")
        screen.shows(r"every 0\.5 s")


def test_write(host, tmp_path):
    text, csv = tmp_path / "seen.txt", tmp_path / "seen.csv"
    with Screen(host, "-t", "0.1", size=(120, 24)) as screen:
        screen.until(lambda: screen.names() == ["bob", "ann", "cem"], "guests")
        screen.press("R", "w", b"\x15", str(text), "enter")
        screen.shows("written to .*seen.txt")
        screen.press("w", b"\x15", str(text), "enter")
        screen.shows("cannot write .*seen.txt: it exists; choose another name")
        screen.press("w", b"\x15", str(csv), "enter")
        screen.shows("written to .*seen.csv")
        os.symlink(tmp_path / "elsewhere", tmp_path / "link")
        screen.press("w", b"\x15", str(tmp_path / "link"), "enter")
        screen.shows("cannot write .*link: it exists")
    assert [line.split()[0] for line in text.read_text().splitlines()] == ["GUEST", "cem", "ann", "bob"]
    lines = csv.read_bytes().decode().split("\r\n")
    assert lines[0].startswith("time,name,uuid,pid,vmm,vcpus,") and lines[0].count(",") == lines[1].count(",")
    assert [line.split(",")[1] for line in lines[1:4]] == ["cem", "ann", "bob"]
    assert not (tmp_path / "elsewhere").exists()


# ---- texts ----

def test_help_has_every_key(host):
    """What a new user needs: h, and the way back."""
    with Screen(host, "0.1", size=(80, 40)) as screen:
        screen.shows("^h help ")
        screen.press("h")
        screen.shows("^guests > help", "^  q +quit$")
        text = "\n".join(screen.lines())
        for key in "bcfghopqrsxavdnwR!</":
            assert key == "h" or re.search(r"^  [^ ].{0,14}", text, re.MULTILINE) and re.search(
                r"^  (?:\S+ )*%s(?: \S+)* " % re.escape(key), text, re.MULTILINE), key
        screen.resize(80, 10)
        screen.press("end")
        screen.shows("^.-.: there is no value")
        screen.press("home")
        screen.shows("^Where to go$")
        screen.press("q")
        screen.shows("^bob ")
        screen.press("q")
        assert screen.ended() == 0


def test_descriptions(host):
    with Screen(host, "0.1") as screen:
        screen.shows("^bob ")
        screen.press("d")
        screen.shows("^guests > guest", "^name +bob$|^name +ann$|^name +cem$", r"^process +\d+, fd 9$", "^vCPUs +1$")
        screen.press("esc", "enter", "d")
        screen.shows("^exits$", "^kind +cumulative, count, of each vCPU$", "^source +debugfs$")
        screen.press("esc", "!")
        screen.shows("^There is no problem.", "^  debugfs +active$", "^  bpf +missing$")


def test_no_guests_and_lockdown(tmp_path):
    host = Host(tmp_path)
    with Screen(host, "0.1") as screen:
        screen.shows(r"No KVM guests are visible\. '!' shows what stands in the way\.")
        host.guest("ann", exits=1)
        screen.shows("^ann ")


def test_alarms(host, tmp_path):
    kept = Kept(tmp_path / "state").guest("ann", levels={1180: 5}).guest("bob")
    kept.alarm(7, "name:bob", "io", "bob: io_exits 700/s, never above 100 for a minute (io). virsh domblkstat bob").write()
    with Screen(host, "--state-dir", kept.directory, "-t", "0.1", size=(120, 24), term="xterm-256color") as screen:
        screen.shows("  1 alarm  ", "^bob .* io$", "ALARM$")
        assert 31 in screen.display.seen_sgr
        screen.press("a")
        screen.shows("^guests > alarms", "^ 7 bob +io ")
        screen.press("enter")
        screen.shows("^bob: io_exits 700/s, never above 100 for a minute", "^next +virsh domblkstat bob", "^cause +io, ")
        screen.press("esc", "esc")
        screen.shows("^bob ")


def test_no_front_end(host):
    with Screen(host, "0.1") as screen:
        screen.press("a")
        screen.shows("^Nobody judges the guests of this host: start collectd with its plugin, or$", "^kvmstat-agentx, or name a directory")


# ---- terminals ----

@pytest.mark.parametrize("args, env, colors", [
    ([], {}, True), (["--color=never"], {}, False), ([], {"NO_COLOR": "1"}, False), ([], {"NO_COLOR": ""}, True),
    (["--color=always"], {"NO_COLOR": "1"}, True)], ids=str)
def test_colors(host, args, env, colors):
    with Screen(host, *args, "0.1", term="xterm-256color", env={"NO_COLOR": "", **env}) as screen:
        screen.shows("^bob ")
        assert (36 in screen.display.seen_sgr) == colors
        assert REVERSE in screen.display.seen_sgr


def test_terminal_that_is_stopped(host):
    """Samples go on, and it shows the last one when the terminal goes on."""
    with Screen(host, "ann", "0.1") as screen:
        screen.shows("^exits +500 ")
        termios.tcflow(screen.slave, termios.TCOOFF)
        for exits in range(501, 511):
            host.set(host.kvm + "/1000-9", {"exits": exits})
            with Opened(host.kvm + "/1000-9") as opened:
                rig.wait_until(lambda: "exits" in set(opened.read()), "another sample")
        assert not any(re.match("exits +510 ", line) for line in screen.lines())
        termios.tcflow(screen.slave, termios.TCOON)
        screen.shows("^exits +510 ")
        screen.press("q")
        assert screen.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_end_at_a_stopped_terminal(host, number):
    with Screen(host, "0.1") as screen:
        screen.shows("^bob ")
        termios.tcflow(screen.slave, termios.TCOOFF)
        os.kill(screen.pid, number)
        rig.wait_until(lambda: not screen.runs(), "it ends")
        assert termios.tcgetattr(screen.slave) == screen.modes
        termios.tcflow(screen.slave, termios.TCOON)


def test_terminal_that_reads_nothing(host):
    """More than the pty takes: it waits, goes on when somebody reads, and a signal ends it in any case."""
    with Screen(host, "0.1", size=(300, 60)) as screen:
        screen.shows("^bob ")
        screen.press(*["\f"] * 50)
        host.guest("dee", exits=9000)
        screen.shows("^dee ")
        screen.press(*["\f"] * 50)
        os.kill(screen.pid, signal.SIGTERM)
        rig.wait_until(lambda: not screen.runs(), "it ends")
        assert termios.tcgetattr(screen.slave) == screen.modes
