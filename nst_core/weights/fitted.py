"""The built-in features: VGG16's layers with filters fitted to the style and content pictures; nothing to download.

Layer by layer, 3×3 patches of the previous layer's output are centred, whitened and clustered by spherical k-means
(Coates and Ng, 2012); the centroids and their negatives become the filters, scaled to unit variance (as Krähenbühl et
al., 2016, initialise networks from data), with a threshold that lets each fire at the same share of positions. Three
things make the difference between strokes and grids, and were found by looking at pictures:

* the threshold (:data:`FIRING`): features that fire everywhere are nearly linear, their Gram matrices hold little more
  than the power spectrum, and the pictures get woven; sparse features know strokes;
* the cut of the whitening (:data:`VARIANCE`): directions that hold little variance are noise, whitening makes them
  loud, and they come back as moiré. The deeper, the fewer are kept;
* half of VGG16's channels (:data:`WIDTH`) do as well as all of them, at a quarter of the work.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

from nst_core.vgg import LAYERS, Vgg16, block, convolve, pool

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the input, as torchvision's networks have it
PADDING = "replicate"  # zeros would be a black frame around the picture, to filters that never saw one

CHANNELS = dict(zip(range(1, 6), (64, 128, 256, 512, 512), strict=True))  # VGG16's own, by block
WIDTH = 0.5  # of them
SAMPLES = 16_000  # patches, from all pictures together
RESPONSES = 4_000  # of each filter, from all pictures together, to find its threshold by
LLOYD_STEPS = 8
PATCH_CHANNELS = 64  # principal channels that patches are taken of: 9 times as many dimensions to whiten
VARIANCE = {1: 0.99, 2: 0.90, 3: 0.80, 4: 0.80, 5: 0.80}  # share of the patches' variance that is kept, by block
RIDGE = 0.1  # of the mean variance of the strongest quarter of directions, added to all before whitening
FIRING = 0.3  # share of positions at which a filter's output is positive


@torch.no_grad()
def fit(
    pictures: list[torch.Tensor],
    deepest: str,
    pooling: str = "average",
    seed: int = 0,
    on_layer: Callable[[float], None] = lambda _: None,
) -> Vgg16:
    """A VGG16 up to the layer ``deepest``, fitted to ``pictures``.

    Args:
        pictures: tensors (1, 3, H, W) in [0, 1], each side at least 16; all weigh alike, whatever their size.
        deepest: a name out of :data:`nst_core.vgg.LAYERS`.
        pooling: ``"average"`` or ``"max"``.
        seed: of the samples and the first centroids.
        on_layer: called after each layer with the share of them that is done, up to 1; what it raises ends the fit.
    """
    random = torch.Generator().manual_seed(seed)
    network = Vgg16("built-in", (), MEAN, STD, pooling, PADDING)
    maps = [network.normalised(picture.cpu()) for picture in pictures]
    weights, names = [], LAYERS[: LAYERS.index(deepest) + 1]
    for name in names:
        if name != "relu1_1" and name.endswith("_1"):
            maps = [pool(m, pooling) for m in maps]
        count = int(CHANNELS[block(name)] * WIDTH)
        weight, bias = _filters(maps, count, VARIANCE[block(name)], random, first=name == "relu1_1")
        responses = [convolve(m, weight, bias, PADDING) for m in maps]
        flat = torch.cat([_columns(r, _count(maps, RESPONSES), random) for r in responses])
        threshold = flat.T.contiguous().kthvalue(round((1 - FIRING) * len(flat)), dim=1).values
        scale = 1 / (flat - threshold).std().clamp_min(1e-6)
        weights.append((weight * scale, (bias - threshold) * scale))
        maps = [F.relu((r - threshold[None, :, None, None]) * scale) for r in responses]
        on_layer(len(weights) / len(names))
    return Vgg16("built-in", tuple(weights), MEAN, STD, pooling, PADDING)


def _filters(maps, count, variance, random, first):
    """Filters (count, C, 3, 3) and their biases: whitened centroids of 3×3 patches, and their negatives."""
    channels = maps[0].shape[1]
    projection = _principal_channels(maps, random)
    patches = torch.cat(
        [_patches(F.conv2d(m, projection[:, :, None, None]), _count(maps, SAMPLES), random) for m in maps]
    )
    mean = patches.mean(0)
    patches -= mean  # in place: they are 37 MB
    values, vectors = _directions(patches)
    values, vectors = values.flip(0).clamp_min(0), vectors.flip(1)
    enough = int((values.cumsum(0) < variance * values.sum()).sum()) + 1
    kept = min(2 * count, enough, len(values))
    values, vectors = values[:kept], vectors[:, :kept]
    # the colours of a picture are few and far apart: a softer ridge there would leave its greys only
    ridge = 0.01 * values.mean() if first else RIDGE * values[: max(1, kept // 4)].mean()
    whitening = vectors / (values + ridge + 1e-8).sqrt()
    centroids = _spherical_kmeans(patches @ whitening, count // 2, random)
    filters = torch.cat([centroids, -centroids]) @ whitening.T
    bias = -filters @ mean
    filters = torch.einsum("ktr,rc->kct", filters.view(len(filters), 9, -1), projection)
    return filters.reshape(-1, channels, 3, 3).contiguous(), bias


def _principal_channels(maps, random):
    """The (r, C) projection onto the strongest :data:`PATCH_CHANNELS` directions of the channels."""
    channels = maps[0].shape[1]
    if channels <= PATCH_CHANNELS:
        return torch.eye(channels)
    columns = torch.cat([_columns(m, _count(maps, SAMPLES), random) for m in maps])
    columns = columns - columns.mean(0)
    _, vectors = _directions(columns)
    return vectors.flip(1)[:, :PATCH_CHANNELS].T.contiguous()


def _directions(centred):
    """Variances, ascending, and directions (d, d), in columns, of the principal components of points (n, d)."""
    covariance = centred.T @ centred / len(centred)
    try:
        return torch.linalg.eigh(covariance)
    except torch.linalg.LinAlgError:
        # patterns that repeat exactly have all but a few variances alike, at which float32 fails
        values, vectors = torch.linalg.eigh(covariance.double())
        return values.float(), vectors.float()


def _count(maps, most):
    """How many samples to take of each map: all alike, ``most`` together, no more than the largest has positions."""
    return min(most // len(maps), max(m.shape[2] * m.shape[3] for m in maps))


def _positions(maps, count, random):
    """``count`` positions of a map, as indices of its flattened rows: every one in turn where there are too few."""
    there = maps.shape[2] * maps.shape[3]
    if there <= count:
        return torch.arange(count) % there
    return torch.randint(0, there, (count,), generator=random)


def _columns(maps, count, random):
    """``count`` positions of a feature map (1, C, H, W), as (count, C)."""
    return maps.flatten(2)[0][:, _positions(maps, count, random)].T


def _patches(maps, count, random):
    """``count`` 3×3 patches of a feature map (1, C, H, W), as (count, 9·C)."""
    padded = F.pad(maps, (1, 1, 1, 1), mode=PADDING)[0]
    rows = padded.flatten(1).T.contiguous()  # all channels of a position side by side: gathered in a third of the time
    positions = _positions(maps, count, random)
    first = positions // maps.shape[3] * padded.shape[2] + positions % maps.shape[3]
    taps = [rows.index_select(0, first + dy * padded.shape[2] + dx) for dy in range(3) for dx in range(3)]
    return torch.cat(taps, 1)


def _spherical_kmeans(points, count, random):
    """``count`` unit centroids of the directions of ``points`` (n, d)."""
    points = F.normalize(points, dim=1)
    first = torch.randperm(max(count, len(points)), generator=random)[:count] % len(points)
    centroids = points[first].clone()
    for _ in range(LLOYD_STEPS):
        nearest = (points @ centroids.T).argmax(1)
        sums = torch.zeros_like(centroids).index_add_(0, nearest, points)
        # a centroid that lost all its points goes on in a random direction
        centroids = F.normalize(sums + 1e-6 * torch.randn(sums.shape, generator=random), dim=1)
    return centroids
