"""Logo and colour of a team: what is taken, what is refused, how it is served."""

import io
import struct
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from connect.looks import BadPicture, Look, contrast, draw_anew, look_of, style_of, text_on
from connect.models import TeamLook
from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from tests.connect.conftest import make_link, make_member
from tests.connect.test_link_views import signed_in


def picture(form: str = "PNG", size: tuple[int, int] = (600, 300), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#0a5c36").save(out, format=form, **options)
    return out.getvalue()


def unfolding(side: int) -> bytes:
    """A PNG of a few bytes that says it is so large."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(b"\0" * 9)) + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def post(membership: Membership, **data: object):
    return signed_in(membership).post(reverse("connect:look"), {"colour": "", **data})


def upload(raw: bytes, name: str = "logo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, raw)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_logo_when_it_is_a_picture_then_it_is_drawn_anew_and_small(form: str) -> None:
    drawn = draw_anew(picture(form))

    with Image.open(io.BytesIO(drawn)) as shown:
        assert (shown.format, shown.size, shown.info) == ("PNG", (256, 128), {})


def test_logo_when_the_file_tells_where_it_was_taken_then_that_is_gone() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"

    assert b"taken at home" not in draw_anew(picture("JPEG", exif=exif))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "not_a_picture"),
        (b"GIF89a" + b"\0" * 50, "not_a_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "not_a_picture"),
        (picture()[:200], "not_a_picture"),
        (picture("BMP", (20, 20)), "not_a_picture"),
        (b"\0" * 1_048_577, "too_large"),
        (unfolding(5_000), "too_large"),
        (unfolding(60_000), "too_large"),
        (unfolding(100), "not_a_picture"),
    ],
)  # fmt: skip
def test_logo_when_it_is_bad_then_it_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(BadPicture) as bad:
        draw_anew(raw)

    assert bad.value.code == code


def test_text_when_it_stands_on_a_colour_then_it_can_be_read() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert [text_on(colour) for colour in ("#0a5c36", "#ffee00", "#777777", "#000000")] == [
        "#ffffff",
        "#000000",
        "#000000",
        "#ffffff",
    ]
    for red in range(0, 256, 15):
        for green in range(0, 256, 15):
            for blue in range(0, 256, 51):
                colour = f"#{red:02x}{green:02x}{blue:02x}"
                assert contrast(colour, text_on(colour)) >= 4.5, colour


def test_look_when_saved_then_owners_see_it_and_it_is_told(manager: Membership) -> None:
    before = look_of(manager.team)
    answer = post(manager, colour="#0A5C36", logo=upload(picture()))
    look = look_of(manager.team)
    logo, css = Client().get(look.logo_url), Client().get(look.css_url)
    _, secret = make_link(manager)
    start = Client().get(reverse("connect:start", args=[secret])).content.decode()

    assert (before, answer.status_code) == (Look(), 302)
    assert (logo.status_code, logo["Content-Type"], logo["X-Content-Type-Options"]) == (200, "image/png", "nosniff")
    assert (css["Content-Type"], css["X-Content-Type-Options"]) == ("text/css; charset=utf-8", "nosniff")
    assert logo["Cache-Control"] == css["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "background: #0a5c36; color: #ffffff" in css.content.decode()
    assert look.logo_url in start
    assert look.css_url in start
    told = Event.objects.get(kind="look.changed")
    assert (told.actor, told.data) == (manager.user.actor, {"colour": "#0a5c36", "has_logo": True})


def test_look_when_changed_then_the_older_addresses_are_gone(manager: Membership) -> None:
    post(manager, colour="#0a5c36", logo=upload(picture()))
    first = look_of(manager.team)
    post(manager, colour="")
    second = look_of(manager.team)
    post(manager, removes_logo="on")

    assert (Client().get(first.logo_url).status_code, second.css_url) == (404, "")
    assert second.logo_url not in {"", first.logo_url}
    assert look_of(manager.team) == Look()


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"colour": "#0a5c3"}, "colour"),
        ({"colour": "#0a5c36;}"}, "colour"),
        ({"colour": "#\uff10a5c36"}, "colour"),
        ({"logo": upload(b"nonsense")}, "logo"),
        ({"logo": upload(b"")}, "logo"),
        ({"logo": upload(b"\0" * 1_048_577)}, "logo"),
        ({"logo": upload(picture()), "removes_logo": "on"}, "logo"),
    ],
)
def test_look_when_the_form_is_wrong_then_it_says_where_and_keeps_what_was(
    manager: Membership, data: dict[str, object], field: str
) -> None:
    answer = post(manager, **data)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert 'class="wrong"' in answer.content.decode()
    assert not TeamLook.objects.exists()


def test_look_when_the_role_is_small_then_it_stays(manager: Membership) -> None:
    viewer = make_member("viewer", role=Role.VIEWER, of=manager)

    assert post(viewer, colour="#0a5c36").status_code == 403
    assert not TeamLook.objects.exists()


def test_style_when_the_row_holds_something_else_then_nothing_of_it_is_served(manager: Membership) -> None:
    assert style_of(TeamLook(team=manager.team, colour="red;}x{")) == ""
