"""When each login is refreshed next, how its last refreshes ended, and whether a provider refuses in numbers."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vehicles", "0005_group_vehicles"),
    ]

    operations = [
        migrations.AddField(
            model_name="provideraccount",
            name="refresh_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="provideraccount",
            name="refresh_failures",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="provideraccount",
            name="refreshed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="provideraccount",
            name="refused_last_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="providerapp",
            name="refusing_since",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="provideraccount",
            index=models.Index(
                condition=models.Q(("status", "active")), fields=["refresh_at"], name="account_to_refresh"
            ),
        ),
        migrations.AddIndex(
            model_name="provideraccount",
            index=models.Index(
                condition=models.Q(("refresh_started_at__isnull", False), ("status", "active")),
                fields=["refresh_started_at"],
                name="account_in_refresh",
            ),
        ),
        migrations.AddIndex(
            model_name="provideraccount",
            index=models.Index(
                condition=models.Q(("refused_last_at__isnull", False)),
                fields=["app", "refused_last_at"],
                name="account_refused",
            ),
        ),
        migrations.AddIndex(
            model_name="provideraccount",
            index=models.Index(fields=["app", "refreshed_at"], name="account_refreshed"),
        ),
        # Logins from before are refreshed a minute before their access token is over.
        migrations.RunSQL(
            "UPDATE vehicles_provideraccount SET refresh_at = access_expires_at - interval '90 seconds', "
            "refresh_started_at = NULL, refused_last_at = refused_at",
            migrations.RunSQL.noop,
        ),
    ]
