from django.db import migrations
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.identity.fields import VerifiedField


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial")]

    operations = [
        migrations.RenameField("user", "phone", "mobile"),
        migrations.RenameField("user", "phone_verified", "mobile_verified"),
        migrations.RenameField("user", "phone_pending", "mobile_pending"),
        # These name the factor, so they change with it.
        migrations.AlterField(
            model_name="user",
            name="mobile_verified",
            field=VerifiedField(factor="mobile"),
        ),
        migrations.AlterField(
            model_name="user",
            name="mobile_pending",
            field=PhoneNumberField(
                blank=True,
                db_index=True,
                editable=False,
                max_length=128,
                null=True,
                region=None,
                verbose_name="mobile pending",
            ),
        ),
    ]
