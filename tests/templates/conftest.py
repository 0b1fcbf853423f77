# SPDX-License-Identifier: MIT
import os
import pathlib
import sys

import pytest

REPO = pathlib.Path(__file__).resolve().parents[2]
MADE, OTHER = pathlib.Path(os.environ["TEMPLATES"]), pathlib.Path(os.environ["OTHER"])
sys.path.insert(0, str(REPO / "templates"))

import tables  # noqa: E402


def load_yaml(path):
    yaml = pytest.importorskip("yaml", reason="no yaml for Python (Debian: python3-yaml)")
    return yaml.load(path.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@pytest.fixture(scope="session")
def made():
    """Where the files are that were made, each consumer's in its own directory."""
    return MADE


@pytest.fixture(scope="session")
def mib():
    return tables.Mib(MADE.parent / "KVMSTAT-MIB")


@pytest.fixture(scope="session")
def other_mib():
    return tables.Mib(OTHER.parent / "KVMSTAT-MIB")


@pytest.fixture(scope="session")
def events():
    """{name: event}"""
    return {event.name: event for event in tables.events()}


@pytest.fixture(scope="session")
def causes():
    """{name: cause}"""
    return {cause.name: cause for cause in tables.causes()}
