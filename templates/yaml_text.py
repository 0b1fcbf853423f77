# SPDX-License-Identifier: MIT
"""YAML of dicts, lists, strings, numbers and truth values, for scripts that have Python's own library only."""
import json
import re

# What YAML, whatever its version, reads as a string although nothing quotes it.
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*|[0-9]+([.][0-9]+){2,}")
WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    if any(ord(char) < 32 for char in value):
        return json.dumps(value, ensure_ascii=False)
    return "'%s'" % value.replace("'", "''")


def lines(value):
    """The lines of a value that has no place beside its key."""
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list)) and item:
                yield scalar(key) + ":"
                indent = "  " if isinstance(item, dict) else ""
                yield from (indent + line for line in lines(item))
            else:
                yield "%s: %s" % (scalar(key), "{}" if item == {} else "[]" if item == [] else scalar(item))
    elif isinstance(value, list):
        for item in value:
            first, *rest = lines(item)
            yield "- " + first
            yield from ("  " + line for line in rest)
    else:
        yield scalar(value)


def text(value):
    return "\n".join(lines(value)) + "\n"
