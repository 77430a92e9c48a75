"""Neural style transfer on VGG16 features (Gatys, Ecker and Bethge, 2016): a library, a command line, an engine.

The whole public API is :func:`stylize`, :class:`Settings`, :class:`Progress`, :class:`Stop` and what they raise.
"""

__version__ = "0.1.0"
__all__ = [
    "PARAMETERS",
    "Cancelled",
    "Parameter",
    "PictureError",
    "Progress",
    "Result",
    "Settings",
    "SettingsError",
    "Stop",
    "stylize",
    "stylize_fully",
]

_FROM_SETTINGS = {"PARAMETERS", "Parameter", "Settings", "SettingsError"}
_FROM_STYLIZE = {"Cancelled", "PictureError", "Progress", "Result", "Stop", "stylize", "stylize_fully"}


def __getattr__(name):
    # torch takes seconds to import: settings, the command line's help and install.py do without it; and the command
    # line can see to Ctrl-C only once this module is there, so that it waits for nothing (PEP 562)
    if name in _FROM_SETTINGS:
        from nst_core import settings

        return getattr(settings, name)
    if name in _FROM_STYLIZE:
        from nst_core.process import importing, settle

        settle()
        with importing():
            from nst_core import stylizing

        return getattr(stylizing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
