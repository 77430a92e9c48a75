#!/usr/bin/env python2
# -*- coding: utf-8 -*-
"""The double of GIMP 2.10's batch interpreter for Python. Python 2.7."""

from gimpfu import *


def evaluate(code):
    exec code in globals()


register("python-fu-eval", "Evaluate Python code", "", "", "", "", None, None, [(PF_STRING, "code", "The code", "")], [],
         evaluate)
main()
