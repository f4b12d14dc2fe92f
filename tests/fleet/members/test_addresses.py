"""Lists of addresses as people paste and export them."""

import pytest

from fleet.members.addresses import Problem, Row, find_problems, is_address, read_csv, read_pasted


@pytest.mark.parametrize(
    ("pasted", "addresses"),
    [
        ("a@example.com\nB@Example.com", ["a@example.com", "b@example.com"]),
        (" a@example.com ; b@example.com,\r\n\r\nc@example.com", ["a@example.com", "b@example.com", "c@example.com"]),
        ("Robin Example <robin@example.com>", ["robin@example.com"]),
        ("a@example.com\nBcc: x@example.com", ["a@example.com", "bcc: x@example.com"]),
        (" \n ,; ", []),
    ],
)
def test_list_when_it_is_pasted_then_every_entry_is_read(pasted: str, addresses: list[str]) -> None:
    assert read_pasted(pasted) == [Row(number, address) for number, address in enumerate(addresses, start=1)]


@pytest.mark.parametrize(
    ("file", "addresses"),
    [
        ("name,email\nRobin,robin@example.com\n", ["robin@example.com"]),
        ("robin@example.com;Robin\nkim@example.com;Kim\n", ["robin@example.com", "kim@example.com"]),
        ("email\nrobin@example.com\nnobody\n", ["robin@example.com", "nobody"]),
        ('"Example, Robin",robin@example.com\n', ["robin@example.com"]),
        ("", []),
    ],
)
def test_list_when_it_is_a_csv_file_then_the_addresses_are_found(file: str, addresses: list[str]) -> None:
    assert [row.address for row in read_csv(file)] == addresses


def test_problems_when_entries_are_wrong_then_each_is_named_with_its_place() -> None:
    rows = read_pasted("new@example.com, nonsense, new@example.com, here@example.com, asked@example.com")

    found = find_problems(rows, members={"here@example.com"}, invited={"asked@example.com"})

    assert found == [
        Problem(2, "nonsense", "not_an_address"),
        Problem(3, "new@example.com", "twice"),
        Problem(4, "here@example.com", "member"),
        Problem(5, "asked@example.com", "invited"),
    ]


@pytest.mark.parametrize(
    "text", ["a@b.c\nBcc: x@y.z", "a@b.c\r", "a\u202e@example.com", "a@", "@example.com", "x" * 250 + "@example.com"]
)
def test_address_when_no_letter_could_go_there_then_it_is_none(text: str) -> None:
    assert not is_address(text)
