# -*- coding: utf-8 -*-
"""What GIMP 2.10 answers to each of many lines of Python-Fu, right and wrong ones. Python 2.7, run by python-fu-eval.

``conformance.json`` is what a GIMP 2.10.34 with its own Python-Fu answered; the double has to answer the same. To make it
anew, run in such a GIMP: gimp-console -i --batch-interpreter=python-fu-eval -b "OUT='…'; execfile('conformance.py')"
"""

import json

LINES = """
image = gimp.Image(40, 30, RGB)
image, image.ID, image.width, image.height, image.base_type, image.name, image.filename
soft = gimp.Layer(image, "soft", 16, 16, RGBA_IMAGE)
veil = soft.create_mask(ADD_MASK_WHITE)
veiled = veil.get_pixel_rgn(0, 0, 16, 16, True, False)
veiled[0:16, 0:16] = "".join(chr(i) for i in range(256))
veil.flush()
soft.fill(FILL_WHITE)
image.add_layer(soft, 0)
soft.add_mask(veil)
soft.remove_mask(MASK_APPLY)
[ord(value) for value in soft.get_pixel_rgn(0, 0, 16, 16, False, False)[0:16, 0:16][3::4]]
image.remove_layer(soft)
image.precision
gimp.Image(0, 5)
gimp.Image(5.5, 5)
gimp.Image(5)
gimp.Image("5", 5)
image.layers, image.channels, image.active_layer, image.active_drawable, image.floating_selection
layer = gimp.Layer(image, "Bl\\xc3\\xa4tter", 20, 16, RGBA_IMAGE, 100.0, NORMAL_MODE)
layer, layer.ID, layer.name, layer.width, layer.height, layer.type, layer.bpp, layer.has_alpha, layer.mode, layer.opacity
layer.offsets, layer.parent, layer.children, layer.image, layer.mask, layer.linked, layer.visible, layer.is_floating_sel
layer.is_rgb, layer.is_gray, layer.is_indexed, layer.is_layer_mask, layer.type_with_alpha, layer.tattoo == layer.ID
layer.mask_intersect()
layer.merge_shadow(True)
layer.remove_mask(MASK_APPLY)
image.add_layer(layer, 0)
image.add_layer(layer, 0)
pdb.gimp_image_insert_layer(image, layer, None, 0)
layer.set_offsets(7, 5)
layer.set_offsets(7.0, 5)
layer.set_offsets(7)
layer.offsets, layer.mask_bounds, layer.mask_intersect()
layer.offsets = (1, 2)
layer.nothing
layer.nothing = 3
layer.opacity = 50
layer.opacity = 50.0
layer.opacity = 500.0
layer.opacity
layer.name = 5
layer.name = u"\\xe9"
layer.name
layer.name = "a\\xff"
layer.name
layer.linked = "yes"
layer.linked = True
layer.linked, layer.visible
image.active_layer == layer, layer == image.active_layer, image.layers == [layer], layer == None, layer != image.active_layer
hash(layer)
hash(image)
gimp.Layer(image, "x", 5, 5, 9)
gimp.Layer(image, "x", 0, 5)
gimp.Layer(image, None, 5, 5)
gimp.Layer(image, "x\\0y", 5, 5)
gimp.Layer(None, "x", 5, 5)
gimp.Layer("x", 5, 5)
gimp.Layer(image, u"\\xe4", 5, 5, 0, 100, 0).name
gimp.Layer(image, "grey", 5, 5, GRAY_IMAGE)
image.add_layer(gimp.Layer(image, "grey", 5, 5, GRAY_IMAGE), 0)
image.insert_layer(gimp.Layer(image, "y", 5, 5), None, 0)
image.insert_layer(gimp.Layer(image, "y", 5, 5), layer, 0)
group = pdb.gimp_layer_group_new(image)
group, group.children, pdb.gimp_item_is_group(group), pdb.gimp_item_is_group(layer)
pdb.gimp_image_insert_layer(image, group, None, 0)
inner = gimp.Layer(image, "inner", 9, 8, RGB_IMAGE)
pdb.gimp_image_insert_layer(image, inner, group, 0)
inner.parent, group.children, group.parent, group.layers, image.layers
pdb.gimp_image_get_item_position(image, layer), pdb.gimp_image_get_item_position(image, inner)
pdb.gimp_image_get_item_position(image, None)
twin = gimp.Layer(image, "inner", 9, 8, RGB_IMAGE)
image.add_layer(twin, 0)
twin.name
region = layer.get_pixel_rgn(0, 0, 20, 16, True, True)
region.x, region.y, region.w, region.h, region.bpp, region.dirty, region.shadow
region[0:20, 0:16] = "x" * 1279
region[0:20, 0:16] = "x" * 1281
region[0:20, 0:16] = bytearray(1280)
region[0:20, 0:16] = u"x" * 1280
region[0:21, 0:16] = "x" * 1344
region[0:20, 0:16] = "".join(chr(i * 7 % 256) for i in range(1280))
layer.flush()
layer.merge_shadow(True)
layer.update(0, 0, 20, 16)
region = layer.get_pixel_rgn(0, 0, 20, 16, False, False)
region[0:20, 0:16] == "".join(chr(i * 7 % 256) for i in range(1280))
region[3, 4], region[3:5, 4], region[3, 4:6], len(region[1:4, 2:9])
region[20, 0]
region[0:20, 0:17]
region[4:4, 0:3]
region[0:4:2, 0:3]
region[0:4]
region["a", 0:3]
len(region)
part = layer.get_pixel_rgn(5, 6, 50, 50, False, False)
part.x, part.y, part.w, part.h
part[5:20, 6:16] == "".join(region[5:20, y] for y in range(6, 16))
part[4:20, 6:16]
part[0:20, 6:16] == part[5:20, 6:16]
layer.get_pixel_rgn(0, 0, 20)
layer.get_pixel_rgn(0.0, 0, 20, 16)
pdb.gimp_selection_bounds(image), pdb.gimp_selection_is_empty(image)
pdb.gimp_image_select_rectangle(image, CHANNEL_OP_REPLACE, 10, 8, 10, 9)
pdb.gimp_selection_bounds(image), pdb.gimp_selection_is_empty(image), layer.mask_bounds, layer.mask_intersect(), twin.mask_bounds
twin.mask_intersect()
image.selection, image.selection.width, image.selection.bpp, image.selection.is_layer_mask
image.selection.get_pixel_rgn(0, 0, 40, 30, False, False)[9:12, 8]
write = layer.get_pixel_rgn(0, 0, 20, 16, True, True)
write[0:20, 0:16] = chr(9) * 1280
layer.flush()
layer.merge_shadow(True)
layer.get_pixel_rgn(0, 0, 20, 16, False, False)[2:5, 3]
mask = layer.create_mask(ADD_MASK_SELECTION)
mask, mask.name, mask.is_layer_mask, mask.bpp, mask.offsets, mask.type
mask.get_pixel_rgn(0, 0, 20, 16, False, False)[2:5, 3]
layer.create_mask(99)
layer.create_mask("white")
layer.add_mask(None)
layer.add_mask(mask)
layer.mask == mask, layer.edit_mask, layer.apply_mask, layer.show_mask
layer.add_mask(layer.create_mask(ADD_MASK_WHITE))
copied = twin.create_mask(ADD_MASK_WHITE)
twin.add_mask(layer.create_mask(ADD_MASK_WHITE))
half = gimp.Layer(image, "half", 20, 16, RGBA_IMAGE)
half.fill(FILL_TRANSPARENT)
half.get_pixel_rgn(0, 0, 20, 16, False, False)[0:2, 0]
half.fill(FILL_WHITE)
half.get_pixel_rgn(0, 0, 20, 16, False, False)[0:2, 0]
stencil = half.create_mask(ADD_MASK_BLACK)
dirty = stencil.get_pixel_rgn(0, 0, 20, 16, True, False)
dirty[0:20, 0:16] = "".join(chr(i % 256) for i in range(320))
stencil.flush()
stencil.get_pixel_rgn(0, 0, 20, 16, False, False)[0:20, 0:12] == "".join(chr(i % 256) for i in range(240))
other = half.create_mask(ADD_MASK_WHITE)
pdb.gimp_channel_combine_masks(other, stencil, CHANNEL_OP_REPLACE, 0, 0)
[other.get_pixel_rgn(0, 0, 20, 16, False, False)[0:20, y] == stencil.get_pixel_rgn(0, 0, 20, 16, False, False)[0:20, y] for y in range(16)]
half.add_mask(stencil)
half.remove_mask(MASK_APPLY)
image.add_layer(half, 0)
half.remove_mask(MASK_APPLY)
half.mask
[ord(value) for value in half.get_pixel_rgn(0, 0, 20, 16, False, False)[0:20, 5][3::4]]
deep = pdb.gimp_image_new_with_precision(40, 30, RGB, PRECISION_U16_GAMMA)
gimp.Layer(deep, "deep", 5, 5, RGBA_IMAGE).bpp, deep.precision, deep.selection.bpp
pdb.gimp_item_set_lock_content(group, True)
pdb.gimp_item_get_lock_content(group), pdb.gimp_item_get_lock_content(inner)
inner.merge_shadow(True)
inner.fill(FILL_WHITE)
pdb.gimp_item_set_lock_content(group, False)
inner.mode = PASS_THROUGH_MODE
inner.mode = "normal"
pdb.gimp_layer_set_opacity(layer, 200.0)
pdb.gimp_layer_set_opacity(layer, "25")
pdb.gimp_layer_set_opacity(layer, None)
pdb.gimp_layer_set_opacity(layer)
pdb.gimp_layer_set_opacity(5, 25.0)
pdb.gimp_layer_set_opacity(image.selection, 25.0)
pdb.gimp_layer_get_opacity(layer), pdb.gimp_layer_get_blend_space(layer), pdb.gimp_layer_get_composite_mode(layer)
pdb.gimp_layer_set_composite_mode(layer, 77)
pdb.gimp_item_set_name(layer, None)
pdb.gimp_item_set_name(layer, "a\\xff")
pdb.gimp_item_set_name(layer, 5)
layer.name
pdb.gimp_item_set_color_tag(layer, 99)
layer.parasite_attach(gimp.Parasite("neural-style", 3, "{\\xc3\\xa9}"))
layer.parasite_find("neural-style").data, layer.parasite_find("neural-style").flags, layer.parasite_find("nothing"), layer.parasite_list()
layer.attach_new_parasite("more", 3, "data")
layer.parasite_find("more").data
gimp.Parasite("n", "3", "x")
gimp.Parasite("n", 3, None)
gimp.Parasite("n", 3, u"\\xe9").data
layer.parasite_attach("neural-style")
pdb.gimp_file_load("/nowhere/picture.png", "/nowhere/picture.png")
pdb.gimp_file_load(None, None)
pdb.no_such_procedure
pdb["no-such-procedure"]
pdb.gimp_file_load, pdb.gimp_file_load.nparams
pdb.gimp_file_load("/a.png")
pdb.gimp_file_load("/a.png", "/a.png", run_mode=RUN_NONINTERACTIVE, more=1)
pdb.gimp_file_load("/a.png", "/a.png", more=1)
pdb.gimp_image_undo_group_end(image)
image.undo_group_start()
image.undo_group_end()
image.undo_group_end()
pdb.gimp_image_is_valid(image), pdb.gimp_item_is_valid(layer)
gimp.message("one\\0two")
gimp.message(5)
gimp.message()
gimp.progress_init()
gimp.progress_init("Neural Style")
gimp.progress_init(5)
gimp.progress_update(0.5)
gimp.progress_update(1)
gimp.progress_update("half")
pdb.gimp_progress_set_text("half")
pdb.gimp_progress_set_text(None)
pdb.gimp_plugin_set_pdb_error_handler(7)
pdb.gimp_plugin_set_pdb_error_handler(PDB_ERROR_HANDLER_PLUGIN)
from_drawable = pdb.gimp_layer_new_from_drawable(layer, gimp.Image(20, 16, RGB))
from_drawable.type, from_drawable.name, from_drawable.offsets, from_drawable.width
gimp.Channel(image, "c", 4, 4, 50.0, (1, 2, 3))
channel = pdb.gimp_channel_new(image, 4, 4, "c", 50.0, (1, 2, 3))
channel, isinstance(channel, gimp.Layer), isinstance(channel, gimp.Drawable), channel.type, channel.bpp
isinstance(group, gimp.GroupLayer), isinstance(group, gimp.Layer), isinstance(layer, gimp.GroupLayer)
gimp.delete(gimp.Layer(image, "z", 5, 5))
gimp.delete(image)
pdb.gimp_image_is_valid(image), pdb.gimp_item_is_valid(layer)
""".strip().splitlines()

answers = []
for line in LINES:
    try:
        try:
            answer = repr(eval(line))
        except SyntaxError:
            exec line
            answer = "done"
    except Exception, failure:
        answer = "%s: %s" % (type(failure).__name__, failure)
    answers.append([line, answer.decode("latin-1")])
with open(OUT, "w") as file:
    json.dump(answers, file, indent=1)
