"""A request's body -> picture files in memory. Nothing is written to disk, nor kept."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from portrayal.core.colours import Refused
from portrayal.core.opening import opened, pillow, plugin, quiet
from portrayal.web.forms import BadForm, read_form

KINDS = ("image/", "application/octet-stream")
LONGEST = {".webp": 16_383, ".jpg": 65_500, ".png": 1 << 30}  # sides a format can hold


async def picture_of(request: Request) -> bytes:
    """The picture that a request carries: its body, or the form field "picture"."""
    if kind_of(request) == "multipart/form-data":
        files = await form_files(request, "picture", 1)
        return whole(files[0][1])
    kind = kind_of(request)
    if kind and (not kind.startswith(KINDS) or kind == "image/svg+xml"):
        raise HTTPException(
            415,
            f"{kind[:60]} is no picture: send one as the body with its content type, such as "
            "image/png, or as the form field 'picture'.",
        )
    return whole(await request.body())


async def form_files(request: Request, field: str, most: int) -> list[tuple[str, bytes]]:
    """Names and contents of the files in one field of a form."""
    if kind_of(request) != "multipart/form-data":
        raise HTTPException(415, f"Send the pictures as a form with files named '{field}'.")
    try:
        form = read_form(await request.body(), request.headers.get("content-type", ""), most)
    except BadForm as error:
        raise HTTPException(400, f"The form cannot be read: {error}.") from None
    files = [(file.name, file.content) for file in form if file.field == field]
    if not files:
        raise HTTPException(422, f"The form has no file named '{field}'.")
    return files


def kind_of(request: Request) -> str:
    """The content type without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def whole(content: bytes) -> bytes:
    """The content, refused if there is none."""
    if not content:
        raise HTTPException(400, "There is no picture in the request.")
    return content


def check(content: bytes, megapixels: float, suffix: str, wide: int = 1) -> None:
    """Refuse by the header what is no picture or too large, before it takes a place in the line.

    `wide` pictures stand side by side in the answer.
    """
    try:
        with quiet(), opened(content, megapixels) as file, pillow("damaged"):
            width, height = plugin(file)(file).size
    except Refused as refusal:
        large = "more than the limit" in str(refusal)
        raise HTTPException(
            413 if large else 400, f"The picture cannot be read: {refusal}."
        ) from None
    if width * height > megapixels * 1e6:
        size = f"{width} x {height} pixels are {width * height / 1e6:.4g} megapixels"
        raise HTTPException(413, f"{size}, more than the limit of {megapixels:g}.")
    if max(wide * width, wide * height) > LONGEST[suffix]:
        raise HTTPException(
            422, f"A {suffix[1:]} holds {LONGEST[suffix]:,} pixels a side at most: try png."
        )
