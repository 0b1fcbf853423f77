# SPDX-License-Identifier: MIT
"""QEMU of the kernel's distribution, in a root of its own, with a firmware that makes known exits."""
import os
import re
import struct
import subprocess

import machine
import rig

ROOT = "/qemu"
PROGRAM = "/usr/bin/qemu-system-x86_64"
FIRMWARE_SIZE = 65536
RESET = 0xfff0		# where a processor starts
PORT = b"\xe6\x80"	# out %al,$0x80
HALT = b"\xfa\xf4\xeb\xfd"	# cli; hlt; jmp to it


def firmware(code):
    """It begins with code; the processor's first jump goes there."""
    image = bytearray(FIRMWARE_SIZE)
    image[:len(code)] = code
    image[RESET:RESET + 3] = b"\xe9" + struct.pack("<H", FIRMWARE_SIZE - RESET - 3)
    return bytes(image)


def quiet(exits):
    """Writes to a port so many times, then halts for ever."""
    return firmware(b"\xb9" + struct.pack("<H", exits) + PORT + b"\xe2\xfc" + HALT)  # mov $exits,%cx; out; loop


def busy():
    """Never stops writing to the port."""
    return firmware(PORT + b"\xeb\xfc")


def enter():
    rig.die_with_parent()
    os.chroot(ROOT)
    os.chdir("/")


class Qemu(rig.Program):
    """A guest of QEMU with one processor that runs the firmware; the others wait to be started."""

    def __init__(self, log, name, image, vcpus=1, options=()):
        if not os.path.exists(ROOT + "/dev/kvm"):
            machine.mount("devtmpfs", ROOT + "/dev")
            machine.mount("proc", ROOT + "/proc")
        self.name, self.image = name, "/tmp/%s.bin" % name
        with open(ROOT + self.image, "wb") as file:
            file.write(image)
        args = [PROGRAM, "-name", "guest=" + name, "-machine", "microvm,pit=off,pic=off,rtc=off", "-accel", "kvm", "-m", "16",
                "-smp", str(vcpus), "-nodefaults", "-display", "none", "-bios", self.image, *options]
        super().__init__(args, log, preexec_fn=enter)

    def guests(self):
        """As Vmm.guests() does: where its directory is."""
        found = [name.split("-") for name in machine.directories() if name.startswith("%d-" % self.pid)]
        return [{"tid": int(tid), "fd": int(fd)} for tid, fd in found]


def version():
    text = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True, preexec_fn=enter).stdout
    return tuple(map(int, re.search(r"version (\d+)\.(\d+)", text).groups()))
