"""An engine that greets as it should and then breaks the protocol in the way that its argument names.

With ``note`` it does not: it gives the content back, and a note for the artist.
"""

import json
import os
import struct
import sys

NOTE = "Memory ran short, so it was painted in tiles, which takes longer."


def receive():
    (length,) = struct.unpack(">I", os.read(0, 4))
    header = json.loads(sys.stdin.buffer.raw.read(length))
    pictures = []
    for a in header.get("attachments", []):
        left = a["height"] * a["width"] * a["channels"] * {"u8": 1, "u16": 2, "f32": 4}[a["dtype"]]
        pictures.append(b"")
        while left:
            part = os.read(0, min(left, 1 << 16))
            pictures[-1] += part
            left -= len(part)
    return header, pictures


def send(header, data=b""):
    text = json.dumps(header).encode()
    os.write(1, struct.pack(">I", len(text)) + text + data)


receive()
send({"type": "ready", "id": 0, "protocol": 1, "version": "0", "device": "cpu", "features": [], "log": "/engine.log"})
request, (content, _) = receive()
picture = dict(request["attachments"][0], name="result")
result = {"type": "result", "id": request["id"], "finished": True, "used": {}, "attachments": [picture]}
lie = sys.argv[1]
if lie == "header":
    os.write(1, struct.pack(">I", 0xFFFFFFF0) + b"{}")
elif lie == "no json":
    os.write(1, struct.pack(">I", 5) + b"hello")
elif lie == "giant":
    send({**result, "attachments": [{**picture, "height": 65000, "width": 65000}]})
elif lie == "other size":
    picture["height"] -= 1
    send(result, bytes(picture["height"] * picture["width"] * picture["channels"] * 4))
elif lie == "short":
    send(result, b"1234")
    sys.exit(0)
elif lie == "note":
    send({**result, "used": {"note": NOTE}}, content)
elif lie == "odd progress":
    send({"type": "progress", "id": request["id"], "fraction": 0.5, "size": "large", "steps": 3, "step": 1})
receive()
