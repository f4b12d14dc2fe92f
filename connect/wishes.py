"""Makes that owners looked for and did not find: counted for the team, and bounded, since anybody may ask."""

from django.db import connection

from fleet.teams.models import Team

# A make more is not kept; those that are known are still counted.
MOST_WISHES = 200

COUNT = """
UPDATE connect_brandwish SET count = count + 1, last_at = clock_timestamp()
WHERE team_id = %(team)s AND lower(brand) = lower(%(brand)s) AND country = %(country)s
"""
KEEP = """
INSERT INTO connect_brandwish AS w (team_id, brand, country, count, last_at)
SELECT %(team)s, %(brand)s, %(country)s, 1, clock_timestamp()
WHERE (SELECT count(*) FROM connect_brandwish WHERE team_id = %(team)s) < %(most)s
ON CONFLICT (team_id, lower(brand), country) DO UPDATE SET count = w.count + 1, last_at = clock_timestamp()
"""


def keep_wish(*, team: Team, brand: str, country: str) -> None:
    """Count one owner more who looked for a make, as they wrote it."""
    with connection.cursor() as cursor:
        wish: dict[str, str | int] = {
            "team": str(team.id),
            "brand": " ".join(brand.split()),
            "country": country,
            "most": MOST_WISHES,
        }
        cursor.execute(COUNT, wish)
        if not cursor.rowcount:
            cursor.execute(KEEP, wish)
