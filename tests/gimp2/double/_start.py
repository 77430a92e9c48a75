# -*- coding: utf-8 -*-
"""How GIMP and a plug-in's process begin and end with each other (gimpmodule.c of GIMP 2.10.34). Python 2.7."""

import sys

import _wire
from _arguments import parse


def install_procedure(*args):
    names = "name blurb help author copyright date label imagetypes type params results".split()
    given = dict(zip(names, args))
    assert len(args) == len(names)
    for name in ("name", "blurb", "help", "author", "copyright", "date"):
        parse("install_procedure", ["s"], [name], [given[name]])
    for name in ("label", "imagetypes"):
        if given[name] is not None:
            parse("install_procedure", ["s"], [name], [given[name]])
    rows = [parse("function", ["i", "s", "s"], ["type", "name", "description"], row) for row in given["params"]]
    _wire.ask("install", name=given["name"], params=rows, label=given["label"], imagetypes=given["imagetypes"])


def menu_register(*args):
    name, path = parse("menu_register", ["s", "s"], ["name", "path"], args)
    _wire.ask("menu", name=name, path=path)


def main(*args):
    """gimp_main and pygimp_run_proc: what is raised is printed by sys.excepthook, and is an execution error."""
    from _pdb import from_wire

    start, end, query, run = args
    mode = _wire.connect()
    request = _wire.hear()
    if mode == "-query":
        query()
        return
    values = tuple(from_wire(kind, value) for kind, value in request["params"])
    try:
        run(request["name"], values)
    except SystemExit:
        raise
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        _wire.tell(op="return", status="execution error", values=[])
        return
    _wire.tell(op="return", status="success", values=[])
