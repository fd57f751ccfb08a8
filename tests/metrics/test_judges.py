"""Networks of the losses do not judge."""

import pytest

from portrayal.core.errors import BadOption
from portrayal.metrics.judges import refuse_trained_judge, trained_with

FACES = ("identity_mobilefacenet", "identity_facenet")


@pytest.mark.parametrize("weight", [5.0, 1, [0.0, 5.0], (5.0, 0.0)])
def test_the_network_of_the_identity_loss_may_not_judge(weight):
    config = {"recipe": "cyclegan", "config": {"identity": 0.0, "face_identity": weight}}
    with pytest.raises(BadOption, match="trained with facenet") as caught:
        refuse_trained_judge(config, "identity_facenet")
    line = str(caught.value)
    assert "\n" not in line
    assert "identity_mobilefacenet" in line and "identity_facenet," not in line
    refuse_trained_judge(config, "identity_mobilefacenet")
    refuse_trained_judge(config, "ssim")


def test_other_runs_may_be_judged_by_all():
    for inside in ({}, {"identity": 5.0}, {"face_identity": 0.0}, {"face_identity": [0, 0]}):
        assert trained_with({"config": inside}) == set()
        for name in FACES:
            refuse_trained_judge({"config": inside}, name)
    refuse_trained_judge({}, FACES[0])


@pytest.mark.parametrize(
    ("network", "refused"),
    [("squeezenet1_1", ("lpips_squeeze", "squeezenet_cosine")), ("vgg16", ("vgg_cosine",))],
)
def test_the_network_of_the_perceptual_term_may_not_judge(network, refused):
    config = {"config": {"perceptual": 10.0, "perceptual_network": network}}
    for metric in refused:
        with pytest.raises(BadOption, match=f"trained with {network}"):
            refuse_trained_judge(config, metric)
    for metric in {"lpips_squeeze", "squeezenet_cosine", "vgg_cosine", *FACES} - set(refused):
        refuse_trained_judge(config, metric)
    unused = {"config": {**config["config"], "perceptual": 0.0}}
    for metric in refused:
        refuse_trained_judge(unused, metric)


def test_both_terms_and_a_config_that_names_its_embedder():
    config = {"config": {"face_identity": 1.0, "identity_network": "mobilefacenet"}}
    assert trained_with(config) == {"mobilefacenet"}
    with pytest.raises(BadOption, match="identity_facenet"):
        refuse_trained_judge(config, "identity_mobilefacenet")
    both = {"config": {"face_identity": 1.0, "perceptual": (0, 3.0)}}
    assert trained_with(both) == {"facenet", "vgg16"}
