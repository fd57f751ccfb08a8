"""Forms by hand, and as httpx writes them."""

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrayal.web.forms import BadForm, File, read_form

KIND = "multipart/form-data; boundary=x"
DISPOSITION = b'Content-Disposition: form-data; name="a"; filename="b.png"'


def form(*parts, end=b"\r\n--x--\r\n"):
    return b"".join(b"\r\n--x" + part for part in parts)[2:] + end


def test_by_hand():
    body = form(
        b'\r\nContent-Disposition: form-data; name="field"\r\n\r\nno file',
        b"\r\nA: b\r\nCONTENT-disposition:form-data;name=a;filename=b\r\n\r\n\r\n",
        b'\r\nContent-Disposition: form-data; filename="q\\"\xc3\xa9\\\\"; name="n;m"'
        b"\r\n\r\nx\r\n\r\ny",
    )
    wanted = [File("a", "b", b"\r\n"), File("n;m", 'q"é\\', b"x\r\n\r\ny")]
    assert read_form(body, KIND, 2) == wanted
    assert read_form(b"preamble\r\n" + body, 'multipart/form-data; BOUNDARY="x"', 2) == wanted


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (form(), "multipart/form-data", "names no boundary"),
        (form(), "multipart/form-data; boundary=", "names no boundary"),
        (b"nonsense", KIND, "nowhere"),
        (b"", KIND, "nowhere"),
        (form(b"\r\n" + DISPOSITION + b"\r\n\r\ncontent", end=b""), KIND, "end is missing"),
        (form(b"\r\n" + DISPOSITION), KIND, "headers of a part"),
        (form(b"yz\r\n" + DISPOSITION + b"\r\n\r\n"), KIND, "headers of a part"),
        (form(b"\r\n" + DISPOSITION + b" " * 9000 + b"\r\n\r\n"), KIND, "headers of a part"),
        (form(b"\r\n\r\ncontent"), KIND, "no name"),
        (form(b"\r\nContent-Disposition: form-data\r\n\r\n"), KIND, "no name"),
        (form(*[b"\r\n" + DISPOSITION + b"\r\n\r\n"] * 3), KIND, "Too many files, 3 and not 2"),
        (form(*[b"\r\n" + DISPOSITION + b"\r\n\r\n"] * 99), KIND, "Too many files, more than 2"),
    ],
)
def test_what_is_no_form_is_refused_in_words(body, kind, words):
    with pytest.raises(BadForm, match=words):
        read_form(body, kind, 2)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=20), st.binary(max_size=200)), max_size=5),
)
def test_what_httpx_writes_is_read_back(files):
    given_files = [("pictures", pair) for pair in files]
    request = httpx.Request("POST", "http://x", files=given_files or None, data={"other": "1"})
    if not files:
        return
    found = read_form(request.read(), request.headers["content-type"], 5)
    assert [file.content for file in found] == [content for _, content in files]
    assert {file.field for file in found} == {"pictures"}
