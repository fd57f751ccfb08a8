"""Every pretrained network: counted as published, frozen, fed rightly, and strict about files."""

from functools import partial

import pytest
import torch
from torch.nn import functional as F

from portrayal.core.errors import BadData
from portrayal.features.facenet import InceptionResnetV1, facenet
from portrayal.features.frozen import content_hash, frozen, imagenet, resized, short_side
from portrayal.features.inception import Inception, averaged, inception
from portrayal.features.lpips import Heads, lpips_heads
from portrayal.features.mobilefacenet import MobileFaceNet, mobilefacenet
from portrayal.features.resnet import ResNet, resnet18, resnet34
from portrayal.features.squeezenet import CHANNELS, SqueezeNet, squeezenet1_1
from portrayal.features.vgg import VGG16, vgg16

RESNET_18 = partial(ResNet, (2, 2, 2, 2))
RESNET_34 = partial(ResNet, (3, 4, 6, 3))
NETWORKS = {  # parameters as published, tensors without counters, a name and shape of the layout
    "squeezenet1_1": (SqueezeNet, 1_235_496, 52, "features.12.expand3x3.weight", (256, 64, 3, 3)),
    "vgg16": (VGG16, 138_357_544, 32, "classifier.3.weight", (4096, 4096)),
    "resnet18": (RESNET_18, 11_689_512, 102, "layer4.0.downsample.0.weight", (512, 256, 1, 1)),
    "resnet34": (RESNET_34, 21_797_672, 182, "layer3.5.bn2.running_var", (256,)),
    # torchvision's 27,161,264 less 3,326,696 of the auxiliary head, and 8 classes more
    "inception": (
        Inception,
        27_161_264 - 3_326_696 + 8 * 2049,
        472,
        "Mixed_7c.branch3x3dbl_3b.conv.weight",
        (384, 384, 3, 1),
    ),
    # facenet-pytorch's 27,910,327 less the head of 8631 persons
    "facenet": (
        InceptionResnetV1,
        27_910_327 - 8631 * 513,
        602,
        "repeat_2.9.branch1.2.conv.weight",
        (128, 128, 7, 1),
    ),
    "mobilefacenet": (MobileFaceNet, 999_552, 283, "linear7.conv.weight", (512, 1, 7, 6)),
}
SMALL = {  # built with generated weights in a moment, with what it gives
    "squeezenet1_1": (squeezenet1_1, SqueezeNet, 512),
    "resnet18": (resnet18, RESNET_18, 512),
    "facenet": (facenet, InceptionResnetV1, 512),
    "mobilefacenet": (mobilefacenet, MobileFaceNet, 128),
    "inception": (inception, Inception, 2048),
}


def pictures(*shape: int, seed: int = 0) -> torch.Tensor:
    """Soft unit pictures."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(*shape[:2], 6, 6, generator=rng)
    return F.interpolate(coarse, shape[2:], mode="bilinear")


@pytest.fixture(scope="module")
def built(generated):
    return {name: build(generated(make)) for name, (build, make, _) in SMALL.items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_and_names_are_those_of_the_published_network(name):
    make, parameters, tensors, key, shape = NETWORKS[name]
    with torch.device("meta"):
        network = make()
    layout = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    assert len(layout) == tensors
    assert tuple(layout[key].shape) == shape


@pytest.mark.parametrize("name", SMALL)
def test_features_have_the_stated_shape_and_tell_pictures_apart(name, built):
    features = built[name](torch.cat([pictures(1, 3, 90, 120), pictures(1, 3, 90, 120, seed=1)]))
    assert features.shape == (2, SMALL[name][2])
    assert features.isfinite().all()
    assert not torch.allclose(features[0], features[1], atol=1e-3)


@pytest.mark.parametrize("name", SMALL)
def test_pictures_get_a_gradient_and_weights_get_none(name, built):
    network = built[name]
    picture = pictures(1, 3, 64, 64).requires_grad_()
    network(picture).square().sum().backward()
    assert picture.grad is not None
    assert (network(picture) * pictures(1, 1, 1, SMALL[name][2]).flatten()).sum().requires_grad
    assert all(not p.requires_grad and p.grad is None for p in network.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_training_of_a_module_around_it_does_not_reach_it(name, built):
    network = built[name]
    before = network(pictures(2, 3, 64, 64))
    around = torch.nn.ModuleList([network]).train()
    assert not any(module.training for module in around[0].modules())
    assert torch.equal(network(pictures(2, 3, 64, 64)), before)


@pytest.mark.parametrize("name", SMALL)
def test_a_batch_gives_what_its_pictures_give_alone(name, built):
    batch = torch.cat([pictures(1, 3, 64, 64, seed=seed) for seed in range(2)])
    alone = torch.cat([built[name](batch[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(built[name](batch), alone, atol=1e-4, rtol=1e-4)


def test_embeddings_have_length_1_and_the_squared_distance_is_2_less_2_cosines(built):
    for name in ("facenet", "mobilefacenet"):
        one, other = built[name](torch.rand(2, 3, 112, 96)).double()
        assert one.norm().item() == pytest.approx(1, abs=1e-6)
        cosine = (one * other).sum().item()
        assert (one - other).square().sum().item() == pytest.approx(2 - 2 * cosine, abs=1e-6)


def test_resnet34_gives_512_features(generated):
    network = resnet34(generated(RESNET_34))
    assert network(pictures(1, 3, 64, 64)).shape == (1, 512)
    assert network.logits(pictures(1, 3, 64, 64)).shape == (1, 1000)


def resnet_by_names(state, x, depths):
    """ResNet again, from the names of its weights alone. (B, 3, H, W) normalised -> (B, 512)"""

    def conv(x, name, norm, stride=1):
        weight = state[f"{name}.weight"]
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
        parts = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(state[f"{norm}.{part}"] for part in parts), eps=1e-5)

    x = F.max_pool2d(conv(x, "conv1", "bn1", 2).relu(), 3, 2, 1)
    for level, depth in enumerate(depths, start=1):
        for block in range(depth):
            name = f"layer{level}.{block}"
            stride = 2 if f"{name}.downsample.0.weight" in state else 1
            y = conv(x, f"{name}.conv1", f"{name}.bn1", stride).relu()
            y = conv(y, f"{name}.conv2", f"{name}.bn2")
            if stride == 2:
                x = conv(x, f"{name}.downsample.0", f"{name}.downsample.1", 2)
            x = (x + y).relu()
    return x.mean((2, 3))


@pytest.mark.parametrize("build", [resnet18, resnet34])
def test_resnets_compute_what_the_names_of_their_weights_say(build, generated):
    make, depths = (RESNET_18, (2, 2, 2, 2)) if build is resnet18 else (RESNET_34, (3, 4, 6, 3))
    state, picture = generated(make), pictures(1, 3, 224, 224)
    theirs = resnet_by_names(state, imagenet(picture), depths)
    torch.testing.assert_close(build(state)(picture), theirs, atol=1e-4, rtol=1e-4)


def test_inception_halves_pictures_where_the_paper_does(built):
    """Sides of the maps of Szegedy et al. 2016, table 1."""
    sides = {}
    network = built["inception"]
    for name, module in network.named_children():
        if name != "fc":
            module.register_forward_hook(
                lambda _, __, out, name=name: sides.update({name: tuple(out.shape[1:3])})
            )
    network(pictures(1, 3, 64, 64))
    for module in network.children():
        module._forward_hooks.clear()
    assert sides == {
        "Conv2d_1a_3x3": (32, 149),
        "Conv2d_2a_3x3": (32, 147),
        "Conv2d_2b_3x3": (64, 147),
        "Conv2d_3b_1x1": (80, 73),
        "Conv2d_4a_3x3": (192, 71),
        "Mixed_5b": (256, 35),
        "Mixed_5c": (288, 35),
        "Mixed_5d": (288, 35),
        **{f"Mixed_6{letter}": (768, 17) for letter in "abcde"},
        "Mixed_7a": (1280, 8),
        "Mixed_7b": (2048, 8),
        "Mixed_7c": (2048, 8),
    }


@pytest.mark.slow
def test_vgg16_gives_both_fully_connected_layers_and_five_maps(generated):
    network = vgg16(generated(VGG16))
    picture = pictures(1, 3, 64, 96)
    first, second = network.fully_connected(picture)
    assert first.shape == second.shape == (1, 4096)
    assert first.min() == second.min() == 0  # after the ReLU
    assert torch.equal(network(picture), second)
    by_hand = F.linear(first, network.classifier[3].weight, network.classifier[3].bias)
    torch.testing.assert_close(second, by_hand.clamp(min=0))
    shapes = [tuple(maps.shape[1:]) for maps in network.layers(picture)]
    assert shapes == [(64, 64, 96), (128, 32, 48), (256, 16, 24), (512, 8, 12), (512, 4, 6)]
    assert all(maps.min() == 0 for maps in network.layers(picture))
    assert network.logits(picture).shape == (1, 1000)
    x = imagenet(picture)
    for index in (0, 2):
        layer = network.features[index]
        x = F.conv2d(x, layer.weight, layer.bias, padding=1).relu()
    torch.testing.assert_close(network.layers(picture)[0], x)


def test_vgg_keeps_torchvisions_order_of_layers():
    with torch.device("meta"):
        features = VGG16().features
    convolutions = [i for i, layer in enumerate(features) if isinstance(layer, torch.nn.Conv2d)]
    pools = [i for i, layer in enumerate(features) if isinstance(layer, torch.nn.MaxPool2d)]
    assert convolutions == [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    assert pools == [4, 9, 16, 23, 30]


def test_squeezenet_has_seven_maps_and_a_head(built):
    network = built["squeezenet1_1"]
    maps = network.layers(imagenet(pictures(1, 3, 64, 64)))
    assert tuple(x.shape[1] for x in maps) == CHANNELS
    assert [x.shape[2] for x in maps] == [31, 15, 7, 3, 3, 3, 3]
    fire, x = network.features[3], torch.rand(1, 64, 9, 9)
    few = F.conv2d(x, fire.squeeze.weight, fire.squeeze.bias).relu()
    wide = F.conv2d(few, fire.expand3x3.weight, fire.expand3x3.bias, padding=1).relu()
    torch.testing.assert_close(fire(x)[:, 64:], wide)
    assert (few == 0).any()
    assert network.features[2](torch.rand(1, 64, 10, 10)).shape[2] == 5  # rounded up
    x = imagenet(pictures(1, 3, 64, 64))
    for found, end in zip(maps, (2, 5, 8, 10, 11, 12, 13), strict=True):  # as LPIPS slices them
        assert torch.equal(found, network.features[:end](x))
    assert network.last_map(pictures(1, 3, 50, 50)).shape == (1, 512, 13, 13)
    assert network.logits(pictures(1, 3, 64, 64)).shape == (1, 1000)


def test_inception_pools_as_the_published_graph_does(built):
    """Means leave the border out of their count, and the last block takes maxima."""
    assert torch.equal(averaged(torch.ones(1, 1, 4, 4)), torch.ones(1, 1, 4, 4))
    network = built["inception"]
    assert network.Mixed_7c.maximum
    assert not network.Mixed_7b.maximum
    x = torch.rand(1, 2048, 8, 8)
    pooled = network.Mixed_7c.branch_pool(F.max_pool2d(x, 3, 1, 1))
    assert torch.equal(network.Mixed_7c(x)[:, -192:], pooled)
    assert network.logits(pictures(1, 3, 75, 75)).shape == (1, 1008)


def test_inception_scales_by_antialiased_bicubic_cut_to_the_range(built):
    sharp = (torch.arange(600) // 50 % 2).float().expand(1, 3, 600, 600)
    scaled = F.interpolate(sharp, (299, 299), mode="bicubic", antialias=True)
    assert scaled.max() > 1  # it overshoots
    network = built["inception"]
    torch.testing.assert_close(network(sharp), network.pooled(scaled.clamp(0, 1)))


def chained(block, x, *names):
    """What the named parts of a block make of x, one after the other."""
    for name in names:
        x = block.get_submodule(name)(x)
    return x


def test_branches_of_inception_go_through_all_their_parts_in_order(built):
    network = built["inception"]
    strips, x = network.Mixed_6c, torch.rand(1, 768, 17, 17)
    once = chained(strips, x, *(f"branch7x7_{i}" for i in (1, 2, 3)))
    twice = chained(strips, x, *(f"branch7x7dbl_{i}" for i in (1, 2, 3, 4, 5)))
    assert torch.equal(strips(x)[:, 192:576], torch.cat([once, twice], 1))
    forks, x = network.Mixed_7b, torch.rand(1, 1280, 8, 8)
    parts = [chained(forks, x, "branch1x1")]
    parts += [chained(forks, x, "branch3x3_1", f"branch3x3_2{side}") for side in "ab"]
    double = ("branch3x3dbl_1", "branch3x3dbl_2")
    parts += [chained(forks, x, *double, f"branch3x3dbl_3{side}") for side in "ab"]
    parts.append(chained(forks, averaged(x), "branch_pool"))
    assert torch.equal(forks(x), torch.cat(parts, 1))


def test_the_stem_of_inception_pools_by_maximum(built):
    network, seen = built["inception"], {}
    hooks = [
        network.get_submodule(name).register_forward_hook(
            lambda _, inputs, out, name=name: seen.update({name: (inputs[0], out)})
        )
        for name in ("Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "Mixed_5b")
    ]
    network(pictures(1, 3, 80, 80))
    for hook in hooks:
        hook.remove()
    for before, after in (("Conv2d_2b_3x3", "Conv2d_3b_1x1"), ("Conv2d_4a_3x3", "Mixed_5b")):
        assert torch.equal(F.max_pool2d(seen[before][1], 3, 2), seen[after][0])


@pytest.mark.parametrize(
    ("name", "first", "low", "high"),
    [
        ("facenet", "conv2d_1a", -127.5 / 128, 127.5 / 128),
        ("mobilefacenet", "conv1", -127.5 / 128, 127.5 / 128),
        ("inception", "Conv2d_1a_3x3", -1.0, 1.0),
    ],
)
def test_the_first_layer_sees_the_published_range(name, first, low, high, built):
    seen = []
    layer = built[name].get_submodule(first)
    hook = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    built[name](torch.zeros(1, 3, 80, 80))
    built[name](torch.ones(1, 3, 80, 80))
    hook.remove()
    for x, value in zip(seen, (low, high), strict=True):
        torch.testing.assert_close(x, torch.full_like(x, value), atol=1e-5, rtol=0)


def test_mobilefacenet_halves_four_times(built):
    network = built["mobilefacenet"]
    x = network.dw_conv1(network.conv1(torch.zeros(1, 3, 112, 96)))
    shapes = [tuple(x.shape[1:])]
    for block in network.blocks:
        x = block(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes[0] == (64, 56, 48)
    assert shapes[1:] == [(64, 28, 24)] * 5 + [(128, 14, 12)] * 7 + [(128, 7, 6)] * 3


def test_every_batchnorm_has_the_published_epsilon(built):
    for name, epsilon in {"facenet": 1e-3, "inception": 1e-3, "mobilefacenet": 1e-5}.items():
        norms = [
            m for m in built[name].modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)
        ]
        assert {norm.eps for norm in norms} == {epsilon}


def test_residual_blocks_of_facenet_are_scaled_as_published(built):
    network = built["facenet"]
    scales = [network.repeat_1[4].scale, network.repeat_2[9].scale, network.repeat_3[4].scale]
    assert [*scales, network.block8.scale] == [0.17, 0.10, 0.20, 1.0]
    x = torch.rand(1, 1792, 3, 3) - 0.5
    assert network.block8(x).min() < 0 <= network.repeat_3[0](x).min()  # the last has no ReLU


def test_pictures_are_scaled_by_their_shorter_side_and_antialiased():
    assert short_side(pictures(1, 3, 112, 200), 224).shape == (1, 3, 224, 400)
    zone = (torch.arange(64) % 2).float().expand(1, 3, 64, 64)  # stripes of one pixel
    torch.testing.assert_close(
        resized(zone, 16, 16)[..., 2:-2], torch.full((1, 3, 16, 12), 0.5), atol=0.02, rtol=0
    )
    same = pictures(1, 3, 20, 30)
    assert resized(same, 20, 30) is same
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None].expand(1, 3, 4, 4)
    assert imagenet(mean).abs().max() == 0


def test_weights_that_do_not_fit_are_refused_by_name(generated):
    state = generated(Heads)
    lin3 = "lin3.model.1.weight"
    wrong = {
        r"lack 'lin3.model.1.weight' \(and 0 more\), so .* architecture Heads": {
            k: v for k, v in state.items() if k != lin3
        },
        r"have a strange 'fc.weight' \(and 1 more\)": state
        | {"fc.weight": torch.ones(1), "x": torch.ones(1)},
        r"'lin3.model.1.weight' has shape \(1, 383, 1, 1\), but Heads needs \(1, 384, 1, 1\)": state
        | {lin3: torch.ones(1, 383, 1, 1)},
        "'lin3.model.1.weight' of Heads holds no finite": state
        | {lin3: torch.full((1, 384, 1, 1), torch.nan)},
    }
    for line, weights in wrong.items():
        with pytest.raises(BadData, match=line) as caught:
            lpips_heads(weights)
        assert "\n" not in str(caught.value)


def test_the_head_of_facenet_is_ignored_and_counters_may_be_absent(generated, built):
    state = generated(InceptionResnetV1)
    bare = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    headed = bare | {"logits.weight": torch.ones(8631, 512), "logits.bias": torch.ones(8631)}
    assert facenet(headed).sha256 == facenet(state).sha256 == built["facenet"].sha256
    with pytest.raises(BadData, match=r"strange 'logits\.bias'"):
        frozen(InceptionResnetV1, headed)


def test_half_precision_files_become_float32_networks(generated):
    state = {name: tensor.half() for name, tensor in generated(Heads).items()}
    network = lpips_heads(state)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_the_hash_is_that_of_names_types_shapes_and_values():
    state = {"a": torch.arange(6.0).view(2, 3), "b": torch.zeros(())}
    same = {"b": torch.zeros(()), "a": torch.arange(6.0).view(3, 2).T.contiguous().T.reshape(2, 3)}
    same["a"] = state["a"].clone()
    assert content_hash(state) == content_hash(same)
    counted = state | {"bn.num_batches_tracked": torch.tensor(7)}
    assert content_hash(counted) == content_hash(state)
    for other in (
        {"a": state["a"].view(3, 2), "b": state["b"]},
        {"a": state["a"].double(), "b": state["b"]},
        {"a": state["a"] + 1e-6, "b": state["b"]},
        {"c": state["a"], "b": state["b"]},
    ):
        assert content_hash(other) != content_hash(state)


def test_what_is_no_colour_picture_is_refused(built):
    network = built["squeezenet1_1"]
    with pytest.raises(BadData, match=r"float pictures \(B, 3, H, W\), but these are \(3, 8, 8\)"):
        network(torch.zeros(3, 8, 8))
    with pytest.raises(BadData, match=r"\(1, 3, 8, 8\) of uint8"):
        network(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
