import django.db.models.deletion
import django.utils.timezone
import kapclinic.audit.operations
import kapclinic.clinics.models
import pgtrigger.compiler
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '__first__'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        kapclinic.audit.operations.CreateTables(
            models=[
                migrations.CreateModel(
                    name='Clinic',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('name', models.CharField(max_length=200)),
                        ('address', models.TextField(blank=True)),
                        ('phone', models.CharField(blank=True, max_length=40)),
                        ('after_hours_phone', models.CharField(blank=True, max_length=40)),
                        ('time_zone', models.CharField(default='America/Denver', max_length=64, validators=[kapclinic.clinics.models.validate_time_zone])),
                        ('is_demo', models.BooleanField(default=False)),
                        ('rems_site_id', models.CharField(blank=True, max_length=40, verbose_name='REMS site identifier')),
                        ('rems_certified_until', models.DateField(blank=True, null=True)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                    ],
                    options={
                        'ordering': ['name'],
                    },
                ),
                migrations.CreateModel(
                    name='ClinicalSetting',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('key', models.CharField(max_length=100)),
                        ('value', models.JSONField()),
                        ('reason', models.TextField()),
                        ('state', models.CharField(choices=[('proposed', 'Proposed'), ('approved', 'In force'), ('declined', 'Declined'), ('superseded', 'Superseded'), ('withdrawn', 'Withdrawn')], default='proposed', max_length=12)),
                        ('decided_at', models.DateTimeField(blank=True, null=True)),
                        ('decision_note', models.TextField(blank=True)),
                        ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-created_at'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'approved')), fields=('clinic', 'key'), name='clinics_one_value_in_force_per_setting'), models.UniqueConstraint(condition=models.Q(('state', 'proposed')), fields=('clinic', 'key'), name='clinics_one_open_proposal_per_setting'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True), ('state', 'proposed')), models.Q(models.Q(('state', 'proposed'), _negated=True), ('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR'), name='clinics_setting_decided_has_who_and_when')],
                    },
                ),
                migrations.CreateModel(
                    name='ClinicalSettingHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('key', models.CharField(max_length=100)),
                        ('value', models.JSONField()),
                        ('reason', models.TextField()),
                        ('state', models.CharField(choices=[('proposed', 'Proposed'), ('approved', 'In force'), ('declined', 'Declined'), ('superseded', 'Superseded'), ('withdrawn', 'Withdrawn')], default='proposed', max_length=12)),
                        ('decided_at', models.DateTimeField(blank=True, null=True)),
                        ('decision_note', models.TextField(blank=True)),
                        ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('decided_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='clinics.clinicalsetting')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='ClinicHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                        ('name', models.CharField(max_length=200)),
                        ('address', models.TextField(blank=True)),
                        ('phone', models.CharField(blank=True, max_length=40)),
                        ('after_hours_phone', models.CharField(blank=True, max_length=40)),
                        ('time_zone', models.CharField(default='America/Denver', max_length=64, validators=[kapclinic.clinics.models.validate_time_zone])),
                        ('is_demo', models.BooleanField(default=False)),
                        ('rems_site_id', models.CharField(blank=True, max_length=40, verbose_name='REMS site identifier')),
                        ('rems_certified_until', models.DateField(blank=True, null=True)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='clinics.clinic')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='Room',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('name', models.CharField(max_length=80)),
                        ('kind', models.CharField(choices=[('dosing', 'Dosing room'), ('therapy', 'Therapy room'), ('office', 'Office')], max_length=10)),
                        ('is_active', models.BooleanField(default=True)),
                        ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['name'],
                        'constraints': [models.UniqueConstraint(fields=('clinic', 'name'), name='clinics_room_name_once_per_clinic')],
                    },
                ),
                migrations.CreateModel(
                    name='RoomHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('name', models.CharField(max_length=80)),
                        ('kind', models.CharField(choices=[('dosing', 'Dosing room'), ('therapy', 'Therapy room'), ('office', 'Office')], max_length=10)),
                        ('is_active', models.BooleanField(default=True)),
                        ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='clinics.room')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
            ],
        ),
        kapclinic.audit.operations.AddTriggers(
            triggers=[
                ('clinic', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clinics_clinichistory" ("address", "after_hours_phone", "created_at", "id", "is_demo", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "rems_certified_until", "rems_site_id", "time_zone") VALUES (NEW."address", NEW."after_hours_phone", NEW."created_at", NEW."id", NEW."is_demo", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."phone", NEW."rems_certified_until", NEW."rems_site_id", NEW."time_zone"); RETURN NULL;', hash='7bb32de676747573adb6a781c821b6a85d765ca5', operation='INSERT', pgid='pgtrigger_insert_insert_59aa9', table='clinics_clinic', when='AFTER'))),
                ('clinic', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clinics_clinichistory" ("address", "after_hours_phone", "created_at", "id", "is_demo", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "rems_certified_until", "rems_site_id", "time_zone") VALUES (NEW."address", NEW."after_hours_phone", NEW."created_at", NEW."id", NEW."is_demo", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."phone", NEW."rems_certified_until", NEW."rems_site_id", NEW."time_zone"); RETURN NULL;', hash='cb779a8b5c72f32f0f28c288d52ae7318b6afb09', operation='UPDATE', pgid='pgtrigger_update_update_2f1c8', table='clinics_clinic', when='AFTER'))),
                ('clinic', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clinics_clinichistory" ("address", "after_hours_phone", "created_at", "id", "is_demo", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "rems_certified_until", "rems_site_id", "time_zone") VALUES (OLD."address", OLD."after_hours_phone", OLD."created_at", OLD."id", OLD."is_demo", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."phone", OLD."rems_certified_until", OLD."rems_site_id", OLD."time_zone"); RETURN NULL;', hash='11ae672286c1f557517b51be817abe28828689a2', operation='DELETE', pgid='pgtrigger_delete_delete_a5f0c', table='clinics_clinic', when='AFTER'))),
                ('clinicalsetting', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clinics_clinicalsettinghistory" ("clinic_id", "created_at", "created_by_id", "decided_at", "decided_by_id", "decision_note", "id", "key", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "state", "value") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."decided_at", NEW."decided_by_id", NEW."decision_note", NEW."id", NEW."key", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reason", NEW."state", NEW."value"); RETURN NULL;', hash='e7296032bd1ea56c6209b4a09a7efb76c7ef2e46', operation='INSERT', pgid='pgtrigger_insert_insert_4ab16', table='clinics_clinicalsetting', when='AFTER'))),
                ('clinicalsetting', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clinics_clinicalsettinghistory" ("clinic_id", "created_at", "created_by_id", "decided_at", "decided_by_id", "decision_note", "id", "key", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "state", "value") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."decided_at", NEW."decided_by_id", NEW."decision_note", NEW."id", NEW."key", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reason", NEW."state", NEW."value"); RETURN NULL;', hash='e5136395bf9f6aa05a0b9d12f2fbad93648a835d', operation='UPDATE', pgid='pgtrigger_update_update_bc5ed', table='clinics_clinicalsetting', when='AFTER'))),
                ('clinicalsetting', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clinics_clinicalsettinghistory" ("clinic_id", "created_at", "created_by_id", "decided_at", "decided_by_id", "decision_note", "id", "key", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "state", "value") VALUES (OLD."clinic_id", OLD."created_at", OLD."created_by_id", OLD."decided_at", OLD."decided_by_id", OLD."decision_note", OLD."id", OLD."key", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."reason", OLD."state", OLD."value"); RETURN NULL;', hash='4beb9be13e046cc2c238bbcfc5b8fbfeb51bb152', operation='DELETE', pgid='pgtrigger_delete_delete_63bb9', table='clinics_clinicalsetting', when='AFTER'))),
                ('clinicalsettinghistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='82fe357c91f9b980d829c142d7f31c2c86722a91', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_ab80c', table='clinics_clinicalsettinghistory', when='BEFORE'))),
                ('clinichistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='67416740d85e9f9977765369f411c9ca1678885c', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_53c03', table='clinics_clinichistory', when='BEFORE'))),
                ('room', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clinics_roomhistory" ("clinic_id", "created_at", "created_by_id", "id", "is_active", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."id", NEW."is_active", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;', hash='2c1919767af578f9dac265a7935bc23eb7c10541', operation='INSERT', pgid='pgtrigger_insert_insert_88a9e', table='clinics_room', when='AFTER'))),
                ('room', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "clinics_roomhistory" ("clinic_id", "created_at", "created_by_id", "id", "is_active", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."id", NEW."is_active", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;', hash='1d49e0b17eeec7608787eebe154436277d02637f', operation='UPDATE', pgid='pgtrigger_update_update_ab720', table='clinics_room', when='AFTER'))),
                ('room', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "clinics_roomhistory" ("clinic_id", "created_at", "created_by_id", "id", "is_active", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (OLD."clinic_id", OLD."created_at", OLD."created_by_id", OLD."id", OLD."is_active", OLD."kind", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id"); RETURN NULL;', hash='fc8090bdcf2dfc21b3aaaf9b341d791f1d293253', operation='DELETE', pgid='pgtrigger_delete_delete_52877', table='clinics_room', when='AFTER'))),
                ('roomhistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='e8245fa73734e3bd23b25fa208092e68b496a9bb', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_22793', table='clinics_roomhistory', when='BEFORE'))),
            ],
        ),
    ]
