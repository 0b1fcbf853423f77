# SPDX-License-Identifier: MIT
"""kvm.ko of s390x for an emulated processor without SIE. What counts events stays as it is.

Three changes, each of them to what is found exactly once: the test of sclp.has_sief2 looks at sclp.has_vt220, which QEMU
sets; PLO, which QEMU does not emulate, becomes a no-op (its result is only reported to user space); and calls of __sie64a
go to a stand-in (guests/standin.c), put at the end of .text.
"""
import re
import struct

SHT_RELA, STT_SECTION = 4, 3
R_390_PC32DBL, R_390_PLT32DBL = 19, 20
SECTION, SYMBOL, RELOCATION = struct.Struct(">IIQQQQIIQQ"), struct.Struct(">IBBHQQ"), struct.Struct(">QQq")
# tm 1(%rN),0x40 and a branch on zero; plo 0,0,0,0(0) and ipm
HAS_SIEF2 = re.compile(rb"\x91\x40[\x00\x10\x20\x30\x40\x50\x60\x70\x80\x90\xa0\xb0\xc0\xd0\xe0\xf0](?=\x01[\xa7\xc0]\x84)", re.DOTALL)
PLO = re.compile(rb"\xee\0\0\0\0\0(?=\xb2\x22)")
NO_OP = b"\xc0\x04\0\0\0\0"


class Elf:
    """A relocatable file of 64 bits, big-endian."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.table, = struct.unpack_from(">Q", data, 40)
        count, strings = struct.unpack_from(">HH", data, 60)
        self.sections = [list(SECTION.unpack_from(data, self.table + i * SECTION.size)) for i in range(count)]
        self.names = [self.string(strings, section[0]) for section in self.sections]

    def string(self, table, at):
        start = self.sections[table][4] + at
        return self.data[start:self.data.index(b"\0", start)].decode()

    def place(self, name):
        """(offset, size) of a section"""
        return self.sections[self.names.index(name)][4:6]

    def contents(self, name):
        offset, size = self.place(name)
        return bytes(self.data[offset:offset + size])

    def entries(self, name, layout):
        """(offset, fields) of each entry of a section."""
        offset, size = self.place(name)
        return [(at, layout.unpack_from(self.data, at)) for at in range(offset, offset + size, layout.size)]

    def replace(self, name, contents):
        """A section that has grown lies at the end of the file."""
        number = self.names.index(name)
        self.data += bytes(-len(self.data) % 64)
        self.sections[number][4:6] = len(self.data), len(contents)
        self.data += contents
        SECTION.pack_into(self.data, self.table + number * SECTION.size, *self.sections[number])


def only(found, what):
    found = list(found)
    if len(found) != 1:
        raise LookupError("kvm.ko: %s: found %d times, expected once" % (what, len(found)))
    return found[0]


def call_standin(elf, code):
    text = elf.contents(".text")
    text += bytes(-len(text) % 16)
    strings = elf.sections[elf.names.index(".symtab")][6]
    symbols = [fields for _, fields in elf.entries(".symtab", SYMBOL)]
    sie = only((i for i, symbol in enumerate(symbols) if elf.string(strings, symbol[0]) == "__sie64a"), "__sie64a")
    of_text = only((i for i, symbol in enumerate(symbols)
                    if symbol[1] & 15 == STT_SECTION and symbol[3] == elf.names.index(".text")), "the symbol of .text")
    calls = [(at, fields) for at, fields in elf.entries(".rela.text", RELOCATION) if fields[1] >> 32 == sie]
    if not calls or any((info & 0xffffffff, addend) != (R_390_PLT32DBL, 2) for _, (_, info, addend) in calls):
        raise LookupError("kvm.ko: __sie64a is not only called")
    for at, (where, _, _) in calls:
        RELOCATION.pack_into(elf.data, at, where, of_text << 32 | R_390_PC32DBL, len(text) + 2)
    elf.replace(".text", text + code)


def patched(kvm, standin):
    """kvm.ko and standin.o as bytes; kvm.ko as bytes, or LookupError."""
    elf, code = Elf(kvm), Elf(standin)
    if ".rela.text" in code.names:
        raise LookupError("the stand-in has relocations")
    init, (start, _) = elf.contents(".init.text"), elf.place(".init.text")
    elf.data[start + only(HAS_SIEF2.finditer(init), "the test of has_sief2").end()] = 0
    at = start + only(PLO.finditer(init), "PLO").start()
    elf.data[at:at + len(NO_OP)] = NO_OP
    call_standin(elf, code.contents(".text"))
    return bytes(elf.data)
