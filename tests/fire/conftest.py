# SPDX-License-Identifier: MIT
"""The rig of tests/integration."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "integration"), os.path.join(HERE, "..", "trees")]


def times(short, long):
    """How often a part does what it does."""
    return long if "FIRE" in os.environ else short
