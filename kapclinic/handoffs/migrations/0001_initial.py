import django.db.models.deletion
import django.utils.timezone
import kapclinic.audit.operations
import pgtrigger.compiler
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '__first__'),
        ('clinics', '0001_initial'),
        ('documents', '0001_initial'),
        ('dosing', '0001_initial'),
        ('episodes', '0001_initial'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        kapclinic.audit.operations.CreateTables(
            models=[
                migrations.CreateModel(
                    name='Acknowledgement',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('at', models.DateTimeField()),
                        ('reply', models.TextField(blank=True)),
                        ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('handoff', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='acknowledgement', to='handoffs.handoff')),
                    ],
                    options={
                        'ordering': ['-at'],
                    },
                ),
                migrations.CreateModel(
                    name='Handoff',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('entered_in_error_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('entered_in_error_reason', models.TextField(blank=True, editable=False)),
                        ('state', models.CharField(choices=[('draft', 'Draft'), ('signed', 'Signed')], default='draft', max_length=6)),
                        ('version', models.PositiveIntegerField(default=1)),
                        ('body', models.JSONField(blank=True, default=dict)),
                        ('content_hash', models.CharField(blank=True, editable=False, max_length=64)),
                        ('signed_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('kind', models.CharField(choices=[('to-prescriber', 'Therapist to prescriber, before the dose'), ('to-therapist', 'Prescriber to therapist, after the dose')], max_length=14)),
                        ('edition', models.PositiveSmallIntegerField(default=1)),
                        ('amendment_reason', models.CharField(blank=True, max_length=300)),
                        ('sources', models.JSONField(blank=True, default=dict, editable=False)),
                        ('updated_at', models.DateTimeField(editable=False)),
                        ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('document', models.OneToOneField(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='handoff', to='documents.document')),
                        ('entered_in_error_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('episode', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='handoffs', to='episodes.episode')),
                        ('session', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='handoffs', to='dosing.dosingsession')),
                        ('signed_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('supersedes', models.OneToOneField(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='superseded_by', to='handoffs.handoff')),
                    ],
                    options={
                        'ordering': ['-created_at'],
                        'abstract': False,
                        'indexes': [models.Index(fields=['episode', 'kind'], name='handoffs_of_episode'), models.Index(condition=models.Q(('state', 'draft')), fields=['clinic', 'kind'], name='handoffs_drafts')],
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('entered_in_error_at__isnull', True), ('entered_in_error_by__isnull', True), ('entered_in_error_reason', '')), models.Q(('entered_in_error_at__isnull', False), ('entered_in_error_by__isnull', False), models.Q(('entered_in_error_reason', ''), _negated=True)), _connector='OR'), name='handoffs_handoff_error_has_who_and_why'), models.CheckConstraint(condition=models.Q(models.Q(('content_hash', ''), ('signed_at__isnull', True), ('signed_by__isnull', True), ('state', 'draft')), models.Q(models.Q(('signed_at__isnull', False), ('signed_by__isnull', False), ('state', 'signed')), models.Q(('content_hash', ''), _negated=True)), _connector='OR'), name='handoffs_handoff_signed_has_signer'), models.UniqueConstraint(condition=models.Q(('entered_in_error_at__isnull', True)), fields=('session', 'kind', 'edition'), name='handoffs_one_of_each_edition'), models.CheckConstraint(condition=models.Q(('state', 'draft'), ('document__isnull', False), _connector='OR'), name='handoffs_signed_has_document'), models.CheckConstraint(condition=models.Q(('supersedes__isnull', True), models.Q(('amendment_reason', ''), _negated=True), _connector='OR'), name='handoffs_amendment_has_why')],
                    },
                ),
                migrations.CreateModel(
                    name='AcknowledgementHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('at', models.DateTimeField()),
                        ('reply', models.TextField(blank=True)),
                        ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('person', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='handoffs.acknowledgement')),
                        ('handoff', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='handoffs.handoff')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='HandoffHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('entered_in_error_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('entered_in_error_reason', models.TextField(blank=True, editable=False)),
                        ('state', models.CharField(choices=[('draft', 'Draft'), ('signed', 'Signed')], default='draft', max_length=6)),
                        ('version', models.PositiveIntegerField(default=1)),
                        ('body', models.JSONField(blank=True, default=dict)),
                        ('content_hash', models.CharField(blank=True, editable=False, max_length=64)),
                        ('signed_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('kind', models.CharField(choices=[('to-prescriber', 'Therapist to prescriber, before the dose'), ('to-therapist', 'Prescriber to therapist, after the dose')], max_length=14)),
                        ('edition', models.PositiveSmallIntegerField(default=1)),
                        ('amendment_reason', models.CharField(blank=True, max_length=300)),
                        ('sources', models.JSONField(blank=True, default=dict, editable=False)),
                        ('updated_at', models.DateTimeField(editable=False)),
                        ('author', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('document', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='documents.document')),
                        ('entered_in_error_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('episode', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='episodes.episode')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='handoffs.handoff')),
                        ('session', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='dosing.dosingsession')),
                        ('signed_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('supersedes', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='handoffs.handoff')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
            ],
        ),
        kapclinic.audit.operations.AddTriggers(
            triggers=[
                ('handoff', pgtrigger.compiler.Trigger(name='signed_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (OLD.state = 'signed')", func="\n            IF (to_jsonb(NEW) - ARRAY['entered_in_error_at', 'entered_in_error_by_id', 'entered_in_error_reason']) IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['entered_in_error_at', 'entered_in_error_by_id', 'entered_in_error_reason']) THEN\n                RAISE EXCEPTION 'a signed record cannot be changed' USING ERRCODE = 'integrity_constraint_violation';\n            END IF;\n            RETURN NEW;\n        ", hash='e283fa4575acbe2c61d8e2712076c8f28e4a1ec2', operation='UPDATE', pgid='pgtrigger_signed_is_final_5f277', table='handoffs_handoff', when='BEFORE'))),
                ('handoff', pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='96e3d2691daad450b55fa9da38ef623d1b16ea15', operation='DELETE', pgid='pgtrigger_never_deleted_b1143', table='handoffs_handoff', when='BEFORE'))),
                ('handoff', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "handoffs_handoffhistory" ("amendment_reason", "author_id", "body", "clinic_id", "content_hash", "created_at", "created_by_id", "document_id", "edition", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "episode_id", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "session_id", "signed_at", "signed_by_id", "sources", "state", "supersedes_id", "updated_at", "version") VALUES (NEW."amendment_reason", NEW."author_id", NEW."body", NEW."clinic_id", NEW."content_hash", NEW."created_at", NEW."created_by_id", NEW."document_id", NEW."edition", NEW."entered_in_error_at", NEW."entered_in_error_by_id", NEW."entered_in_error_reason", NEW."episode_id", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."session_id", NEW."signed_at", NEW."signed_by_id", NEW."sources", NEW."state", NEW."supersedes_id", NEW."updated_at", NEW."version"); RETURN NULL;', hash='cb4e9e46fe6dd9533a34198df2d869f5cade3c47', operation='INSERT', pgid='pgtrigger_insert_insert_392a4', table='handoffs_handoff', when='AFTER'))),
                ('handoff', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "handoffs_handoffhistory" ("amendment_reason", "author_id", "body", "clinic_id", "content_hash", "created_at", "created_by_id", "document_id", "edition", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "episode_id", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "session_id", "signed_at", "signed_by_id", "sources", "state", "supersedes_id", "updated_at", "version") VALUES (NEW."amendment_reason", NEW."author_id", NEW."body", NEW."clinic_id", NEW."content_hash", NEW."created_at", NEW."created_by_id", NEW."document_id", NEW."edition", NEW."entered_in_error_at", NEW."entered_in_error_by_id", NEW."entered_in_error_reason", NEW."episode_id", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."session_id", NEW."signed_at", NEW."signed_by_id", NEW."sources", NEW."state", NEW."supersedes_id", NEW."updated_at", NEW."version"); RETURN NULL;', hash='3296ef780d3b1975170266f96d6e06cbf5912f26', operation='UPDATE', pgid='pgtrigger_update_update_bc55f', table='handoffs_handoff', when='AFTER'))),
                ('handoff', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "handoffs_handoffhistory" ("amendment_reason", "author_id", "body", "clinic_id", "content_hash", "created_at", "created_by_id", "document_id", "edition", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "episode_id", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "session_id", "signed_at", "signed_by_id", "sources", "state", "supersedes_id", "updated_at", "version") VALUES (OLD."amendment_reason", OLD."author_id", OLD."body", OLD."clinic_id", OLD."content_hash", OLD."created_at", OLD."created_by_id", OLD."document_id", OLD."edition", OLD."entered_in_error_at", OLD."entered_in_error_by_id", OLD."entered_in_error_reason", OLD."episode_id", OLD."id", OLD."kind", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."session_id", OLD."signed_at", OLD."signed_by_id", OLD."sources", OLD."state", OLD."supersedes_id", OLD."updated_at", OLD."version"); RETURN NULL;', hash='52c47472a72c9e7ab134f1379188a503ddad58d2', operation='DELETE', pgid='pgtrigger_delete_delete_85069', table='handoffs_handoff', when='AFTER'))),
                ('acknowledgementhistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='d137c8f6ad37d2c598223496766cf54711a9d9fb', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_80e06', table='handoffs_acknowledgementhistory', when='BEFORE'))),
                ('acknowledgement', pgtrigger.compiler.Trigger(name='row_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            IF (to_jsonb(NEW) - ARRAY['entered_in_error_at', 'entered_in_error_by_id', 'entered_in_error_reason']) IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['entered_in_error_at', 'entered_in_error_by_id', 'entered_in_error_reason']) THEN\n                RAISE EXCEPTION 'this record cannot be changed' USING ERRCODE = 'integrity_constraint_violation';\n            END IF;\n            RETURN NEW;\n        ", hash='a30dfac8a478dafe434a8f781f807e6b36a8d5f8', operation='UPDATE', pgid='pgtrigger_row_is_final_4f91d', table='handoffs_acknowledgement', when='BEFORE'))),
                ('acknowledgement', pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='c4a9ecd5c05f3c8e05ed2cf3f730f0f6c592dd75', operation='DELETE', pgid='pgtrigger_never_deleted_50c8c', table='handoffs_acknowledgement', when='BEFORE'))),
                ('acknowledgement', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "handoffs_acknowledgementhistory" ("at", "clinic_id", "created_at", "created_by_id", "handoff_id", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reply") VALUES (NEW."at", NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."handoff_id", NEW."id", NEW."person_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reply"); RETURN NULL;', hash='48b7fbb372ad76679d9846a3aa416887f3deb69e', operation='INSERT', pgid='pgtrigger_insert_insert_bde5a', table='handoffs_acknowledgement', when='AFTER'))),
                ('acknowledgement', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "handoffs_acknowledgementhistory" ("at", "clinic_id", "created_at", "created_by_id", "handoff_id", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reply") VALUES (NEW."at", NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."handoff_id", NEW."id", NEW."person_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reply"); RETURN NULL;', hash='fa7c694ba0185982cab67217174dddc5710d4483', operation='UPDATE', pgid='pgtrigger_update_update_f7e8a', table='handoffs_acknowledgement', when='AFTER'))),
                ('acknowledgement', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "handoffs_acknowledgementhistory" ("at", "clinic_id", "created_at", "created_by_id", "handoff_id", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reply") VALUES (OLD."at", OLD."clinic_id", OLD."created_at", OLD."created_by_id", OLD."handoff_id", OLD."id", OLD."person_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."reply"); RETURN NULL;', hash='76cc690743a2bceb505d2ddf7142df042e84a382', operation='DELETE', pgid='pgtrigger_delete_delete_9e2c3', table='handoffs_acknowledgement', when='AFTER'))),
                ('handoffhistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='079e2b9dcb9e5475d29c8abf89af298d7ddedc03', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_108ba', table='handoffs_handoffhistory', when='BEFORE'))),
            ],
        ),
    ]
