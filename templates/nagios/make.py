# SPDX-License-Identifier: MIT
"""check_kvmstat: check_kvmstat.in, in which @kvmObject@ is the object's OID."""
import pathlib
import re

import tables


def check_kvmstat(mib):
    text = pathlib.Path(__file__).with_name("check_kvmstat.in").read_text("utf-8")
    return re.sub(r"@(\w+)@", lambda found: "." + mib[found[1]].oid, text)


tables.main({"check_kvmstat": check_kvmstat})
