"""The way through the scales: from two prepared pictures to the painted one, with progress on the way."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from nst_core import colour, device, pyramid, starting, synthesis, vgg, weights
from nst_core.beside import beside
from nst_core.clock import Clock, NothingPainted
from nst_core.contrast import Sample, lacking, sharpened, with_contrast
from nst_core.ink import Ink, in_lines
from nst_core.likeness import distance_to
from nst_core.objective import Objective
from nst_core.optimize import FIRST_STEP, RATE, SHORT_FIRST_STEP, SHORT_RATE, STROKES_RATE, Search, minimise
from nst_core.place import Place, place, tried
from nst_core.plan import plan
from nst_core.precision import agrees, in_precision, products
from nst_core.preconditioner import preconditioner
from nst_core.pyramid import extent, resized, shrunk
from nst_core.recipe import Recipe
from nst_core.settings import Settings
from nst_core.showing import shown

FIT_SIDE = 256  # longest side in pixels of the pictures that the built-in features are fitted to
TINT = 1.5  # of grey pictures, before that; less leaves some of the mesh, more blurs a little
SMALLEST_STYLE = 48  # shorter than this a style has no strokes left to learn
LARGEST_STYLE = 4096  # longer than this it fills the memory; only large strokes on the finest scales are cut short
HISTORY = 100  # of L-BFGS, at most
LEAST_FOR_DETAIL = 2000  # megabytes of limit under which large pictures keep the larger places
SHOWN_LARGER = 2  # times the first scale's size that a gentle start is shown at, whatever the finest size
COMPARED = 800  # longest side in pixels of what is compared at most: it is reduced anyhow, see likeness
MOST_USED = 6.0  # times its share that a part of the style counts at most
PICTURES_KEPT = 7  # of the full size, at all scales: as they came, prepared, in the style's colours, and the start
STYLES_KEPT = 2  # of the size that it is prepared in: one, and what is made of it for a scale
COPIED_TO_CARD = 3  # of the finest size, beside what a search takes anywhere: all the others stay where they are


@dataclass(frozen=True)
class Pictures:
    """Prepared pictures, all (1, 3, H, W) and (1, 1, H, W) float32 tensors in [0, 1].

    ``visible`` and ``visible_in_style`` are the alphas, or how much each pixel counts; None where all count alike.
    ``sample`` is of the style as it came, for its contrast, or None; see :mod:`nst_core.contrast`. ``ink`` is that of a
    style of lines, or None; see :mod:`nst_core.ink`.
    """

    content: torch.Tensor
    style: torch.Tensor
    visible: torch.Tensor | None = None
    visible_in_style: torch.Tensor | None = None
    sample: Sample | None = None
    ink: Ink | None = None


@dataclass(frozen=True)
class Painting:
    """The painted picture (1, 3, H, W) of the content's size, the evaluations, the best loss at the finest scale,
    whether it was left to finish, and where it was computed at last."""

    picture: torch.Tensor
    evaluations: int
    loss: float
    finished: bool
    place: Place


def paint(pictures: Pictures, recipe: Recipe, features: str, settings: Settings, on, report) -> Painting:
    """Paints ``pictures.content``, coarse to fine, on the torch device ``on``.

    ``report`` is the caller's progress callback. Raises Cancelled, and imagenet.WeightsError.
    """
    height, width = pictures.content.shape[2:]
    scales = _scales(height, width, recipe, settings)
    finest = max(height, scales[-1].height), max(width, scales[-1].width)  # small pictures are computed larger
    clock = Clock(scales, features, on, _places(*finest, recipe, settings), math.prod(finest), report)
    clock.begin()
    recoloured = _recoloured(pictures, recipe.recolour)
    small = small_style, small_content = _to_fit(pictures, recoloured)

    @functools.cache
    def network_on(there):  # another device may have another precision
        return in_precision(network.to(there), _precision(settings), recipe.weights, small_content, small_style)

    # beside the fit, as neither of the two keeps two cores busy
    with beside(functools.partial(_laid_out, pictures, recoloured, finest, recipe, settings)) as laying_out:

        def on_layer(share):
            clock.fitted(share, laying_out.so_far)

        with contextlib.suppress(NothingPainted):
            network = weights.network(features, recipe.deepest, small, _pooling(settings), settings.seed, on_layer)
            trial = functools.partial(agrees, network, on, recipe.weights, small_content, small_style)
            on, why = tried(on, lambda: trial() and network_on(on))
            clock.computed_on(on)
            network_on(on)
        field = laying_out.outcome(clock.laid_out)
    del recoloured
    started = functools.partial(_started, pictures, field, settings.brush_size)
    start = started(recipe, *finest)
    if field and clock.finishing:  # nothing was painted yet: the strokes that were found are the best so far
        return Painting(in_full(start.base, pictures, recipe), 0, math.inf, False, Place(torch.device("cpu"), 0))
    note = why or _too_little(scales[-1], network_on(on), pictures, recipe, settings)
    here = place(on, settings.memory_limit, note)
    picture, before, evaluations, finished = None, None, 0, True
    for number, scale in enumerate(scales):
        now = start.at(scale.height, scale.width)
        if picture is None:
            begin = starting.roughened(now.base, pictures.style, settings.seed, recipe)
        else:
            begin = pyramid.carried_up(picture, before, now.base, recipe.detail)
        history = min(HISTORY, scale.evaluations)
        first = SHORT_FIRST_STEP if number else FIRST_STEP
        rate = RATE if field is None else SHORT_RATE if number else STROKES_RATE
        search = Search(
            settings.optimizer, scale.evaluations, history, plateau=recipe.plateau, first_step=first, rate=rate
        )
        step, mild = _Step(number, now, begin, search, clock.at(number)), None
        given = pictures, field and field.used, settings, network_on, step, recipe, here
        if field is None or recipe.gentle == 1:
            minimum, here = _paint_scale(*given)
        else:
            minimum, here, mild = _unspoilt(*given, clock, started)
        if mild:
            recipe, now = recipe.gently(), mild
            if number == 0:
                start = None  # two of 12 megapixels would not fit into the limit
                start = started(recipe, *finest)
        evaluations += minimum.evaluations
        clock.computed_on(here.on)
        picture, before = minimum.picture.cpu(), now.base
        finished = finished and minimum.finished
        del now, begin, step, mild, given
        device.give_back_memory()
        if not finished:
            break
    clock.all_painted(number, minimum.evaluations, minimum.loss)
    painted = in_full(pyramid.carried_up(picture, before, start.base), pictures, recipe)
    clock.finished(number, minimum.evaluations, minimum.loss)
    return Painting(painted, evaluations, minimum.loss, finished, here)


def in_full(painted: torch.Tensor, pictures: Pictures, recipe: Recipe) -> torch.Tensor:
    """``painted``, (1, 3, H, W) of any size, at the content's size, in the recipe's opacity and contrast."""
    painted = pyramid.lanczos(painted, *pictures.content.shape[2:])
    painted = torch.lerp(pictures.content, painted, recipe.opacity)
    if not recipe.contrast or pictures.sample is None:
        return painted
    amounts = lacking(painted, pictures.sample, pictures.visible)
    return with_contrast(painted, tuple(recipe.contrast * amount for amount in amounts), out=painted)


def _scales(height, width, recipe, settings):
    largest = settings.max_size
    if recipe.one_scale:  # the published method knows of no picture that is computed larger than it is
        longest = max(height, width)
        largest = min(longest, largest or round(pyramid.LARGEST[settings.quality] * longest / extent(height, width)))
    scales = pyramid.schedule(height, width, settings.quality, largest, settings.evaluations, recipe.effort)
    if recipe.one_scale:
        return [replace(scales[-1], evaluations=settings.evaluations or recipe.one_scale)]
    return scales


@dataclass(frozen=True)
class _Start:
    """What painting starts from, and what the content loss compares with."""

    base: torch.Tensor
    target: torch.Tensor

    def at(self, height, width):
        """The same at another size."""
        if self.base.shape[2:] == (height, width):
            return self  # of 12 megapixels each copy takes 144 MB
        return _Start(*(resized(x, height, width).clamp(0, 1) for x in (self.base, self.target)))


def _started(pictures, field, brush_size, recipe, height, width):
    """The :class:`_Start` of that size; ``field`` is None where nothing was laid out."""
    content = _recoloured(pictures, recipe.recolour)
    if content.shape[2:] != (height, width):
        content = resized(content, height, width).clamp_(0, 1)
    if field is None:
        return _Start(content, content)
    base = starting.with_strokes(content, shown(field, pictures.style, height, width, brush_size), recipe)
    return _Start(base, starting.with_drawing(base, content, recipe.kept))


def _too_little(finest, network, pictures, recipe, settings):
    """A sentence where the smallest tiles take more than the limit that was set; else none."""
    if not settings.memory_limit:
        return ""
    least = device.least(finest.height, finest.width, network, _margin(recipe)) + _kept(pictures, network.device)
    if settings.memory_limit >= least / device.MEGABYTE:
        return ""
    return (
        f"The memory limit of {settings.memory_limit} MB could not be kept: this picture takes about "
        f"{least / device.MEGABYTE:.0f} MB in the smallest tiles; a smaller one or a lower quality takes less."
    )


def _margin(recipe):
    return max(tap.shrink * vgg.reach(tap.layer) for tap in recipe.weights.taps)


def _kept(pictures, on):
    # MPS shares the memory that all of them are in
    count = {"cpu": PICTURES_KEPT, "cuda": COPIED_TO_CARD}.get(on.type, PICTURES_KEPT + COPIED_TO_CARD)
    return 4 * (count * pictures.content.numel() + STYLES_KEPT * pictures.style.numel())


@dataclass(frozen=True)
class _Step:
    """One scale's search: at which scale, for which content, from which picture on, how, and who is told."""

    number: int
    start: _Start
    begin: torch.Tensor
    search: Search
    on_evaluation: Callable


def _unspoilt(pictures, used, settings, network_on, step, recipe, here, clock, started):
    """The minimum at one scale, the place that had the memory, and the start it was searched gently from, or None.

    Where the search leaves strokes clearly less like the style than it could have begun with, it is made gently, too,
    and that is kept if it is clearly more like the style.
    """
    given = pictures, used, settings, network_on
    minimum, here = _paint_scale(*given, step, recipe, here)
    if not minimum.finished:
        return minimum, here, None
    mild, begin = step.start, step.begin
    if step.number == 0:
        # as large again, and reduced: strokes that are shown pixel for pixel have steps, which would count against them
        height, width = begin.shape[2:]
        mild = started(recipe.gently(), SHOWN_LARGER * height, SHOWN_LARGER * width).at(height, width)
        begin = mild.base
    unlike = _unlike(pictures, settings.brush_size, *begin.shape[2:])
    near = recipe.nearer * unlike(minimum.picture)
    if unlike(begin) >= near:
        return minimum, here, None
    again = replace(step, start=mild, begin=begin, on_evaluation=clock.once_more(step.number))
    gently, here = _paint_scale(*given, again, recipe.gently(), here)
    both = minimum.evaluations + gently.evaluations
    if unlike(gently.picture) < near:
        return replace(gently, evaluations=both), here, mild
    return replace(minimum, evaluations=both, finished=gently.finished), here, None


def _paint_scale(pictures, used, settings, network_on, step, recipe, here):
    """The minimum at one scale, and the place that had the memory for it."""
    pictures = _counted(pictures, used, recipe.balance)
    while True:
        try:
            return _search(pictures, settings, network_on(here.on), step, recipe, here), here
        except Exception as exc:
            elsewhere = here.after(exc)
            if elsewhere is None:
                raise
        # outside of the handler, whose exception would keep hold of all that was allocated
        device.give_back_memory()
        here = elsewhere.within_what_is_free()


def _search(pictures, settings, network, step, recipe, here):
    size, search = step.begin.shape[2:], step.search
    # what is soft here is missing in the picture: bicubic filters alone cost up to 0.04 of the style's score
    resize = resized if recipe.keener is None else pyramid.lanczos
    style, visible_in_style = _style_at(pictures, settings.brush_size, *size, resize)
    style = sharpened(style, recipe.keener or 0.0, settings.brush_size / 100).clamp(0, 1)
    visible = None if pictures.visible is None else resized(pictures.visible, *size).clamp(0, 1)
    limit = here.limit - _kept(pictures, here.on)
    budget = device.budget(*size, network, (search.method, search.history), limit, _margin(recipe))
    there = [x if x is None else x.to(here.on) for x in (step.start.target, style, visible, visible_in_style)]
    with products(_precision(settings), here.on):
        objective = Objective(network, recipe.weights, *there, tile=budget.tile)
        del there, style, visible, visible_in_style
        device.give_back_memory()
        seen_through = recipe.moved and preconditioner(network.weights[0][0], *recipe.moved).to(here.on)
        search = replace(search, method=budget.method, history=budget.history, preconditioner=seen_through)
        return minimise(objective, step.begin.to(here.on), search, step.on_evaluation)


def _style_at(pictures, brush_size, content_height, content_width, resize=resized):
    """The style at the size that gives the brush size to a content of this size: as long as it at 100 %.

    It is ``resize`` that brings it there: a soft copy tells better how like it a painted picture is, which is soft too.
    """
    height, width = pictures.style.shape[2:]
    factor = extent(content_height, content_width) / extent(height, width) * brush_size / 100
    factor = min(max(factor, SMALLEST_STYLE / min(height, width)), LARGEST_STYLE / max(height, width))
    size = max(16, round(height * factor)), max(16, round(width * factor))
    visible = pictures.visible_in_style
    return resize(pictures.style, *size).clamp(0, 1), None if visible is None else resized(visible, *size).clamp_min(0)


def _places(height, width, recipe, settings):
    """The work of laying out the strokes; see :mod:`nst_core.plan`."""
    longest = extent(height, width)
    if not recipe.strokes:
        return 0.0
    square = plan(longest, settings.brush_size, recipe.even, recipe.straight, _detailed(settings)).work
    return square * height * width / longest**2


def _detailed(settings):
    # what is free now has no say: the same seed would not always give the same picture
    return not 0 < settings.memory_limit < LEAST_FOR_DETAIL


def _laid_out(pictures, content, size, recipe, settings, on_work):
    """Where in the style each place of ``content`` at that size is to come from; None where there are no strokes."""
    if not recipe.strokes:
        return None
    return synthesis.field(
        resized(content, *size).clamp(0, 1),
        pictures.style,
        settings.seed,
        settings.brush_size,
        recipe.guidance,
        even=recipe.even,
        straight=recipe.straight,
        cells=recipe.cells,
        insistence=recipe.insistence,
        emphasis=recipe.emphasis,
        visible=pictures.visible_in_style,
        detailed=_detailed(settings),
        on_work=on_work,
    )


def _counted(pictures, used, balance):
    """The pictures, with a style of which each place counts as much as it is ``used``, as far as ``balance`` says.

    A calm sky asks for the style's calm parts, and must not be filled with waves to have as many of them as the style.
    """
    if used is None:
        return pictures
    used = resized(used, *pictures.style.shape[2:]).clamp(0, MOST_USED)
    alpha = 1.0 if pictures.visible_in_style is None else pictures.visible_in_style
    return replace(pictures, visible_in_style=(1 - balance + balance * used) * alpha)


def _unlike(pictures, brush_size, height, width):
    """What tells how unlike the style a picture of that size is."""
    factor = min(1.0, COMPARED / extent(height, width))
    size = max(1, round(height * factor)), max(1, round(width * factor))
    visible = None if pictures.visible is None else resized(pictures.visible, *size).clamp(0, 1)
    distance = distance_to(*_style_at(pictures, brush_size, *size), extent(*size))
    return lambda painted: distance(resized(painted.cpu(), *size).clamp(0, 1), visible)


def _recoloured(pictures, amount):
    """The content, ``amount`` of the way to the style's colours, or to a drawing in its lines.

    The built-in features' content loss sees colours, which would fight the style's; and it is a nearer start.
    """
    if not amount:
        return pictures.content
    if pictures.ink:
        moved = in_lines(pictures.content, pictures.ink)
    else:
        moved = colour.matched(pictures.content, pictures.style, pictures.visible, pictures.visible_in_style)
    return torch.lerp(pictures.content, moved, amount, out=moved)


def _to_fit(pictures, target):
    """The pictures that the features are fitted to, at the coarsest scale's size whatever the quality.

    Grey ones are tinted, each in its own way: else all of the first filters tell fine detail from fine detail, for want
    of colours to tell apart, and a mesh comes up in calm places.
    """
    fitted_to = tuple(shrunk(picture, FIT_SIDE) for picture in (pictures.style, target))
    if not all(colour.is_grey(picture) for picture in fitted_to):
        return fitted_to
    return tuple(colour.tinted(x, amount) for x, amount in zip(fitted_to, (TINT, 1 / TINT), strict=True))


def _precision(settings):
    return "float32" if settings.preset == "gatys" and settings.precision == "auto" else settings.precision


def _pooling(settings):
    return "max" if settings.preset == "gatys" else settings.pooling
