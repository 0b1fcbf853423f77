# SPDX-License-Identifier: MIT
"""As much of SNMP as it takes to walk quickly: GETBULK requests of version 2c and what comes back."""
import itertools

REQUESTS = itertools.count(1)
INTEGER, OCTETS, NULL, OID, SEQUENCE, GETBULK, RESPONSE = 0x02, 0x04, 0x05, 0x06, 0x30, 0xa5, 0xa2


def pack(tag, content):
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    return bytes([tag, 0x82]) + size.to_bytes(2, "big") + content


def pack_int(number):
    return pack(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def pack_oid(oid):
    content = bytes([oid[0] * 40 + oid[1]])
    for subid in oid[2:]:
        septets = [subid & 0x7f]
        while subid := subid >> 7:
            septets.insert(0, subid & 0x7f | 0x80)
        content += bytes(septets)
    return pack(OID, content)


def unpack(data, at):
    """(tag, content, where the next one begins)"""
    tag, size, at = data[at], data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7f
        size, at = int.from_bytes(data[at:at + count], "big"), at + count
    return tag, data[at:at + size], at + size


def unpack_all(data):
    at, found = 0, []
    while at < len(data):
        tag, content, at = unpack(data, at)
        found.append((tag, content))
    return found


def unpack_oid(content):
    oid, subid = [content[0] // 40, content[0] % 40], 0
    for byte in content[1:]:
        subid = subid << 7 | byte & 0x7f
        if not byte & 0x80:
            oid.append(subid)
            subid = 0
    return tuple(oid)


def getbulk(socket, names, repetitions):
    """[(OID, number)] that come after each of these names, repetition after repetition."""
    number = next(REQUESTS)
    varbinds = pack(SEQUENCE, b"".join(pack(SEQUENCE, pack_oid(name) + pack(NULL, b"")) for name in names))
    pdu = pack(GETBULK, pack_int(number) + pack_int(0) + pack_int(repetitions) + varbinds)
    socket.send(pack(SEQUENCE, pack_int(1) + pack(OCTETS, b"public") + pdu))
    message = unpack_all(unpack(socket.recv(65536), 0)[1])
    fields = unpack_all(message[2][1])
    answer, status = (int.from_bytes(content, "big") for _, content in fields[:2])
    if message[2][0] != RESPONSE or answer != number or status:
        raise ValueError("request %d: response %d with error %d" % (number, answer, status))
    pairs = (unpack_all(content) for _, content in unpack_all(fields[3][1]))
    return [(unpack_oid(name), int.from_bytes(value, "big")) for (_, name), (_, value) in pairs]
