"""Videos through ffmpeg: as long, as fast, upright, with their sound; hostile ones are one line."""

import json
import math
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from portrayal.core.errors import BadData, BadOption, CannotWrite, MissingPart
from portrayal.inference.ffmpeg import Clip, decoding, look, program, size_of
from portrayal.inference.files import Files
from portrayal.inference.load import load
from portrayal.inference.video import comment, translate_video

needs_ffmpeg = pytest.mark.skipif(
    not (shutil.which("ffmpeg") and shutil.which("ffprobe")), reason="needs ffmpeg"
)


def make(path, *words, size="50x32", rate="10", seconds=0.8, sound=True):
    made = ["-f", "lavfi", "-i", f"testsrc=size={size}:rate={rate}:duration={seconds}"]
    if sound:
        made += ["-f", "lavfi", "-i", f"sine=duration={seconds}", "-c:a", "aac"]
    told = ["-metadata", "title=secret", "-metadata", "location=+48.1+11.5/"]
    command = ["ffmpeg", "-v", "error", "-y", *made, *told, "-pix_fmt", "yuv444p", *words]
    subprocess.run([*command, str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


def facts(path):
    words = ["-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json"]
    return json.loads(subprocess.run(["ffprobe", *words, path], capture_output=True).stdout)


def frames_of(path, clip, tmp_path):
    with (tmp_path / "said").open("w+b") as said, decoding(path, clip, 100, said) as frames:
        return list(frames)


class Same:
    """A translator whose answer is its input."""

    config, model_hash = {"recipe": "same"}, "0" * 64

    def check(self, how):
        pass

    def translate_all(self, pictures, how, batch=None):
        return list(pictures)


def through(source, out, translator=Same(), **options):
    return translate_video(translator, source, out, look(source, 100), **options)


@needs_ffmpeg
def test_rate_length_size_and_sound_stay_and_nothing_else_does(tmp_path):
    source, out = make(tmp_path / "in.mp4", rate="30000/1001"), tmp_path / "new" / "out.mp4"
    counted = []
    made = through(source, out, advance=counted.append)
    before, after = facts(source), facts(out)
    video, sound = after["streams"]
    assert (video["width"], video["height"], video["pix_fmt"]) == (50, 32, "yuv420p")
    assert video["avg_frame_rate"] == "30000/1001" and video["color_space"] == "bt709"
    assert int(video["nb_read_frames"]) == made.frames == len(counted) == 24
    assert sound["codec_name"] == "aac"
    assert sound["nb_read_frames"] == before["streams"][1]["nb_read_frames"]
    assert "Generated video" in after["format"]["tags"]["comment"]
    assert "secret" not in json.dumps(after) and "48.1" not in json.dumps(after)
    assert [path.name for path in out.parent.iterdir()] == ["out.mp4"]


@needs_ffmpeg
def test_the_frames_that_come_back_are_those_that_were_sent(tmp_path):
    source, out = make(tmp_path / "in.mkv", "-crf", "1"), tmp_path / "out.mkv"
    through(source, out, files=Files(quality=100))
    clip = look(source, 100)
    one, other = (np.stack(frames_of(path, clip, tmp_path)).astype(float) for path in (source, out))
    assert one.shape == other.shape == (8, 32, 50, 3)
    assert np.median(np.abs(one - other)) <= 3  # the colours of edges are at half the size


@needs_ffmpeg
def test_odd_sides_get_one_line_more_and_the_same_video_gives_the_same_file(tmp_path):
    source = make(tmp_path / "in.mp4", size="33x21", sound=False)
    for name in ("one.mp4", "two.mp4"):
        through(source, tmp_path / name)
    assert look(tmp_path / "one.mp4", 1) == Clip(34, 22, Fraction(10), 8, None)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


@needs_ffmpeg
def test_a_turned_video_with_oblong_pixels_comes_as_it_is_shown(tmp_path):
    flat = make(tmp_path / "flat.mp4", "-vf", "setsar=2", sound=False)
    assert look(flat, 1) == Clip(100, 32, Fraction(10), 8, None)
    turned = tmp_path / "turned.mp4"
    words = ["-v", "error", "-i", flat, "-c", "copy", "-metadata:s:v", "rotate=90", turned]
    subprocess.run(["ffmpeg", *words], check=True)
    clip = look(turned, 1)
    assert (clip.width, clip.height) == (32, 100)
    upright = np.stack(frames_of(flat, look(flat, 1), tmp_path)).astype(float)
    seen = np.stack(frames_of(turned, clip, tmp_path)).astype(float)
    gaps = [np.abs(np.rot90(upright, k, axes=(1, 2)) - seen).mean() for k in (1, 3)]
    assert min(gaps) < 12 < max(gaps)


@pytest.mark.parametrize("shape", ["0:1", "1:100000", "abc", "N/A"])
def test_nonsense_about_the_shape_of_pixels_is_not_believed(shape):
    assert size_of({"width": 40, "height": 30, "sample_aspect_ratio": shape}) == (40, 30)


@needs_ffmpeg
def test_a_real_model_translates_every_frame_and_steadily_says_its_flicker(run, tmp_path):
    source = make(tmp_path / "in.mp4", seconds=0.4)
    translator = load(run, device="cpu")
    plain = through(source, tmp_path / "plain.mp4", translator)
    calm = through(source, tmp_path / "calm.mp4", translator, steadily=True)
    assert plain.frames == calm.frames == 4 and math.isnan(plain.flicker)
    assert calm.flicker < calm.flicker_before
    assert comment(translator, None) in json.dumps(facts(tmp_path / "calm.mp4"))
    bare = through(source, tmp_path / "bare.mp4", files=Files(provenance=False))
    assert bare.frames == 4 and "Generated" not in json.dumps(facts(tmp_path / "bare.mp4"))


@needs_ffmpeg
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no video",
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile 'SECRET'\n",
        b"#EXTM3U\n#EXTINF:1,\nSECRET\n#EXT-X-ENDLIST\n",
    ],
)
def test_what_only_calls_itself_a_video_is_one_line(tmp_path, content):
    secret = make(tmp_path / "secret.ts", "-pix_fmt", "yuv420p", seconds=0.2)
    source = tmp_path / "in.mp4"
    source.write_bytes(content.replace(b"SECRET", str(secret).encode()))
    with pytest.raises(BadData, match="no video that can be read"):
        look(source, 100)


@needs_ffmpeg
def test_names_are_no_options_and_no_addresses(tmp_path):
    for name in ("-y.mp4", "http:a%03d.mp4", "a b'c.mp4"):
        source = make(tmp_path / "in.mp4", seconds=0.2).rename(tmp_path / name)
        through(source, tmp_path / f"out{name}")
        assert (tmp_path / f"out{name}").is_file()


@needs_ffmpeg
def test_a_cut_file_gives_the_frames_it_has(tmp_path):
    source = make(tmp_path / "in.mkv", "-g", "1", seconds=3)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert 1 < through(source, tmp_path / "out.mp4").frames < 30


@needs_ffmpeg
@pytest.mark.parametrize("error", [KeyboardInterrupt, BadData])
def test_what_stops_on_the_way_leaves_nothing(tmp_path, error):
    source, count = make(tmp_path / "in.mp4"), iter(range(9))
    (tmp_path / "out").mkdir()

    def stop(frames):
        if next(count) == 3:
            raise error("stop")

    with pytest.raises(error):
        through(source, tmp_path / "out" / "out.mp4", advance=stop)
    assert not list((tmp_path / "out").iterdir())


@needs_ffmpeg
def test_refusals_are_one_line(tmp_path):
    source = make(tmp_path / "in.mp4")
    with pytest.raises(BadData, match=r"50 x 32 pixels, more than 0\.001 megapixels"):
        look(source, 0.001)
    with pytest.raises(BadOption, match="no video that is written"):
        through(source, tmp_path / "out.gif")
    with pytest.raises(BadOption, match="the input itself"):
        through(source, source, files=Files(overwrite=True))
    other = shutil.copy(source, tmp_path / "other.mp4")
    with pytest.raises(BadOption, match="exists"):
        through(source, other)
    through(source, other, files=Files(overwrite=True))
    assert "Generated" in json.dumps(facts(other))
    if Path("/dev/full").exists():
        from portrayal.inference.ffmpeg import encoding

        with (tmp_path / "said").open("w+b") as said, pytest.raises(CannotWrite, match="ffmpeg"):
            clip = look(source, 1)
            target = Path("/dev/full")
            with encoding(target, clip, "matroska", 95, "", source, said) as take:
                for frame in frames_of(source, clip, tmp_path):
                    take(frame)


def test_a_missing_program_is_one_line_with_how_to_get_it():
    with pytest.raises(MissingPart, match="apt-get install ffmpeg"):
        program("ffmpeg-that-is-not-here")
