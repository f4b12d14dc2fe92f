"""The filter of the matrix: what an address says is read exactly, or refused; and written the same way by everybody."""

import pytest
from django.http import QueryDict

from compatibility.filters import BadFilter, MatrixFilter, read_filter

WHOLE = (
    "country=DE&make=volkswagen&model=id4&year_from=2020&year_to=2023&engine=BEV&engine=PHEV"
    "&command=read_charge&command=lock&provider=smartcar&support=full&page=2"
)


def test_filter_when_it_is_read_then_it_says_all_that_the_address_says(db: None) -> None:
    assert read_filter(QueryDict(WHOLE)) == MatrixFilter(
        country="DE",
        make="volkswagen",
        model="id4",
        year_from=2020,
        year_to=2023,
        engines=("BEV", "PHEV"),
        abilities=("read_charge", "lock"),
        providers=("smartcar",),
        support="full",
        page=2,
    )


def test_filter_when_it_is_written_then_the_same_filter_has_one_address(db: None) -> None:
    shuffled = "command=lock&engine=PHEV&make=volkswagen&engine=BEV&command=read_charge&year_to=2023&model=id4&page=2"
    shuffled += "&support=full&provider=smartcar&year_from=2020&country=DE&command=lock"

    assert read_filter(QueryDict(WHOLE)).to_query() == WHOLE
    assert read_filter(QueryDict(shuffled)).to_query() == WHOLE


@pytest.mark.parametrize(
    ("query", "assumed", "country", "written"),
    [
        ("", "", "", ""),
        ("", "DE", "DE", "country=DE"),
        ("country=", "DE", "DE", "country=DE"),
        ("country=any", "DE", "", "country=any"),
        ("country=FR", "DE", "FR", "country=FR"),
    ],
)
def test_filter_when_a_country_is_assumed_then_the_address_can_still_say_any(
    db: None, query: str, assumed: str, country: str, written: str
) -> None:
    wanted = read_filter(QueryDict(query), country=assumed)

    assert (wanted.country, wanted.to_query(assumed_country=assumed)) == (country, written)


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("vehcile=1", "vehcile", "unknown_parameter"),
        ("ordering=owner__password", "ordering", "unknown_parameter"),
        ("make=audi&make=bmw", "make", "given_twice"),
        ("country=de", "country", "unknown_value"),
        ("country=XX", "country", "unknown_value"),
        ("make=Volkswagen", "make", "unknown_value"),
        ("make=*", "make", "unknown_value"),
        ("model=i4&make=audi", "model", "unknown_value"),
        ("year_from=1989", "year_from", "not_a_year"),
        ("year_to=2101", "year_to", "not_a_year"),
        ("year_to=٢٠٢٠", "year_to", "not_a_year"),
        ("year_from=2022&year_to=2021", "year_from", "from_after_to"),
        ("engine=bev", "engine", "unknown_value"),
        ("engine=BEV&engine=steam", "engine", "unknown_value"),
        ("command=unlock;lock", "command", "unknown_value"),
        ("provider=simulator&provider=x", "provider", "unknown_value"),
        ("support=unknown", "support", "unknown_value"),
        ("page=0", "page", "not_a_page"),
        ("page=-1", "page", "not_a_page"),
        ("page=1e30", "page", "not_a_page"),
        ("page=" + "9" * 101, "page", "too_long"),
        ("make=%00", "make", "unknown_value"),
        ("make=" + "a" * 101, "make", "too_long"),
        ("&".join(["command=lock"] * 51), "command", "too_many"),
    ],
)
def test_filter_when_something_in_it_makes_no_sense_then_it_is_refused_by_name(
    db: None, query: str, field: str, code: str
) -> None:
    with pytest.raises(BadFilter) as refused:
        read_filter(QueryDict(query))

    assert (refused.value.field, refused.value.code) == (field, code)
    assert refused.value.message


def test_filter_when_a_caller_reads_more_then_only_its_own_names_pass(db: None) -> None:
    assert read_filter(QueryDict("format=csv&make=audi"), extra=("format",)) == MatrixFilter(make="audi")
    with pytest.raises(BadFilter):
        read_filter(QueryDict("format=csv&fields=x"), extra=("format",))
