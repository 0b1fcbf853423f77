# SPDX-License-Identifier: MIT
"""Every notification with every severity that it may have is in one EVENT of SNMPTT's."""
import re


def blocks(made):
    text = (made / "snmptt/snmptt.conf.kvmstat").read_text("utf-8")
    return [block.splitlines() for block in re.split(r"^(?=EVENT )", text, flags=re.M)[1:]]


def test_each_severity_is_taken_once(made, mib):
    """As a number and as a word, which of them snmptrapd sends; cleared is the end, and the end is cleared."""
    for notification in mib.notifications():
        mine = [block for block in blocks(made) if block[0].split()[2] == "." + notification.oid]
        assert {block[0].split()[1] for block in mine} == {notification.name}
        place = notification.objects.index("kvmAlarmSeverity") + 1
        for word, number in mib["kvmAlarmSeverity"].values.items():
            lines = ["MATCH $%d: %d" % (place, number), "MATCH $%d: (%s)" % (place, word)]
            taken = [block for block in mine if set(lines) & set(block)]
            expected = (word == "cleared") == notification.name.endswith("Normal")
            assert len(taken) == expected, (notification.name, word)
            assert all(set(lines) <= set(block) for block in taken)
            assert not expected or (taken[0][0].split()[-1] == "Normal") == (word == "cleared")


def test_the_text_is_shown_and_the_pair(made, mib):
    for block in blocks(made):
        objects = next(found for found in mib.notifications() if found.name == block[0].split()[1]).objects
        shown = [objects[int(number) - 1] for number in re.findall(r"\$(\d)", block[1])]
        assert block[1].startswith("FORMAT ") and shown == ["kvmAlarmText", "kvmAlarmGuestKey", "kvmAlarmCause"]


def test_no_line_is_taken_for_another(made):
    """SNMPTT looks for keywords in the description, too."""
    for block in blocks(made):
        description = block[block.index("SDESC") + 1:block.index("EDESC")]
        assert not [line for line in description if re.match("EVENT|FORMAT|EXEC|PREEXEC|NODES|MATCH|REGEX|EDESC", line)]
