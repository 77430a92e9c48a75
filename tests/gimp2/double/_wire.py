# -*- coding: utf-8 -*-
"""The plug-in's side of the two pipes to the double of GIMP (tests/gimp2/app/application.py). Python 2.7."""

import json
import os
import sys

incoming = outgoing = None


class Failure(Exception):
    """A procedure that did not succeed: its status and GIMP's message."""

    def __init__(self, status, message):
        Exception.__init__(self, message)
        self.status, self.message = status, message


def connect():
    """The pipes that GIMP names on the command line; the mode."""
    global incoming, outgoing
    if len(sys.argv) < 6 or sys.argv[1] != "-gimp":
        sys.stderr.write("%s is a GIMP plug-in and must be run by GIMP to be used\n" % sys.argv[0])
        sys.exit(1)
    incoming, outgoing = os.fdopen(int(sys.argv[2]), "rb"), os.fdopen(int(sys.argv[3]), "wb", 0)
    return sys.argv[4]


def tell(**message):
    outgoing.write(json.dumps(_characters(message)) + "\n")


def hear():
    received = incoming.readline()
    if not received:
        os._exit(0)  # GIMP has gone
    return _bytes(json.loads(received))


def ask(op, **message):
    tell(op=op, **message)
    return hear()["answer"]


def call(name, *arguments):
    """A procedure's return values, as they travel."""
    answer = ask("call", name=name, args=list(arguments))
    if answer["status"] != "success":
        raise Failure(answer["status"], answer["message"])
    return answer["values"]


def _characters(value):
    if isinstance(value, str):
        return value.decode("latin-1")
    if isinstance(value, unicode):
        return value.encode("utf-8").decode("latin-1")
    if isinstance(value, dict):
        return dict((_characters(k), _characters(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return [_characters(part) for part in value]
    return value


def _bytes(value):
    if isinstance(value, unicode):
        return value.encode("latin-1")
    if isinstance(value, dict):
        return dict((_bytes(k), _bytes(v)) for k, v in value.items())
    if isinstance(value, list):
        return [_bytes(part) for part in value]
    return value
