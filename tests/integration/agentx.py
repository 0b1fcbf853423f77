# SPDX-License-Identifier: MIT
"""AgentX masters by hand, and what systemd is told."""
import os
import socket
import struct
import threading

OPEN, CLOSE, REGISTER, PING, ADD_CAPS, RESPONSE = 1, 2, 3, 13, 16, 18
HEADER = struct.Struct(">BBBBIIII")
TABLES = 15


class Master:
    """Listens where snmpd would. answer(type, n) is called for the n-th PDU of a connection: an error of AgentX to reply with, or
    None for no reply. What came is in seen, by connection."""

    def __init__(self, path, answer=lambda kind, n: 0):
        self.answer, self.seen, self.path = answer, [], path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.seen.append([])
            threading.Thread(target=self.talk, args=(connection, self.seen[-1]), daemon=True).start()

    @staticmethod
    def read(connection, size):
        data = b""
        while len(data) < size:
            more = connection.recv(size - len(data))
            if not more:
                raise OSError
            data += more
        return data

    def talk(self, connection, seen):
        try:
            while True:
                _, kind, _, _, session, transaction, packet, length = HEADER.unpack(self.read(connection, HEADER.size))
                self.read(connection, length)
                error = self.answer(kind, len(seen))
                seen.append(kind)
                if error is not None and kind != CLOSE:
                    payload = struct.pack(">IHH", 1000, error, 0)
                    connection.sendall(HEADER.pack(1, RESPONSE, 16, 0, session or 7, transaction, packet, len(payload)) + payload)
        except OSError:
            connection.close()

    def count(self, kind):
        return sum(seen.count(kind) for seen in self.seen)

    def stop(self):
        self.listener.close()
        os.unlink(self.path)


class Systemd:
    """What a program told it, as {word: last value}, and all of it in order."""

    def __init__(self, path):
        self.told, self.last = [], {}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.env = {"NOTIFY_SOCKET": path}
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            for line in self.socket.recv(4096).decode().split("\n"):
                word, _, value = line.partition("=")
                self.told.append(line)
                self.last[word] = value

    def status(self):
        return self.last.get("STATUS", "")
