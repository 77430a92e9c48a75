# -*- coding: utf-8 -*-
"""GIMP 3: the dialog, and what it still wants to know."""

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, GObject  # noqa: E402


def ask(procedure, config, parameters, layers):
    """Shows the dialog, whose OK waits for a style; False where the artist closed it."""
    gi.require_version("GimpUi", "3.0")
    gi.require_version("Gtk", "3.0")
    from gi.repository import GimpUi, Gtk

    GimpUi.init("neural-style")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, "Neural Style")
    file_chooser = style_file_chooser(GimpUi, procedure, config)
    labels = Gtk.SizeGroup.new(Gtk.SizeGroupMode.HORIZONTAL)
    labels.add_widget(file_chooser.get_label_widget())
    for parameter in parameters:
        if parameter.kind == "float":
            slider = dialog.get_scale_entry(parameter.argument, 1.0)
            slider.set_digits(0)
            labels.add_widget(slider.get_label())

    dialog.fill(["style"])
    dialog.get_content_area().pack_start(file_chooser, False, False, 0)
    hint = Gtk.Label(visible=True, xalign=0.0, wrap=True, max_width_chars=1)
    dialog.get_content_area().pack_start(hint, False, False, 0)
    dialog.fill([parameter.argument for parameter in parameters])

    # the style is one thing: what was chosen last holds
    def chosen(_config, changed):
        other = "style-file" if changed.name == "style" else "style"
        if config.get_property(changed.name) is not None and config.get_property(other) is not None:
            config.set_property(other, None)
        show_what_is_missing()

    def show_what_is_missing():
        missing = missing_style(config.get_property("style"), config.get_property("style-file"), layers)
        hint.set_text(missing)  # an empty line where nothing is: the dialog keeps its size
        dialog.set_response_sensitive(Gtk.ResponseType.OK, not missing)

    show_what_is_missing()
    manual = dialog.get_widget_for_response(Gtk.ResponseType.HELP)
    if manual is not None:
        manual.hide()  # it opens GIMP's own manual, which has no page on this filter

    handlers = [config.connect("notify::" + name, chosen) for name in ("style", "style-file")]
    going_on = dialog.run()
    for handler in handlers:
        config.disconnect(handler)
    dialog.destroy()
    return going_on


def missing_style(style, file, layers):
    """What the artist is to do before ``layers`` can be painted in the style of a drawable or file; else nothing."""
    if file is not None:
        return ""
    if style is None:
        return "No style is chosen: choose a style layer or a style file."
    if any(style == layer for layer in layers):
        return "The style is the layer %s itself: choose another layer as the style." % style.get_name()
    return ""


def style_file_chooser(GimpUi, procedure, config):
    """The chooser of the style file; the dialog makes none by itself for a file argument of any action."""
    argument = procedure.find_argument("style-file")
    chooser = GimpUi.FileChooser.new(Gimp.FileChooserAction.OPEN, argument.nick, "Choose the style", None)
    chooser.set_tooltip_text(argument.blurb)
    config.bind_property("style-file", chooser, "file",
                         GObject.BindingFlags.BIDIRECTIONAL | GObject.BindingFlags.SYNC_CREATE)
    chooser.show()
    return chooser
