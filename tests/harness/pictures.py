"""Pictures made and looked at without a library."""

import struct
import zlib


def png(width, height, *, depth=8, colour=2, data=None):
    """A picture without any colour but black."""
    row = bytes(1 + (width * depth * (3 if colour == 2 else 1) + 7) // 8)
    packed = zlib.compressobj(9)
    data = data or b"".join(packed.compress(row) for _ in range(height)) + packed.flush()
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def look(content):
    """The type of a picture, its width and its height, out of its bytes."""
    if content.startswith(b"\x89PNG"):
        return "image/png", *struct.unpack(">II", content[16:24])
    if content.startswith(b"GIF8"):
        return "image/gif", *struct.unpack("<HH", content[6:10])
    assert content.startswith(b"\xff\xd8"), content[:20]
    at = 2
    while content[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    height, width = struct.unpack(">HH", content[at + 5 : at + 9])
    return "image/jpeg", width, height
