"""A generator's last layer, which makes three channels, as one that makes twelve.

Processors compute 8 or 16 channels at once, so that three leave most of the work unused; OpenVINO
even keeps such a layer, if transposed, out of bfloat16, and the ones before it too. A block of
2 x 2 pixels as four times the channels, laid out as pixels afterwards (sub-pixel convolution, Shi
et al. 2016, arXiv:1609.05158), is the same sum of the same products.
"""

from itertools import product

from torch import Tensor, fx, nn

NARROW = 4  # channels up to which a layer is widened
BLOCK = 2  # pixels a side
POINTWISE = (nn.Tanh, nn.Identity, nn.Dropout)
Convolution = nn.Conv2d | nn.ConvTranspose2d


def last_convolution(graph: fx.Graph, modules: dict[str, nn.Module]) -> fx.Node | None:
    """The convolution whose pixels are the picture's, but for a function of each value."""
    node = next(node for node in graph.nodes if node.op == "output").all_input_nodes[0]
    while node.op == "call_module" and isinstance(modules[str(node.target)], POINTWISE):
        node = node.all_input_nodes[0]
    layer = modules.get(str(node.target)) if node.op == "call_module" else None
    return node if isinstance(layer, Convolution) else None


def as_blocks(layer: Convolution) -> nn.Conv2d | None:
    """A layer that makes the same as blocks (nn.PixelShuffle undoes them); None if not worth it.

    (B, C, H, W) -> (B, 4 out_channels, H'/2, W'/2), where `layer` makes (B, out_channels, H', W')
    and H' and W' are even.
    """
    if layer.out_channels > NARROW or layer.groups != 1 or layer.dilation != (1, 1):
        return None
    height, width = layer.kernel_size
    if (
        height != width
        or height == 1
        or len({*layer.padding}) != 1
        or layer.padding_mode != "zeros"
    ):
        return None
    return _of_transposed(layer) if isinstance(layer, nn.ConvTranspose2d) else _of_plain(layer)


def _of_plain(layer: nn.Conv2d) -> nn.Conv2d | None:
    """Each pixel of a block has the kernel at its own place in a larger one."""
    if layer.stride != (1, 1):
        return None
    side = layer.kernel_size[0]
    weight = layer.weight.detach()  # (O, C, side, side)
    wide = weight.new_zeros(len(weight), BLOCK, BLOCK, weight.shape[1], side + 1, side + 1)
    for down, right in product(range(BLOCK), repeat=2):
        wide[:, down, right, :, down : down + side, right : right + side] = weight
    return _holding(wide, layer, stride=BLOCK, padding=int(layer.padding[0]))


def _of_transposed(layer: nn.ConvTranspose2d) -> nn.Conv2d | None:
    """Each pixel of a block takes the taps that reach it, from the block's source and beside it."""
    side, beside = layer.kernel_size[0], int(layer.padding[0])
    grown = side + layer.output_padding[0] - 2 * beside
    if layer.stride != (BLOCK, BLOCK) or grown != BLOCK or len({*layer.output_padding}) != 1:
        return None
    taps = [
        (pixel, tap, (pixel + beside - tap) // BLOCK)
        for pixel in range(BLOCK)
        for tap in range(side)
        if (pixel + beside - tap) % BLOCK == 0
    ]
    reach = max(abs(away) for _, _, away in taps)
    weight = layer.weight.detach().transpose(0, 1)  # (O, C, side, side)
    shape = (len(weight), BLOCK, BLOCK, weight.shape[1], 2 * reach + 1, 2 * reach + 1)
    wide = weight.new_zeros(shape)
    for down, tap_down, y in taps:
        for right, tap_right, x in taps:
            wide[:, down, right, :, y + reach, x + reach] = weight[:, :, tap_down, tap_right]
    return _holding(wide, layer, stride=1, padding=reach)


def _holding(wide: Tensor, layer: Convolution, *, stride: int, padding: int) -> nn.Conv2d:
    """A convolution with these weights, (O, 2, 2, C, side, side)."""
    weight = wide.flatten(0, 2)
    made = nn.Conv2d(weight.shape[1], len(weight), weight.shape[-1], stride, padding, device="meta")
    made.weight = nn.Parameter(weight, requires_grad=False)
    bias = weight.new_zeros(layer.out_channels) if layer.bias is None else layer.bias.detach()
    made.bias = nn.Parameter(bias.repeat_interleave(BLOCK * BLOCK), requires_grad=False)
    return made
