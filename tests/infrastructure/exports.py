"""Every file that people can take from the product, made once more at the end of the run, for the canary to look at."""

from collections.abc import Iterator

from commands.jobs.export import export_csv
from commands.jobs.models import Job
from fleet.audit.access import events_of
from fleet.audit.export import FORMATS
from fleet.portal.export import parts_of
from fleet.teams.models import Membership
from fleet.vehicles.models import Owner, ProviderApp


def take_exports() -> Iterator[tuple[str, bytes]]:
    """Yield what each is and its text: the trails and owners of the teams with a registration of their own, all jobs.

    Those teams drive cars of every provider: tests/journeys/test_real_makers.py.
    """
    teams = set(ProviderApp.objects.exclude(team=None).values_list("team_id", flat=True))
    for membership in Membership.objects.filter(team_id__in=teams, ended_at__isnull=True):
        for name, (_, lines) in FORMATS.items():
            text = "".join(lines(events_of(membership), team_id=membership.team_id))
            yield f"trail of a team as {name}", text.encode()
    for owner in Owner.objects.filter(team_id__in=teams):
        yield "data of an owner", "".join(parts_of(owner)).encode()
    for job in Job.objects.all():
        yield "results of a job", "".join(export_csv(job)).encode()
