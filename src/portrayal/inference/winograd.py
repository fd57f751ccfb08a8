"""A convolution of 3 x 3 and many channels with a quarter of its products.

Blocks of 4 x 4 pixels are found as a product of polynomials, by their values at six points
(Winograd 1980; Lavin and Gray 2016, arXiv:1509.09308): with them, kernels and pictures are 36
values each, and one product of matrices for each value does the work. All in float32: a layer of
256 channels comes out with errors of 1.3e-6 of its standard deviation.
"""

from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from portrayal.inference.onnx_nodes import Written

SIDE, BLOCK = 3, 4  # of the kernel, of the pixels found together
TILE = BLOCK + SIDE - 1  # pixels they are found from
# and infinity. Powers are exact in float32, and half as much is lost as at the usual 0, ±1 and ±2
POINTS = (0, 3 / 4, -3 / 4, 3 / 2, -3 / 2)
MOST = 512  # channels in or out; the weights of a layer of more take 150 MB and upwards


def worth(layer: nn.Module, many: int) -> bool:
    """Whether it fits and has `many` channels in and out: with few, its products are quick."""
    return (
        isinstance(layer, nn.Conv2d)
        and layer.kernel_size == (SIDE, SIDE)
        and layer.stride == layer.dilation == (1, 1)
        and layer.groups == 1
        and layer.padding_mode == "zeros"
        and isinstance(layer.padding, tuple)
        and layer.padding[0] == layer.padding[1]
        and all(many <= channels <= MOST for channels in (layer.in_channels, layer.out_channels))
    )


def gains(network: nn.Module, many: int) -> bool:
    """Whether any of its layers is `worth` it."""
    return any(worth(layer, many) for layer in network.modules())


def transforms() -> tuple[Tensor, Tensor, Tensor]:
    """Of a row of a picture (6, 6), of a kernel's (6, 3) and back to pixels (4, 6), in float64.

    back @ ((kernel @ k) * (picture @ x)) is the row x of 6 pixels, correlated with the kernel k.
    """
    # with this scale `picture` is exact in float32; the last point's values need none
    scale = [prod(point - other for other in POINTS if other != point) for point in POINTS]
    by = torch.tensor([*scale, 1.0], dtype=torch.float64)[:, None]
    return torch.linalg.inv(values(TILE)).T * by, values(SIDE) / by, values(BLOCK).T


def values(count: int) -> Tensor:
    """Of polynomials at the six points, from `count` coefficients: (6, count)."""
    powers = torch.vander(torch.tensor(POINTS, dtype=torch.float64), count, increasing=True)
    return torch.cat([powers, torch.eye(count, dtype=torch.float64)[-1:]])


def both_ways(matrix: Tensor) -> Tensor:
    """(a, b) for rows -> (a a, b b) for pixels: along the height and along the width."""
    return torch.kron(matrix, matrix)


def write_winograd(written: Written, layer: Any, source: str) -> str:
    """The nodes of a layer that is `worth` it, (B, C, H, W) -> (B, O, H', W') for any B, H, W."""
    picture, _, back = (both_ways(matrix).float() for matrix in transforms())
    beside = int(layer.padding[0])

    def reshaped(name: str, *sides: int) -> str:
        return written.add("Reshape", [name, written.shared(torch.tensor(sides))])

    def channel_by_channel(name: str, weight: Tensor, **how: Any) -> str:
        return written.add("Conv", [name, written.shared(weight)], **how)

    # (B C, 36, blocks down, blocks across); zeros beyond the border only reach pixels cut off below
    alone = reshaped(source, -1, 1, 0, 0)
    pads = [beside, beside, beside + BLOCK - 1, beside + BLOCK - 1]
    tiles = picture.reshape(-1, 1, TILE, TILE)
    seen = channel_by_channel(alone, tiles, strides=[BLOCK, BLOCK], pads=pads)
    grid = written.add("Shape", [seen], start=2)

    rows = reshaped(reshaped(seen, 0, 0, 1, -1), -1, layer.in_channels, TILE * TILE, 0)
    rows = written.add("Transpose", [rows], perm=[0, 2, 1, 3])  # (B, 36, C, blocks)
    found = written.add("MatMul", [write_kernels(written, layer.weight), rows])
    found = written.add("Transpose", [found], perm=[0, 2, 1, 3])

    lead = written.shared(torch.tensor([-1, TILE * TILE]))
    found = written.add("Reshape", [found, written.add("Concat", [lead, grid], axis=0)])
    blocks = channel_by_channel(found, back.reshape(BLOCK * BLOCK, -1, 1, 1))
    pixels = written.add("DepthToSpace", [blocks], blocksize=BLOCK)
    whole = reshaped(pixels, -1, layer.out_channels, 0, 0)

    sides = written.add("Shape", [source], start=2)
    ends = written.add("Add", [sides, written.shared(torch.tensor([2 * beside - SIDE + 1] * 2))])
    starts, axes = (written.shared(torch.tensor(two)) for two in ([0, 0], [2, 3]))
    cut = written.add("Slice", [whole, starts, ends, axes])
    if layer.bias is None:
        return cut
    return written.add("Add", [cut, written.weight(layer.bias.detach().reshape(1, -1, 1, 1))])


def write_kernels(written: Written, weight: Tensor) -> str:
    """Constant nodes, (O, C, 3, 3) -> the 36 values of each kernel, (36, O, C).

    They are computed once, when the graph is opened: the file holds the weights as they are.
    """
    kernel = both_ways(transforms()[1]).float()
    flat = written.shared(torch.tensor([0, 0, SIDE * SIDE]))
    pixels = written.add("Reshape", [written.weight(weight), flat])
    found = written.add("MatMul", [pixels, written.shared(kernel.T)])
    return written.add("Transpose", [found], perm=[2, 0, 1])
