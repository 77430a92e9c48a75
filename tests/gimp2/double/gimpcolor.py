# -*- coding: utf-8 -*-
"""The double of pygimp's module ``gimpcolor``: that there is one. Python 2.7."""


class RGB(object):
    __module__ = "gimpcolor"
