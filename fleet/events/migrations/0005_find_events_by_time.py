"""The log by time, by vehicle, by who and by what: each page of the audit trail begins where its index says."""

from django.db import migrations, models

import fleet.events.models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0004_seal_events"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="event",
            name="event_of_team",
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["team_id", "-at", "-id"], name="event_of_team_by_time"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["vehicle_id", "-at", "-id"], name="event_of_vehicle"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("actor__startswith", "system:"), _negated=True),
                fields=["team_id", "actor", "-at", "-id"],
                name="event_by_somebody",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(
                    (
                        "kind__in",
                        ["command.queued", "command.claimed", "command.sending", "command.sent", "command.confirmed"],
                    ),
                    _negated=True,
                ),
                fields=["team_id", "kind", "-at", "-id"],
                name="event_of_rare_kind",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                models.F("team_id"),
                fleet.events.models.AreaOf("kind"),
                models.OrderBy(models.F("at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("kind__startswith", "command."), _negated=True),
                name="event_of_area",
            ),
        ),
    ]
