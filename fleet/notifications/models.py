"""What people are told: notices behind the bell, lines that wait for a letter, letters; choices and known browsers."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from fleet.events.models import ClockTimestamp
from fleet.teams.models import Team, User


class Reader(models.Model):
    """How far the log was read: the number of the last seal. One row; see fleet.notifications.reading."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    seal_id = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="notices_have_one_reader")]

    def __str__(self) -> str:
        return f"read up to seal {self.seal_id}"


class Told(models.Model):
    """Something that one person is told: one event, or several of one kind within a few minutes.

    team: None for what belongs to the person's account. needs: the permission that one must still have to read it; ""
    for every member. event_id: the first event; everything else is of the latest one. vehicle_ids: those that it is
    about and the person reached, up to MOST_VEHICLES; empty when it is about none. data: words of ours and ids.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, db_index=False)
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE)
    kind = models.CharField(max_length=20)
    needs = models.CharField(max_length=20, default="", blank=True)
    event_id = models.BigIntegerField()
    event_kind = models.CharField(max_length=60)
    subject = models.CharField(max_length=80, default="", blank=True)
    actor = models.CharField(max_length=80)
    count = models.PositiveIntegerField(default=1)
    vehicle_ids = ArrayField(models.UUIDField(), default=list)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.event_kind} x {self.count}"


class Notice(Told):
    """One line behind the bell."""

    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # The net below the reader, which follows the log exactly once.
            models.UniqueConstraint(fields=["user", "event_id"], name="notice_once_per_event"),
            models.CheckConstraint(condition=Q(count__gte=1), name="notice_counts_from_one"),
        ]
        indexes = [
            models.Index(fields=["user", "-at", "-id"], name="notice_of_user"),
            models.Index(fields=["user"], condition=Q(read_at__isnull=True), name="notice_unread"),
            models.Index(fields=["at"], name="notice_by_age"),
        ]


class Letter(models.Model):
    """One letter to one person. Its id is its Message-ID: sent twice by a crash, it is still one letter to a mailbox.

    is_urgent: about the safety of the account; waits for nothing. try_at: not tried before. Ended: sent, empty (nothing
    in it may be told any more), or failed after days of trying.
    """

    class Outcome(models.TextChoices):
        SENT = "sent"
        EMPTY = "empty"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, db_index=False)
    is_urgent = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    try_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(ended_at__isnull=True, is_urgent=False), name="letter_open_once"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, outcome="") | (Q(ended_at__isnull=False) & ~Q(outcome="")),
                name="letter_ended_has_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=["try_at"], condition=Q(ended_at__isnull=True), name="letter_to_send"),
            models.Index(fields=["user", "-ended_at"], name="letter_of_user"),
        ]

    def __str__(self) -> str:
        return f"letter {self.id}"


class Line(Told):
    """What a letter will say. Without a letter it waits, and more of its kind is counted in it."""

    letter = models.ForeignKey(Letter, null=True, on_delete=models.CASCADE, related_name="lines")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "event_id"], name="line_once_per_event"),
            models.CheckConstraint(condition=Q(count__gte=1), name="line_counts_from_one"),
        ]
        indexes = [models.Index(fields=["user"], condition=Q(letter__isnull=True), name="line_waits")]


class PostOffice(models.Model):
    """Who sends letters now, and when to try again after the mail server did not answer. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    held_until = models.DateTimeField(db_default=ClockTimestamp())
    resume_at = models.DateTimeField(db_default=ClockTimestamp())
    failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="post_office_is_one")]

    def __str__(self) -> str:
        return "post office"


class Preferences(models.Model):
    """What a person chose. choices: {kind: [bell, letter]}; of other kinds fleet.notifications.kinds says it.

    quiet_from, quiet_until: by the clock of time_zone, "" is that of the person's first team; both or none.
    """

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE)
    choices = models.JSONField(default=dict)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=40, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | (Q(quiet_from__isnull=False, quiet_until__isnull=False) & ~Q(quiet_from=F("quiet_until"))),
                name="quiet_hours_have_two_ends",
            )
        ]

    def __str__(self) -> str:
        return f"choices of {self.user_id}"


class KnownBrowser(models.Model):
    """A browser in which a person signed in. secret_hash: of its cookie and of the person, so that it links nobody."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, db_index=False)
    secret_hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    last_used_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "secret_hash"], name="browser_known_once")]

    def __str__(self) -> str:
        return f"browser of {self.user_id}"
