"""Carries HCI packets between /dev/vhci and a virtio serial port: python3 vhci_bridge.py PORT."""

import os
import selectors
import sys

CREATE_CONTROLLER = b"\xff\x00"
LENGTHS = {1: (3, 1), 2: (3, 2), 3: (3, 1), 4: (2, 1), 5: (3, 2)}
"""Where the length stands in a packet of each type, and in how many bytes (Core Spec 4.A)."""


def write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(file, rest) :]
        except BlockingIOError:
            continue


def whole_packets(buffer: bytearray) -> list[bytes]:
    """Take whole packets from the front of a buffer."""
    packets = []
    while buffer:
        at, size = LENGTHS[buffer[0]]
        length = at + size + int.from_bytes(buffer[at : at + size], "little")
        if len(buffer) < max(at + size, length):
            break
        packets.append(bytes(buffer[:length]))
        del buffer[:length]
    return packets


def main(path: str) -> None:
    port = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    vhci = os.open("/dev/vhci", os.O_RDWR | os.O_NONBLOCK)
    os.write(vhci, CREATE_CONTROLLER)
    selector = selectors.DefaultSelector()
    for file in (port, vhci):
        selector.register(file, selectors.EVENT_READ)
    buffer = bytearray()
    while True:
        for key, _ in selector.select():
            if key.fd == vhci:
                packet = os.read(vhci, 4096)  # one packet at a time
                if packet[:1] != CREATE_CONTROLLER[:1]:
                    write(port, packet)
                continue
            try:
                buffer += os.read(port, 65536)
            except BlockingIOError:
                continue
            for packet in whole_packets(buffer):
                os.write(vhci, packet)  # and one at a time back


main(sys.argv[1])
