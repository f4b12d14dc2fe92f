"""A step for providers that make the address of each sign-in themselves."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connect", "0005_keep_the_owners_country"),
        ("vehicles", "0009_reach_real_makers"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="visit",
            name="visit_end_has_time",
        ),
        migrations.RemoveConstraint(
            model_name="visit",
            name="visit_end_has_no_secrets",
        ),
        migrations.AddField(
            model_name="visit",
            name="sign_in_sealed",
            field=models.BinaryField(null=True),
        ),
        migrations.AlterField(
            model_name="visit",
            name="step",
            field=models.CharField(
                choices=[
                    ("asking", "Asking"),
                    ("signing_in", "Signing In"),
                    ("exchanging", "Exchanging"),
                    ("review", "Review"),
                    ("done", "Done"),
                    ("declined", "Declined"),
                    ("failed", "Failed"),
                ],
                default="signing_in",
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", False), ("step__in", ["done", "declined", "failed"])),
                    models.Q(
                        ("finished_at__isnull", True), ("step__in", ["asking", "signing_in", "exchanging", "review"])
                    ),
                    _connector="OR",
                ),
                name="visit_end_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("finished_at__isnull", True),
                    models.Q(
                        ("code_sealed__isnull", True),
                        ("sign_in_sealed__isnull", True),
                        ("tokens_sealed__isnull", True),
                        ("verifier_sealed__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="visit_end_has_no_secrets",
            ),
        ),
    ]
