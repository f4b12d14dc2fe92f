"""Lists of owners as people paste and export them."""

import pytest

from connect.sending.lists import Entry, Problem, Unreadable, cleaned, find_problems, language_of, read_list, write_list


def problems_of(text: str, **known: set[str]) -> list[tuple[int, str]]:
    found = find_problems(read_list(text), **({"invited": set(), "invited_vins": set()} | known))
    return [(problem.line, problem.code) for problem in found]


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("a@example.com\n\n B@Example.com ", [Entry(1, "a@example.com"), Entry(3, "b@example.com")]),
        ("a@example.com, b@example.com;c@example.com", [Entry(1, f"{one}@example.com") for one in "abc"]),
        ('"Ada L" <ada@example.com>', [Entry(1, "ada@example.com", "Ada L")]),
        ("\ufeffE-Mail;Name\nada@example.com;Ada", [Entry(2, "ada@example.com", "Ada")]),
        (
            "Sprache,FIN,Name,E-Mail-Adresse\nDeutsch,wvwzzz1jzxw000001,Ada,ADA@example.com\n\n,,,b@example.com",
            [
                Entry(2, "ada@example.com", "Ada", "Deutsch", "wvwzzz1jzxw000001"),
                Entry(4, "b@example.com"),
            ],
        ),
        ('email,name\na@example.com,"two\nlines"\nb@example.com', [
            Entry(2, "a@example.com", "two\nlines"),
            Entry(4, "b@example.com"),
        ]),
        ("email\tother\na@example.com\t=1+1", [Entry(2, "a@example.com")]),
        ("email,name\nonly-a-name", [Entry(2, "only-a-name")]),
        ("", []),
    ],
)  # fmt: skip
def test_list_when_read_then_every_owner_is_found_with_the_line(text: str, entries: list[Entry]) -> None:
    assert read_list(text) == entries


def test_list_when_a_cell_is_endless_then_it_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        read_list("email,name\n" + '"' + "x" * 200_000)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("nobody\na@example.com", [(1, "not_an_address")]),
        ("a@example.com\nA@example.com", [(2, "twice")]),
        ("a@example.com\x0b,b@example.com", []),
        ("a@exa\x00mple.com", [(1, "not_an_address")]),
        ("x" * 300 + "@example.com", [(1, "not_an_address")]),
        ("old@example.com", [(1, "invited")]),
        ("email,name\na@example.com," + "x" * 101, [(2, "bad_name")]),
        ("email,name\na@example.com,Ada\u202e", [(2, "bad_name")]),
        ('email,name\na@example.com,"Ada\nBcc: x@example.com"', [(2, "bad_name")]),
        ("email,language\na@example.com,Klingon", [(2, "unknown_language")]),
        ("email,language\na@example.com,de-AT\nb@example.com,", []),
        ("email,vin\na@example.com,WVWZZZ1JZXW00000I", [(2, "bad_vin")]),
        ("email,vin\na@example.com,WVWZZZ1JZXW000001\nb@example.com,wvwzzz1jzxw000001", [(3, "vin_twice")]),
        ("email,vin\na@example.com,WVWZZZ1JZXW000009", [(2, "vin_twice")]),
    ],
)
def test_list_when_a_line_is_bad_then_it_is_named(text: str, problems: list[tuple[int, str]]) -> None:
    assert problems_of(text, invited={"old@example.com"}, invited_vins={"WVWZZZ1JZXW000009"}) == problems


def test_problem_when_the_text_is_long_then_a_bounded_part_is_shown() -> None:
    (problem,) = find_problems([Entry(7, "y" * 1_000)], invited=set(), invited_vins=set())

    assert problem == Problem(7, "y" * 80, "not_an_address")


def test_list_when_written_then_it_reads_as_it_was() -> None:
    entries = [cleaned(Entry(2, "a@example.com", 'Ada "the first", L', "German", "wvwzzz1jzxw000001"))]

    assert entries == [Entry(2, "a@example.com", 'Ada "the first", L', "de", "WVWZZZ1JZXW000001")]
    assert read_list(write_list(entries)) == entries


def test_language_when_it_is_not_ours_then_it_is_not_taken() -> None:
    assert [language_of(text) for text in ("EN", "deutsch", "de_CH", "", "fr")] == ["en", "de", "de", "", None]
