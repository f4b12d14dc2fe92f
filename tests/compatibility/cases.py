"""Real questions, one and more for every class of rows in the data, with the answer that stands in the data's files.

Read by hand from the data set; the question box and the API must both give exactly this.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """asked: a question in words. query: the same for the API. The rest is what the answer has to be."""

    name: str
    asked: str
    query: dict[str, str]
    support: str
    as_of: str | None
    source: str | None
    about: str
    condition: str = ""


PARTNER = (
    "VW Group's partner access of May 2026 names only charging, battery and odometer of electric cars and "
    "plug-in hybrids"
)
Q4 = {"make": "Audi", "model": "Q4 e-tron", "year": "2022", "command": "unlock", "provider": "smartcar"}
ID4 = {"make": "VW", "model": "ID.4", "country": "US", "command": "lock", "provider": "carconnectivity_vw_na"}
RIVIAN = {"make": "Rivian", "model": "R1S", "command": "lock", "provider": "rivian"}
A3 = {
    "make": "Audi",
    "model": "A3",
    "year": "2022",
    "country": "DE",
    "command": "start_charge",
    "provider": "audiconnect",
}
VW = {"make": "Volkswagen", "year": "2022", "country": "DE", "provider": "smartcar"}
ODOMETER = {"make": "Volkswagen", "model": "ID.4", "country": "US", "command": "read_odometer", "provider": "smartcar"}

CASES = [
    # The same car in two regions.
    Case(
        "region_us",
        "2022 Audi Q4 e-tron unlock USA through Smartcar",
        {**Q4, "country": "US"},
        "full",
        "2022-08",
        "smartcar-page-2022",
        "model",
    ),
    Case(
        "region_de",
        "Kann Smartcar meinen Audi Q4 e-tron von 2022 in Deutschland aufschließen?",
        {**Q4, "country": "DE"},
        "unknown",
        "2026-05",
        "smartcar-docs",
        "model",
        f"Smartcar listed it as available in August 2022; {PARTNER}",
    ),
    Case(
        "region_not_named",
        "2023 Rivian R1S lock Germany rivian app",
        {**RIVIAN, "year": "2023", "country": "DE"},
        "unknown",
        None,
        None,
        "",
    ),
    # Edges of model years: the last year in, the first year out, the first year in, the year before.
    Case(
        "last_year_in",
        "2024 Rivian R1S lock USA rivian app",
        {**RIVIAN, "year": "2024", "country": "US"},
        "full",
        "2026-03",
        "rivian",
        "model",
        "first generation; one-time Bluetooth pairing and sign-in with a second factor needed",
    ),
    Case(
        "first_year_out",
        "2025 Rivian R1S lock USA rivian app",
        {**RIVIAN, "year": "2025", "country": "US"},
        "none",
        "2026-03",
        "rivian",
        "model",
        "second generation; cars from 2025 on cannot pair, so no remote control",
    ),
    Case(
        "year_before_the_first",
        "2020 Rivian R1S lock USA rivian app",
        {**RIVIAN, "year": "2020", "country": "US"},
        "unknown",
        None,
        None,
        "",
    ),
    Case(
        "last_year_without",
        "2024 VW ID.4 lock USA carconnectivity_vw_na",
        {**ID4, "year": "2024"},
        "none",
        "2025-10",
        "carconnectivity-vw-na",
        "model",
        "reported to work only on the ID.4 of 2025 and newer",
    ),
    Case(
        "first_year_with",
        "2025 VW ID.4 lock USA carconnectivity_vw_na",
        {**ID4, "year": "2025"},
        "partial",
        "2025-10",
        "carconnectivity-vw-na",
        "model",
        "reported to work on newer ID.4 of 2025; S-PIN needed",
    ),
    # One engine can, another cannot.
    Case(
        "engine_phev",
        "Audi A3 2022 plug-in hybrid start charging Germany audiconnect",
        {**A3, "engine": "PHEV"},
        "partial",
        "2026-07",
        "audi-connect",
        "make",
        "not everything works at present, says the source",
    ),
    Case(
        "engine_ice",
        "Audi A3 2022 Benziner laden Deutschland audiconnect",
        {**A3, "engine": "ICE"},
        "none",
        "2026-07",
        "audi-connect",
        "make",
        "no charge port",
    ),
    # A row for the whole make; a row that names the model beats it; a narrower span of years beats a wider one.
    Case(
        "whole_make",
        "VW Up 2022 Germany unlock via Smartcar",
        {**VW, "model": "Up", "command": "unlock"},
        "partial",
        "2026-05",
        "smartcar-docs",
        "make",
        "Smartcar listed it for some models in August 2022",
    ),
    Case(
        "named_beats_whole_make",
        "2022 VW ID.4 Germany unlock via Smartcar",
        {**VW, "model": "ID.4", "command": "unlock"},
        "unknown",
        "2026-05",
        "smartcar-docs",
        "model",
        f"Smartcar listed it as not available in August 2022; {PARTNER}",
    ),
    Case(
        "narrower_years",
        "2022 VW ID.4 USA odometer via Smartcar",
        {**ODOMETER, "year": "2022"},
        "partial",
        "2025-11",
        "smartcar-docs",
        "model",
        "ID cars of 2021 and some of 2022 need vehicle software 3 or newer",
    ),
    Case(
        "wider_years",
        "2023 VW ID.4 USA odometer via Smartcar",
        {**ODOMETER, "year": "2023"},
        "none",
        "2022-08",
        "smartcar-page-2022",
        "model",
    ),
    # Makes that cut off others, with the month.
    Case(
        "cut_off_volkswagen",
        "2022 VW ID.4 Germany unlock volkswagencarnet",
        {**VW, "model": "ID.4", "command": "unlock", "provider": "volkswagencarnet"},
        "none",
        "2026-08",
        "volkswagencarnet",
        "make",
        "Volkswagen has blocked the sign-in of this library; the integration itself says that it does not work",
    ),
    Case(
        "cut_off_seat",
        "SEAT Leon 2022 Germany lock pycupra",
        {"make": "Seat", "model": "Leon", "year": "2022", "country": "DE", "command": "lock", "provider": "pycupra"},
        "none",
        "2026-06",
        "pycupra",
        "make",
        "most calls blocked since 8 June 2026; its maintainer advises to switch it off",
    ),
    Case(
        "cut_off_bmw",
        "BMW i4 2023 lock France bimmer_connected",
        {
            "make": "BMW",
            "model": "i4",
            "year": "2023",
            "country": "FR",
            "command": "lock",
            "provider": "bimmer_connected",
        },
        "none",
        "2025-09",
        "bimmer-connected",
        "make",
        "BMW blocked third parties on 29 September 2025; the library no longer works",
    ),
    Case(
        "cut_off_mazda",
        "Mazda CX-5 2022 lock US pymazda",
        {"make": "Mazda", "model": "CX-5", "year": "2022", "country": "US", "command": "lock", "provider": "pymazda"},
        "none",
        "2023-10",
        "home-assistant-mazda",
        "make",
        "withdrawn after a legal notice from Mazda; Home Assistant removed the integration in version 2023.10.2",
    ),
    # The sources do not say; and nobody says anything at all.
    Case(
        "unknown_by_fact",
        "Lexus NX 2020 USA set charge limit Smartcar",
        {
            "make": "Lexus",
            "model": "NX",
            "year": "2020",
            "country": "US",
            "command": "set_charge_limit",
            "provider": "smartcar",
        },
        "unknown",
        "2025-11",
        "smartcar-docs",
        "make",
    ),
    Case(
        "no_row",
        "Lexus NX 2020 USA open charge port",
        {"make": "Lexus", "model": "NX", "year": "2020", "country": "US", "command": "open_charge_port"},
        "unknown",
        None,
        None,
        "",
    ),
]
