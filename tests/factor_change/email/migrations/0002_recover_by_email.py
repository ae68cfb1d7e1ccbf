from django.core.exceptions import ValidationError
from django.db import migrations, models

from crudauth_django.identity.fields import VerifiedField
from crudauth_django.identity.normalize import normalize


def claim_addresses(apps, schema_editor):
    """Make each known address a claim; its owner verifies it later."""
    users = apps.get_model("people", "User").objects.using(
        schema_editor.connection.alias
    )
    field = users.model._meta.get_field("email_pending")
    for user in users.exclude(contact_email="").iterator():
        try:
            address = normalize(field, user.contact_email)
        except ValidationError:
            continue  # Not an address: the account stays without one.
        users.filter(pk=user.pk).update(email_pending=address)


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial")]

    operations = [
        migrations.RemoveField(model_name="user", name="phone_pending"),
        # The flag of the numbers, under a name of your own.
        migrations.RenameField(
            model_name="user", old_name="phone_verified", new_name="phone_confirmed"
        ),
        migrations.AlterField(
            model_name="user",
            name="phone_confirmed",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="user",
            name="email",
            field=models.EmailField(
                blank=True,
                max_length=254,
                null=True,
                unique=True,
                verbose_name="email address",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="email_pending",
            field=models.EmailField(
                blank=True,
                db_index=True,
                editable=False,
                max_length=254,
                null=True,
                verbose_name="email pending",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="email_verified",
            field=VerifiedField(factor="email"),
        ),
        migrations.RunPython(claim_addresses, migrations.RunPython.noop),
    ]
