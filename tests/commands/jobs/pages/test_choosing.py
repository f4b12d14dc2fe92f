"""From the list of vehicles to the preview of a job: filters, the commands to choose from, values and complaints."""

import pytest

HTMX = {"HX-Request": "true"}


def plates(answer):
    return [row.vehicle.plate for row in answer.context["rows"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["NL-J 1", "NL-J 2", "NL-J 3"]),
        ("q=J+2", ["NL-J 2"]),
        ("make=%C5%A0koda", ["NL-J 3"]),
        ("make=%C5%A0koda&make=Volkswagen&q=J+1", ["NL-J 1"]),
        ("locked=no", ["NL-J 1"]),
        ("soc_above=79&soc_below=81", ["NL-J 1"]),
        ("online=offline", []),
    ],
)
def test_list_when_it_is_filtered_then_it_shows_these_cars_and_sends_to_them(links, cast, browser_of, query, expected):
    answer = browser_of(cast.operator).get(f"/vehicles/?{query}")

    assert (answer.status_code, plates(answer)) == (200, expected)
    assert (f'href="/jobs/new/{"?" if query else ""}' in answer.content.decode()) == bool(expected)
