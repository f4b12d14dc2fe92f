"""Questions are read word by word, and the answers are those of the data, with date and source and never a guess."""

import csv
import random
from datetime import date

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import translation

from compatibility.asking import Said, answers_about, best_first
from compatibility.facts_of_providers import DATA, vocabulary
from compatibility.lookup import Car, Declared
from compatibility.models import Fact, TeamMeasurement
from compatibility.question_words import ABILITIES_BY_PHRASE
from compatibility.questions import Names, Near, Question, country_names, read_question
from compatibility.replies import reply_to
from compatibility.sentences import in_one, verdict_of, ways_round
from compatibility.words import ABILITIES, CONTROLS, Engine, Support, plain
from fleet.teams.models import Team
from tests.compatibility.cases import CASES, Case
from tests.factories import make_team
from tests.signing_in import sign_in


@pytest.fixture(autouse=True)
def nothing_asked_yet() -> None:
    """Questions are counted by address, and all tests come from one."""
    cache.clear()


NAMES = Names(
    makes={plain(name): make for name, make in (("VW", "Volkswagen"), ("Volkswagen", "Volkswagen"), ("Opel", "Opel"))}
    | {plain(make): make for make in ("Vauxhall", "Peugeot", "Lexus", "Land Rover", "Honda", "BMW", "Polestar")}
    | {"rangerover": "Land Rover"},
    models={
        "Volkswagen": {"id4": "ID.4", "golf": "Golf", "golfr": "Golf R", "egolf": "e-Golf"},
        "Opel": {"corsa": "Corsa"},
        "Vauxhall": {"corsa": "Corsa"},
        "Peugeot": {"208": "208", "2008": "2008"},
        "Lexus": {"is": "IS", "es": "ES", "nx": "NX"},
        "Land Rover": {"rangerover": "Range Rover", "rangeroverevoque": "Range Rover Evoque"},
        "Honda": {"e": "e"},
        "Polestar": {"2": "2"},
    },
    countries=country_names([("Germany", "DE"), ("Deutschland", "DE"), ("Spain", "ES"), ("United States", "US")]),
    providers={"smartcar": "smartcar", "teslafleetapi": "tesla"},
)
ID4 = {"make": "Volkswagen", "model": "ID.4"}


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("2022 VW ID.4 Germany unlock", {**ID4, "year": 2022, "country": "DE", "abilities": ("unlock",)}),
        ("2022 VW ID.4 GERMANY UNLOCK IN", {**ID4, "year": 2022, "country": "DE", "abilities": ("unlock",)}),
        ("Kann ich den ID 4 aufschließen und vorheizen?", {**ID4, "abilities": ("unlock", "start_climate")}),
        ("id.4 in the US charge limit", {**ID4, "country": "US", "abilities": ("set_charge_limit",)}),
        ("Klima beim ID.4 ausschalten", {**ID4, "abilities": ("stop_climate",)}),
        ("Kofferraum vom ID.4 schließen", {**ID4, "abilities": ("close_trunk",)}),
        ("Kofferraum vom ID.4 öffnen", {**ID4, "abilities": ("open_trunk",)}),
        ("ID.4 öffnen", {**ID4, "abilities": ("unlock",)}),
        ("ID.4 PIN löschen through Smartcar", {**ID4, "abilities": ("reset_pin",), "provider": "smartcar"}),
        (
            "electric VW Golf, lock state",
            {"make": "Volkswagen", "model": "Golf", "engine": "BEV", "abilities": ("read_lock_state",)},
        ),
        ("2008 Peugeot 208 lock", {"make": "Peugeot", "model": "208", "year": 2008, "abilities": ("lock",)}),
        ("Peugeot 2008 2022 lock", {"make": "Peugeot", "model": "2008", "year": 2022, "abilities": ("lock",)}),
        ("Is my Lexus IS in ES", {"make": "Lexus", "model": "IS", "country": "ES"}),
        ("Lexus ES lock", {"make": "Lexus", "model": "ES", "abilities": ("lock",)}),
        ("Range Rover lock", {"make": "Land Rover", "model": "Range Rover", "abilities": ("lock",)}),
        ("Range Rover Evoque", {"make": "Land Rover", "model": "Range Rover Evoque"}),
        ("a Honda e, 2021", {"make": "Honda", "model": "e", "year": 2021}),
        ("Polestar 2 honk", {"make": "Polestar", "model": "2", "abilities": ("honk_horn",)}),
        ("", {}),
        ("%_\\ (a+)+$ \x00", {}),
    ],
)
def test_question_when_read_then_every_word_is_taken_for_what_it_means(
    text: str, understood: dict[str, object]
) -> None:
    assert read_question(text, NAMES) == Question(text=text, **understood)  # type: ignore[arg-type]


def test_question_when_words_are_left_then_they_are_told_and_change_nothing() -> None:
    read = read_question("2022 VW ID.4 Germany and Spain unlock asap 2023", NAMES)

    assert read == Question(
        text=read.text,
        **ID4,
        year=2022,
        country="DE",
        abilities=("unlock",),
        not_understood=("asap", "2023", "ES"),
    )


@pytest.mark.parametrize(
    ("text", "make", "is_typo", "near"),
    [
        (
            "VW Golff unlock",
            "Volkswagen",
            True,
            [("Volkswagen", "Golf"), ("Volkswagen", "Golf R"), ("Volkswagen", "e-Golf")],
        ),
        ("Volkswagon unlock", "", False, [("Volkswagen", "")]),
        ("Corsa unlock", "", False, [("Opel", "Corsa"), ("Vauxhall", "Corsa")]),
        # Another number is another model, not a slip.
        ("VW ID.44 unlock", "Volkswagen", False, [("Volkswagen", "ID.4")]),
        ("VW ID.7 unlock", "Volkswagen", False, []),
        ("BMW i4 unlock", "BMW", False, []),
    ],
)
def test_question_when_a_name_is_not_known_then_near_names_are_offered_and_none_is_taken(
    text: str, make: str, is_typo: bool, near: list[tuple[str, str]]
) -> None:
    read = read_question(text, NAMES)

    assert (read.make, read.model, read.is_typo) == (make, "", is_typo)
    assert [(one.make, one.model) for one in read.near] == near


def test_words_of_commands_when_looked_through_then_every_ability_can_be_asked_for() -> None:
    assert {ability for meant in ABILITIES_BY_PHRASE.values() for ability in meant} == set(ABILITIES)


def test_answers_of_several_providers_when_sorted_then_the_one_that_helps_most_comes_first() -> None:
    known = vocabulary().providers

    def said(provider: str, support: Support, about: str = "model", as_of: date = date(2026, 5, 1)) -> Said:
        return Said(known[provider], Declared("lock", support, "", as_of, "list", 1, about=about))

    wanted = [
        said("tesla", Support.FULL, "make", date(2020, 1, 1)),
        # Of equal ones: what Fleetwell can use, what names the model, the newest.
        said("simulator", Support.PARTIAL, "make", date(2020, 1, 1)),
        said("rivian", Support.PARTIAL),
        said("myskoda", Support.PARTIAL, as_of=date(2026, 4, 1)),
        said("porsche_connect", Support.PARTIAL, "make", date(2026, 9, 1)),
        said("enode", Support.UNKNOWN),
        said("smartcar", Support.NONE),
    ]

    assert best_first(random.Random(1).sample(wanted, k=len(wanted))) == wanted


# With the product's own data -----------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_question_about_real_data_when_asked_then_answer_date_and_source_are_right(case: Case) -> None:
    (answer,) = reply_to(case.asked).answers

    declared = answer.best.declared if answer.best else None
    told = (
        answer.support.value,
        f"{declared.as_of:%Y-%m}" if declared and declared.as_of else None,
        declared.source if declared else None,
        declared.about if declared else "",
        declared.condition if declared else "",
    )
    assert told == (case.support, case.as_of, case.source, case.about, case.condition)
    assert answer.depends == ()


@pytest.mark.django_db
def test_answer_when_said_in_words_then_date_source_and_ways_round_are_in_them() -> None:
    (unlock,) = reply_to("2022 Audi Q4 e-tron Germany unlock via Smartcar").answers

    assert in_one(unlock) == (
        "Not known. The sources on Smartcar do not say whether “Unlock” works on the 2022 Audi Q4 e-tron in Germany. "
        "What the source adds: Smartcar listed it as available in August 2022; VW Group's partner access of May 2026 "
        "names only charging, battery and odometer of electric cars and plug-in hybrids. Unknown is not a yes. "
        "As of May 2026, source: Smartcar documentation, help and changelog."
    )
    another = (
        "Another way: Audi connect (community): Works with a condition: "
        "not everything works at present, says the source; S-PIN needed."
    )
    elsewhere = (
        "In other countries: works: United States (Smartcar, August 2022); "
        "works with a condition: Canada (Smartcar, November 2025)."
    )
    assert ways_round(unlock) == [another, elsewhere]


@pytest.mark.django_db
def test_answer_when_read_in_german_then_it_is_german() -> None:
    with translation.override("de"):
        (unlock,) = reply_to("2024 Rivian R1S USA verriegeln rivian app").answers

        assert in_one(unlock) == (
            "Ja. Über Rivian app (community) funktioniert „Verriegeln“ beim Rivian R1S von 2024 in den USA. "
            "Die Quelle ergänzt: erste Generation; einmalige Bluetooth-Kopplung und Anmeldung mit zweitem Faktor "
            "nötig. "
            "Stand März 2026, Quelle: bretterer/home-assistant-rivian. "
            "Fleetwell hat noch keinen Adapter für Rivian app (community)."
        )


@pytest.mark.django_db
def test_question_when_the_country_is_missing_and_matters_then_it_depends() -> None:
    (unlock,) = reply_to("2022 Audi Q4 e-tron unlock via Smartcar").answers

    assert verdict_of(unlock) == "depends"
    assert [split.by for split in unlock.depends] == ["country"]
    by_country = {country: group.support for group in unlock.depends[0].groups for country in group.members}
    assert (by_country["US"], by_country["CA"], by_country["DE"]) == (Support.FULL, Support.PARTIAL, Support.UNKNOWN)


@pytest.mark.django_db
def test_question_when_others_say_the_same_in_each_country_then_it_does_not_depend() -> None:
    (climate,) = reply_to("BMW X5 2019 start climate").answers

    assert (verdict_of(climate), climate.support) == ("no", Support.NONE)
    assert in_one(climate) == ("No. By country: not offered: everywhere (Smartcar, Enode, September 2025).")


@pytest.mark.django_db
def test_question_about_a_make_when_models_differ_then_it_depends_on_the_model() -> None:
    (lock,) = reply_to("VW Germany lock").answers

    assert [split.by for split in lock.depends] == ["model"]
    by_model = {model: group.support for group in lock.depends[0].groups for model in group.members}
    assert (by_model["ID.4"], by_model["Jetta SportWagen"]) == (Support.UNKNOWN, Support.NONE)


@pytest.mark.django_db
def test_question_when_the_make_is_not_known_then_there_is_no_answer() -> None:
    assert [reply_to(text).problem for text in ("Golff unlock", "", "unlock my car please")] == [
        "which_make",
        "empty",
        "which_make",
    ]
    assert reply_to("VW Golff lock").problem == "which_model"
    assert reply_to("VW Golff lock").answers == ()


def test_names_that_are_near_when_the_question_is_long_then_reading_stays_bounded() -> None:
    read = read_question("VW " + "x" * 100_000, NAMES)

    assert read.near == ()
    assert len(read.not_understood[0]) <= 200


# Unknown, never yes --------------------------------------------------------------------------------------------------


def covering_rows(provider: str, car: Car, ability: str, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the rows of a file that cover a car, by the rule of the data's README and nothing of the product's."""
    found = []
    for row in rows:
        first, _, last = row["years"].partition("-")
        years = (int(first or 0), int(last or 9999) if "-" in row["years"] or not first else int(first))
        places = {code for name in row["region"].split() for code in vocabulary().regions.get(name, [name])}
        if (
            row["make"] == car.make
            and ability in row["commands"].split()
            and row["model"] in {"*", car.model}
            and row["engine"] in {"*", car.engine}
            and years[0] <= (car.year or 0) <= years[1]
            and (row["region"] == "everywhere" or car.country in places)
        ):
            found.append(row)
    return found


@pytest.mark.django_db
def test_answers_about_random_cars_when_they_say_yes_then_a_row_of_the_files_covers_the_car() -> None:
    chance = random.Random(66)
    files = {}
    for file in sorted((DATA / "providers").glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as stream:
            files[file.stem] = list(csv.DictReader(stream))
    everything = [row for rows in files.values() for row in rows]
    yes: dict[int, tuple[str, str, str, str]] = {}
    for row in chance.choices(everything, k=150):
        model = row["model"] if row["model"] != "*" else chance.choice(("Unheard-of", "Golf", "Model 3"))
        year, engine = chance.randint(2008, 2030), chance.choice(Engine.values)
        car = Car(row["make"], model, year, engine, chance.choice(("DE", "US", "GB", "CA", "BR", "IS")))
        for answer in answers_about(car, chance.sample(CONTROLS, 4)):
            for said in answer.said:
                rows = covering_rows(said.provider.key, car, answer.ability, files[said.provider.key])
                assert said.declared.support.value in {row["support"] for row in rows}, (car, answer.ability, said)
                if said.declared.support in {Support.FULL, Support.PARTIAL}:
                    yes[said.declared.fact_id] = (said.provider.key, car.make, answer.ability, said.declared.support)
            if not answer.said:
                assert answer.support is Support.UNKNOWN
    facts = Fact.objects.in_bulk(yes)
    assert {key: (fact.provider, fact.make, fact.ability, fact.support) for key, fact in facts.items()} == yes
    assert len(yes) > 40


# The page ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_page_of_a_question_when_asked_as_a_page_or_a_part_then_the_answer_is_the_same(client: Client) -> None:
    asked = {"q": "2022 VW ID.4 Germany unlock"}

    page, part = (
        client.get("/compatibility/ask/", asked),
        client.get("/compatibility/ask/", asked, headers={"HX-Request": "true"}),
    )

    assert (page.status_code, part.status_code) == (200, 200)
    assert part.content.decode().strip() in page.content.decode()
    assert part["HX-Push-Url"] == "/compatibility/ask/?q=2022+VW+ID.4+Germany+unlock"
    assert "Not known" in part.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("q=" + "x" * 201, 422),
        ("q=" + "x" * 100_000, 422),
        ("q=%00%ff%ed%a0%80", 200),
        ("q=%25_%5C", 200),
        ("q=(a%2B)%2B%24", 200),
        ("q=a&q=b", 400),
        ("question=a", 400),
        ("", 200),
    ],
)
def test_page_of_a_question_when_it_makes_no_sense_then_it_is_refused_or_not_understood(
    client: Client, query: str, status: int
) -> None:
    answer = client.get(f"/compatibility/ask/?{query}")

    assert answer.status_code == status
    assert 'class="card answer"' not in answer.content.decode()


@pytest.mark.django_db
def test_page_of_a_question_when_a_name_is_near_then_it_is_a_link_to_the_question_put_right(client: Client) -> None:
    page = client.get("/compatibility/ask/", {"q": "VW Golff unlock in Germany"}).content.decode()

    assert 'href="/compatibility/ask/?q=VW+Golf+unlock+in+Germany"' in page
    assert reply_to("VW Golff unlock").question.near[0] == Near("Golff", "Volkswagen", "Golf")


@pytest.mark.django_db
def test_page_of_a_question_when_one_address_asks_too_often_then_page_and_part_say_so(client: Client) -> None:
    for _ in range(60):
        client.get("/compatibility/ask/")

    page = client.get("/compatibility/ask/")
    part = client.get("/compatibility/ask/", headers={"HX-Request": "true"})

    assert (page.status_code, part.status_code, part["Retry-After"]) == (429, 429, "60")
    assert part.content.decode().strip().startswith('<div id="answer"')
    assert "Please ask again in a minute." in part.content.decode()


@pytest.mark.django_db
def test_page_of_a_question_when_signed_in_then_the_teams_country_counts_and_its_own_runs_stand_beside() -> None:
    member, other = make_team("Hafen"), make_team("Nordsee")
    Team.objects.filter(id=member.team_id).update(country="US")
    measured = {"provider": "smartcar", "make": "Audi", "model": "Q4 e-tron", "year": 2022, "country": "US"}
    TeamMeasurement.objects.create(
        team=member.team, **measured, command="unlock", runs=10, confirmed=2, cars=4, median_s=4.0
    )
    asked = {"q": "2022 Audi Q4 e-tron unlock via Smartcar"}
    elsewhere = {"q": "2022 Audi Q4 e-tron unlock via Smartcar in Germany"}
    pages = [
        sign_in(Client(), who).get("/compatibility/ask/", query).content.decode()
        for who, query in ((member, asked), (other, {"q": f"{asked['q']} USA"}), (member, elsewhere))
    ]

    assert ["2022 Audi Q4 e-tron in the United States" in page for page in pages] == [True, True, False]
    assert ["Your runs: 2 of 10 proved" in page for page in pages] == [True, False, False]
    assert ["Said to work, yet only 2 of 10 of your runs were proved." in page for page in pages] == [
        True,
        False,
        False,
    ]
