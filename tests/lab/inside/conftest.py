# SPDX-License-Identifier: MIT
import pytest

import machine
import qemu
import rig


@pytest.fixture(name="kvm")
def loaded_kvm():
    machine.load_kvm()


@pytest.fixture(name="new_vmm")
def vmm_maker(tmp_path):
    """Makes Vmm, ends them all."""
    made = []

    def make(name, **options):
        made.append(rig.Vmm(tmp_path / (name + ".log"), name, **options))
        return made[-1]
    yield make
    for vmm in made:
        vmm.stop()


@pytest.fixture(name="new_qemu")
def qemu_maker(tmp_path):
    """Makes Qemu, ends them all."""
    made = []

    def make(name, image, **options):
        made.append(qemu.Qemu(tmp_path / (name + ".log"), name, image, **options))
        return made[-1]
    yield make
    for guest in made:
        guest.stop()


@pytest.fixture(name="started")
def ended_programs():
    programs = []
    yield programs
    for program in reversed(programs):
        program.stop()


@pytest.fixture(name="watch")
def watch_maker(tmp_path):
    made = []

    def make(*args, **options):
        made.append(machine.Watch(str(tmp_path / ("watch%d.log" % len(made))), *args, **options))
        return made[-1]
    yield make
    for watch in made:
        watch.stop()


@pytest.fixture(name="log")
def kernel_log():
    return machine.KernelLog()
