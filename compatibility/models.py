"""What is declared about makes and models, with its history; the matrix made of it; and what real runs have shown."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BTreeIndex
from django.db import models
from django.db.models import F, Q

from compatibility.words import Support
from fleet.events.models import ClockTimestamp
from fleet.events.scoped import ScopedManager
from fleet.teams.models import Team
from fleet.vehicles.models import VehicleLink


class DataLoad(models.Model):
    """One time at which the data files were taken over. The first of an installation changes nothing: it begins."""

    digest = models.CharField(max_length=64)
    loaded_at = models.DateTimeField(db_default=ClockTimestamp())
    facts = models.PositiveIntegerField()
    added = models.PositiveIntegerField()
    ended = models.PositiveIntegerField()
    is_first = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"load {self.id}"


class Fact(models.Model):
    """One declared statement: what one provider lets one ability of some cars do, since when we say so, on what ground.

    model, engine: "" is any. countries: [] is everywhere. as_of: the month of the fact, on its first day.
    ended: the load that took it out; null is what holds now.
    """

    provider = models.CharField(max_length=40)
    make = models.CharField(max_length=60)
    model = models.CharField(max_length=100, blank=True)
    year_from = models.PositiveSmallIntegerField(null=True)
    year_to = models.PositiveSmallIntegerField(null=True)
    engine = models.CharField(max_length=4, blank=True)
    countries = ArrayField(models.CharField(max_length=2), default=list)
    ability = models.CharField(max_length=40)
    support = models.CharField(max_length=10, choices=Support)
    condition = models.TextField(blank=True)
    as_of = models.DateField()
    source = models.CharField(max_length=60)
    loaded = models.ForeignKey(DataLoad, on_delete=models.PROTECT, related_name="loaded_facts")
    ended = models.ForeignKey(DataLoad, null=True, on_delete=models.PROTECT, related_name="ended_facts")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(support__in=Support.values), name="fact_support_known"),
            models.CheckConstraint(
                condition=Q(year_from__isnull=True) | Q(year_to__isnull=True) | Q(year_from__lte=F("year_to")),
                name="fact_years_in_order",
            ),
        ]
        indexes = [models.Index(fields=["provider", "make"], condition=Q(ended__isnull=True), name="fact_now")]

    def __str__(self) -> str:
        return f"{self.provider}: {self.make} {self.model or '*'} {self.ability} {self.support}"


class CarLine(models.Model):
    """A row of the matrix: a model with one engine over years in which nothing differs. Made anew at every load.

    model "": any model of the make that has no rows of its own; engine "": any other engine. make_key and model_key:
    the names as they are compared (compatibility.words.plain).
    """

    make = models.CharField(max_length=60)
    make_key = models.CharField(max_length=60)
    model = models.CharField(max_length=100, blank=True)
    model_key = models.CharField(max_length=100, blank=True)
    engine = models.CharField(max_length=4, blank=True)
    year_from = models.PositiveSmallIntegerField(null=True)
    year_to = models.PositiveSmallIntegerField(null=True)
    # Some fact names this model in these years; else only what is said of the whole make is known.
    is_named = models.BooleanField()

    class Meta:
        indexes = [
            BTreeIndex(fields=["make_key", "model_key", "engine", "year_from"], name="car_line_order"),
        ]

    def __str__(self) -> str:
        return f"{self.make} {self.model}".strip()


class LineEntry(models.Model):
    """How one provider answers for a line in some countries: a letter and a fact for each of words.ABILITIES.

    supports: f, p, n, u, or "-" where no fact says anything. fact_ids: 0 there. countries may hold words.ELSEWHERE.
    """

    line = models.ForeignKey(CarLine, on_delete=models.CASCADE, related_name="entries", db_index=False)
    provider = models.CharField(max_length=40)
    countries = ArrayField(models.CharField(max_length=2))
    supports = models.CharField(max_length=64)
    fact_ids = ArrayField(models.BigIntegerField())

    class Meta:
        indexes = [models.Index(fields=["line", "provider"], name="line_entry_of_line")]

    def __str__(self) -> str:
        return f"{self.provider} {self.supports}"


class MeasuredFields(models.Model):
    """What runs have shown for one command on some cars: sent commands that have ended, over the last 90 days.

    confirmed: those whose effect was shown. median_s, p90_s: from acceptance to that proof. year null and country "":
    not known of these cars.
    """

    provider = models.CharField(max_length=40)
    make = models.CharField(max_length=60)
    model = models.CharField(max_length=100)
    year = models.PositiveSmallIntegerField(null=True)
    country = models.CharField(max_length=2, blank=True)
    command = models.CharField(max_length=40)
    runs = models.PositiveIntegerField()
    confirmed = models.PositiveIntegerField()
    cars = models.PositiveIntegerField()
    median_s = models.FloatField(null=True)
    p90_s = models.FloatField(null=True)
    last_confirmed_at = models.DateTimeField(null=True)
    measured_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.confirmed} of {self.runs} {self.command}"


class TeamMeasurement(MeasuredFields):
    """What a team's own runs have shown; nobody else sees it."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE)

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "provider", "make", "model", "year", "country", "command"],
                name="team_measurement_once",
                nulls_distinct=False,
            )
        ]


class SharedMeasurement(MeasuredFields):
    """What the runs of all teams that share theirs have shown; only where enough cars of enough teams stand behind it.

    No row says of which teams or cars.
    """

    teams = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "make", "model", "year", "country", "command"],
                name="shared_measurement_once",
                nulls_distinct=False,
            ),
            # Below this a success share would speak of somebody's car.
            models.CheckConstraint(condition=Q(cars__gte=5, teams__gte=3), name="shared_measurement_hides_few"),
        ]


class KnownAbility(models.Model):
    """What a connected car could do when it was last looked at, so that a gain or a loss is told once.

    abilities: {command: support} as compatibility.answers told it.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    link = models.OneToOneField(VehicleLink, on_delete=models.CASCADE)
    abilities = models.JSONField(default=dict)
    seen_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    def __str__(self) -> str:
        return f"abilities of {self.link_id}"
