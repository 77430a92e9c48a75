"""The scores: what they are for pictures where that is known, and that they are what they were."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.scores import Judge, content_score, stroke_size
from tests.benchmarks.drawing import hills, noise, stripes


@pytest.fixture(scope="module")
def judge():
    return Judge(hills(), stripes())


def test_the_content_itself_has_all_of_the_content_and_none_of_the_style(judge):
    scores = judge.scores(hills())
    assert scores.style == 0
    assert scores.content > 0.75  # all but what is flat


def test_the_style_itself_has_all_of_the_style_and_little_of_the_content(judge):
    scores = judge.scores(stripes())
    assert scores.style == pytest.approx(1, abs=0.03)  # but for which of its patches are drawn
    assert scores.content < 0.5


def test_more_of_the_style_scores_higher_in_style_and_lower_in_content(judge):
    shares = [judge.scores((1 - share) * hills() + share * stripes()) for share in (0.0, 0.25, 0.5, 0.75)]
    style, content = [s.style for s in shares], [s.content for s in shares]
    assert style == sorted(style) and len(set(style)) == 4
    assert content == sorted(content, reverse=True) and len(set(content)) == 4


def test_noise_is_further_from_a_smooth_style_than_the_content_is():
    soft = np.repeat(np.repeat(stripes(15, 20, 0.5), 4, 0), 4, 1)
    assert Judge(hills(), soft).scores(noise()).style < 0


# of pictures of 8 bits, by the definition's first implementation, which reads them from files. Other stripes than the
# style's have no number of their own: which of its many equal directions they are seen along, the processor and the
# number of threads decide (0.486, 0.491 and 0.507 for stripes half as far apart).
@pytest.mark.parametrize(
    ("picture", "style", "content"),
    [
        (0.5 * hills() + 0.5 * stripes(), 0.5055, 0.4126),
        (0.75 * hills() + 0.25 * stripes(), 0.2529, 0.5475),
        (noise(), 0.1633, 0.2252),
        (stripes()[:, ::-1], 0.8783, 0.3305),
        (hills()[:, ::-1], -0.0004, 0.3299),
    ],
)
def test_the_scores_are_those_of_their_definition(judge, picture, style, content):
    scores = judge.scores(picture)
    assert scores.style == pytest.approx(style, abs=0.01)
    assert scores.content == pytest.approx(content, abs=0.01)


def test_the_scores_do_not_depend_on_the_size_of_the_result(judge):
    mixed = np.float32(0.6 * hills() + 0.4 * stripes())
    image = Image.fromarray(np.uint8(mixed * 255)).resize((240, 180), Image.Resampling.LANCZOS)
    small, large = judge.scores(mixed), judge.scores(np.asarray(image, np.float32) / 255)
    assert large.style == pytest.approx(small.style, abs=0.03)
    assert large.content == pytest.approx(small.content, abs=0.03)


def test_another_shape_can_be_compared_and_inverted_structure_is_structure():
    assert content_score(hills(50, 80), hills()) > 0.5
    assert content_score(1 - hills(), hills()) == pytest.approx(content_score(hills(), hills()), abs=0.01)


def test_flat_pictures_have_numbers_for_scores_too():
    flat = np.full((60, 80, 3), 0.5, np.float32)
    scores = [Judge(flat, hills()).scores(flat), Judge(hills(), flat).scores(flat), Judge(flat, flat).scores(hills())]
    assert np.isfinite([(s.style, s.content) for s in scores]).all()
    assert scores[1].style > 0.9


def test_strokes_twice_as_large_measure_twice_as_large():
    flat = np.full((120, 160, 3), 0.5, np.float32)
    sizes = [stroke_size(stripes(120, 160, wavelength), flat) for wavelength in (0.05, 0.1, 0.2)]
    assert sizes[1] / sizes[0] == pytest.approx(2, rel=0.2)
    assert sizes[2] / sizes[1] == pytest.approx(2, rel=0.2)
    # a wavelength of 0.1 of the height, in per cent of the width, and shorter where stripes run aslant
    assert sizes[1] == pytest.approx(7.5, rel=0.2)
    assert stroke_size(flat, flat) == 0
