# SPDX-License-Identifier: MIT
"""OpenNMS' own schemas, which OPENNMS_XSD names the directory of: they are not ours to have here."""
import os

import pytest
import rig
from conftest import need


@pytest.mark.parametrize("file, schema", [("datacollection.xml", "datacollection-config.xsd"), ("KVMSTAT.events.xml", "eventconf.xsd")])
def test_schema(made, file, schema):
    need("xmllint")
    if not os.path.exists(os.path.join(os.environ.get("OPENNMS_XSD", ""), schema)):
        pytest.skip("no %s in OPENNMS_XSD (opennms-config-model/src/main/resources/xsds of OpenNMS)" % schema)
    rig.run("xmllint", "--noout", "--nonet", "--schema", os.path.join(os.environ["OPENNMS_XSD"], schema), str(made / "opennms" / file))
