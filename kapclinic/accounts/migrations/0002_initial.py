import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import kapclinic.audit.operations
import pgtrigger.compiler
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
        ('clinics', '0001_initial'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        kapclinic.audit.operations.CreateTables(
            models=[
                migrations.CreateModel(
                    name='Competency',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('kind', models.CharField(choices=[('altered-states', 'Altered states'), ('trauma', 'Trauma-focused work or EMDR'), ('somatic', 'Somatic work'), ('crisis', 'Crisis intervention'), ('spiritual', 'Spiritual care')], max_length=16)),
                        ('basis', models.CharField(max_length=200, verbose_name='certificate, supervision or experience')),
                        ('since', models.DateField()),
                        ('ended_on', models.DateField(blank=True, null=True)),
                        ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='competencies', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name_plural': 'competencies',
                        'ordering': ['kind'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('ended_on__isnull', True)), fields=('clinic', 'user', 'kind'), name='accounts_competency_once'), models.CheckConstraint(condition=models.Q(('ended_on__isnull', True), ('ended_on__gte', models.F('since')), _connector='OR'), name='accounts_competency_ends_after_it_begins')],
                    },
                ),
                migrations.CreateModel(
                    name='CompetencyHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('kind', models.CharField(choices=[('altered-states', 'Altered states'), ('trauma', 'Trauma-focused work or EMDR'), ('somatic', 'Somatic work'), ('crisis', 'Crisis intervention'), ('spiritual', 'Spiritual care')], max_length=16)),
                        ('basis', models.CharField(max_length=200, verbose_name='certificate, supervision or experience')),
                        ('since', models.DateField()),
                        ('ended_on', models.DateField(blank=True, null=True)),
                        ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='accounts.competency')),
                        ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='Invitation',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('email', models.EmailField(max_length=254)),
                        ('name', models.CharField(max_length=150)),
                        ('roles', models.JSONField(default=list)),
                        ('token_digest', models.CharField(max_length=64, unique=True)),
                        ('expires_at', models.DateTimeField()),
                        ('accepted_at', models.DateTimeField(blank=True, null=True)),
                        ('revoked_at', models.DateTimeField(blank=True, null=True)),
                        ('sent_at', models.DateTimeField(blank=True, null=True)),
                        ('accepted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-created_at'],
                        'constraints': [models.UniqueConstraint(models.F('clinic'), django.db.models.functions.text.Lower('email'), condition=models.Q(('accepted_at__isnull', True), ('revoked_at__isnull', True)), name='accounts_one_open_invitation_per_address'), models.CheckConstraint(condition=models.Q(models.Q(('accepted_at__isnull', True), ('accepted_by__isnull', True)), models.Q(('accepted_at__isnull', False), ('accepted_by__isnull', False), ('revoked_at__isnull', True)), _connector='OR'), name='accounts_invitation_accepted_has_who')],
                    },
                ),
                migrations.CreateModel(
                    name='InvitationHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('email', models.EmailField(max_length=254)),
                        ('name', models.CharField(max_length=150)),
                        ('roles', models.JSONField(default=list)),
                        ('expires_at', models.DateTimeField()),
                        ('accepted_at', models.DateTimeField(blank=True, null=True)),
                        ('revoked_at', models.DateTimeField(blank=True, null=True)),
                        ('sent_at', models.DateTimeField(blank=True, null=True)),
                        ('accepted_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='accounts.invitation')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='Licence',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('kind', models.CharField(choices=[('LCSW', 'LCSW · licensed clinical social worker'), ('LPC', 'LPC · licensed professional counselor'), ('LMFT', 'LMFT · licensed marriage and family therapist'), ('CMHC', 'CMHC · clinical mental health counselor'), ('PsyD', 'PsyD · psychologist'), ('PhD', 'PhD · psychologist'), ('MD', 'MD · physician'), ('DO', 'DO · osteopathic physician'), ('NP', 'NP · nurse practitioner'), ('PA', 'PA · physician assistant'), ('RN', 'RN · registered nurse')], max_length=20)),
                        ('number', models.CharField(max_length=60)),
                        ('state', models.CharField(max_length=2, verbose_name='issuing state')),
                        ('expires_on', models.DateField()),
                        ('is_withdrawn', models.BooleanField(default=False)),
                        ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='licences', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-expires_on'],
                        'constraints': [models.UniqueConstraint(fields=('clinic', 'user', 'kind', 'number', 'state'), name='accounts_licence_once')],
                    },
                ),
                migrations.CreateModel(
                    name='LicenceHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('kind', models.CharField(choices=[('LCSW', 'LCSW · licensed clinical social worker'), ('LPC', 'LPC · licensed professional counselor'), ('LMFT', 'LMFT · licensed marriage and family therapist'), ('CMHC', 'CMHC · clinical mental health counselor'), ('PsyD', 'PsyD · psychologist'), ('PhD', 'PhD · psychologist'), ('MD', 'MD · physician'), ('DO', 'DO · osteopathic physician'), ('NP', 'NP · nurse practitioner'), ('PA', 'PA · physician assistant'), ('RN', 'RN · registered nurse')], max_length=20)),
                        ('number', models.CharField(max_length=60)),
                        ('state', models.CharField(max_length=2, verbose_name='issuing state')),
                        ('expires_on', models.DateField()),
                        ('is_withdrawn', models.BooleanField(default=False)),
                        ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='accounts.licence')),
                        ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='Membership',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('role', models.CharField(choices=[('coordinator', 'Coordinator'), ('nurse', 'Nurse'), ('therapist', 'Therapist'), ('prescriber', 'Prescriber'), ('manager', 'Manager')], max_length=12)),
                        ('is_medical_director', models.BooleanField(default=False)),
                        ('ended_at', models.DateTimeField(blank=True, null=True)),
                        ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('ended_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['role'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('clinic', 'user', 'role'), name='accounts_role_once_per_person'), models.CheckConstraint(condition=models.Q(('is_medical_director', False), ('role', 'prescriber'), _connector='OR'), name='accounts_director_is_prescriber')],
                    },
                ),
                migrations.CreateModel(
                    name='MembershipHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('role', models.CharField(choices=[('coordinator', 'Coordinator'), ('nurse', 'Nurse'), ('therapist', 'Therapist'), ('prescriber', 'Prescriber'), ('manager', 'Manager')], max_length=12)),
                        ('is_medical_director', models.BooleanField(default=False)),
                        ('ended_at', models.DateTimeField(blank=True, null=True)),
                        ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('ended_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='accounts.membership')),
                        ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='SignIn',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('began_at', models.DateTimeField()),
                        ('seen_at', models.DateTimeField()),
                        ('locked_at', models.DateTimeField(blank=True, null=True)),
                        ('wrong_unlocks', models.PositiveSmallIntegerField(default=0)),
                        ('ended_at', models.DateTimeField(blank=True, null=True)),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sign_ins', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-began_at'],
                        'indexes': [models.Index(fields=['user', '-began_at'], name='accounts_sign_in_of_person')],
                    },
                ),
                migrations.CreateModel(
                    name='TrainingHours',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('entered_in_error_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('entered_in_error_reason', models.TextField(blank=True, editable=False)),
                        ('kind', models.CharField(choices=[('didactic', 'Didactic'), ('observation', 'Observation'), ('supervised', 'Supervised practice'), ('experiential', 'Experiential (optional)')], max_length=12)),
                        ('hours', models.DecimalField(decimal_places=1, max_digits=6)),
                        ('provider', models.CharField(blank=True, max_length=200)),
                        ('completed_on', models.DateField()),
                        ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('entered_in_error_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='training', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name_plural': 'training hours',
                        'ordering': ['-completed_on'],
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('entered_in_error_at__isnull', True), ('entered_in_error_by__isnull', True), ('entered_in_error_reason', '')), models.Q(('entered_in_error_at__isnull', False), ('entered_in_error_by__isnull', False), models.Q(('entered_in_error_reason', ''), _negated=True)), _connector='OR'), name='accounts_traininghours_error_has_who_and_why'), models.CheckConstraint(condition=models.Q(('hours__gt', 0), ('hours__lte', 5000)), name='accounts_training_hours_positive')],
                    },
                ),
                migrations.CreateModel(
                    name='TrainingHoursHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('entered_in_error_at', models.DateTimeField(blank=True, editable=False, null=True)),
                        ('entered_in_error_reason', models.TextField(blank=True, editable=False)),
                        ('kind', models.CharField(choices=[('didactic', 'Didactic'), ('observation', 'Observation'), ('supervised', 'Supervised practice'), ('experiential', 'Experiential (optional)')], max_length=12)),
                        ('hours', models.DecimalField(decimal_places=1, max_digits=6)),
                        ('provider', models.CharField(blank=True, max_length=200)),
                        ('completed_on', models.DateField()),
                        ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('entered_in_error_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='accounts.traininghours')),
                        ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
            ],
        ),
        kapclinic.audit.operations.AddTriggers(
            triggers=[
                ('competency', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_competencyhistory" ("basis", "clinic_id", "created_at", "created_by_id", "ended_on", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "since", "user_id") VALUES (NEW."basis", NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."ended_on", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."since", NEW."user_id"); RETURN NULL;', hash='4f52f490c686a42f29ab06f96274fe506708b9b6', operation='INSERT', pgid='pgtrigger_insert_insert_19c31', table='accounts_competency', when='AFTER'))),
                ('competency', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "accounts_competencyhistory" ("basis", "clinic_id", "created_at", "created_by_id", "ended_on", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "since", "user_id") VALUES (NEW."basis", NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."ended_on", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."since", NEW."user_id"); RETURN NULL;', hash='bbd4fdd13f1cdd1ddaec84abf4db92e352074245', operation='UPDATE', pgid='pgtrigger_update_update_259e6', table='accounts_competency', when='AFTER'))),
                ('competency', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_competencyhistory" ("basis", "clinic_id", "created_at", "created_by_id", "ended_on", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "since", "user_id") VALUES (OLD."basis", OLD."clinic_id", OLD."created_at", OLD."created_by_id", OLD."ended_on", OLD."id", OLD."kind", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."since", OLD."user_id"); RETURN NULL;', hash='7f273736dfa850788714a822dfa76e2de5cf1797', operation='DELETE', pgid='pgtrigger_delete_delete_15565', table='accounts_competency', when='AFTER'))),
                ('competencyhistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='f7da9395713689f6c8b9a976abb1f573a552c24a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_f188b', table='accounts_competencyhistory', when='BEFORE'))),
                ('invitation', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_invitationhistory" ("accepted_at", "accepted_by_id", "clinic_id", "created_at", "created_by_id", "email", "expires_at", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "revoked_at", "roles", "sent_at") VALUES (NEW."accepted_at", NEW."accepted_by_id", NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."email", NEW."expires_at", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."revoked_at", NEW."roles", NEW."sent_at"); RETURN NULL;', hash='6524e8537f65df89413778fea5bf14c94a8046d6', operation='INSERT', pgid='pgtrigger_insert_insert_8c354', table='accounts_invitation', when='AFTER'))),
                ('invitation', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."accepted_at" IS DISTINCT FROM (NEW."accepted_at") OR OLD."accepted_by_id" IS DISTINCT FROM (NEW."accepted_by_id") OR OLD."clinic_id" IS DISTINCT FROM (NEW."clinic_id") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."created_by_id" IS DISTINCT FROM (NEW."created_by_id") OR OLD."email" IS DISTINCT FROM (NEW."email") OR OLD."expires_at" IS DISTINCT FROM (NEW."expires_at") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."revoked_at" IS DISTINCT FROM (NEW."revoked_at") OR OLD."roles" IS DISTINCT FROM (NEW."roles") OR OLD."sent_at" IS DISTINCT FROM (NEW."sent_at"))', func='INSERT INTO "accounts_invitationhistory" ("accepted_at", "accepted_by_id", "clinic_id", "created_at", "created_by_id", "email", "expires_at", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "revoked_at", "roles", "sent_at") VALUES (NEW."accepted_at", NEW."accepted_by_id", NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."email", NEW."expires_at", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."revoked_at", NEW."roles", NEW."sent_at"); RETURN NULL;', hash='7f1cd13d2080ad4862ca2fb6da4f9638bab50554', operation='UPDATE', pgid='pgtrigger_update_update_4e12d', table='accounts_invitation', when='AFTER'))),
                ('invitation', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_invitationhistory" ("accepted_at", "accepted_by_id", "clinic_id", "created_at", "created_by_id", "email", "expires_at", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "revoked_at", "roles", "sent_at") VALUES (OLD."accepted_at", OLD."accepted_by_id", OLD."clinic_id", OLD."created_at", OLD."created_by_id", OLD."email", OLD."expires_at", OLD."id", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."revoked_at", OLD."roles", OLD."sent_at"); RETURN NULL;', hash='7553c8f82b5442c30f1722597c5900d20a19b605', operation='DELETE', pgid='pgtrigger_delete_delete_f2c14', table='accounts_invitation', when='AFTER'))),
                ('invitationhistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='d38d29f713fea8f988a7d56f0dac0bb95564ef30', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_1dc0b', table='accounts_invitationhistory', when='BEFORE'))),
                ('licence', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_licencehistory" ("clinic_id", "created_at", "created_by_id", "expires_on", "id", "is_withdrawn", "kind", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state", "user_id") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."expires_on", NEW."id", NEW."is_withdrawn", NEW."kind", NEW."number", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."state", NEW."user_id"); RETURN NULL;', hash='c04708a44747fb438667ea0c5e58881071e4f3c5', operation='INSERT', pgid='pgtrigger_insert_insert_5a7fd', table='accounts_licence', when='AFTER'))),
                ('licence', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "accounts_licencehistory" ("clinic_id", "created_at", "created_by_id", "expires_on", "id", "is_withdrawn", "kind", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state", "user_id") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."expires_on", NEW."id", NEW."is_withdrawn", NEW."kind", NEW."number", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."state", NEW."user_id"); RETURN NULL;', hash='ee380d1657f2b17fdb5201a3483724e37dfca1dd', operation='UPDATE', pgid='pgtrigger_update_update_cd44b', table='accounts_licence', when='AFTER'))),
                ('licence', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_licencehistory" ("clinic_id", "created_at", "created_by_id", "expires_on", "id", "is_withdrawn", "kind", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state", "user_id") VALUES (OLD."clinic_id", OLD."created_at", OLD."created_by_id", OLD."expires_on", OLD."id", OLD."is_withdrawn", OLD."kind", OLD."number", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."state", OLD."user_id"); RETURN NULL;', hash='7082b1e15ce692aeeb20e3eb7a6640b1975076d1', operation='DELETE', pgid='pgtrigger_delete_delete_4d117', table='accounts_licence', when='AFTER'))),
                ('licencehistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='32931e586a612debff33e3873bbfe6005eaafc68', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_7dda2', table='accounts_licencehistory', when='BEFORE'))),
                ('membership', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_membershiphistory" ("clinic_id", "created_at", "created_by_id", "ended_at", "ended_by_id", "id", "is_medical_director", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "user_id") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."ended_at", NEW."ended_by_id", NEW."id", NEW."is_medical_director", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."role", NEW."user_id"); RETURN NULL;', hash='42ec850587f7ec0726570c326bc3c8ab086aaf63', operation='INSERT', pgid='pgtrigger_insert_insert_fc05a', table='accounts_membership', when='AFTER'))),
                ('membership', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "accounts_membershiphistory" ("clinic_id", "created_at", "created_by_id", "ended_at", "ended_by_id", "id", "is_medical_director", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "user_id") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."ended_at", NEW."ended_by_id", NEW."id", NEW."is_medical_director", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."role", NEW."user_id"); RETURN NULL;', hash='478c9195914bc10b1e83a5da1601256a0fc72565', operation='UPDATE', pgid='pgtrigger_update_update_20ab5', table='accounts_membership', when='AFTER'))),
                ('membership', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_membershiphistory" ("clinic_id", "created_at", "created_by_id", "ended_at", "ended_by_id", "id", "is_medical_director", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "user_id") VALUES (OLD."clinic_id", OLD."created_at", OLD."created_by_id", OLD."ended_at", OLD."ended_by_id", OLD."id", OLD."is_medical_director", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."role", OLD."user_id"); RETURN NULL;', hash='badd140fa172eea03de00c2aaae49deb51613aa2', operation='DELETE', pgid='pgtrigger_delete_delete_19a8f', table='accounts_membership', when='AFTER'))),
                ('membershiphistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='9ee43f83afd372f3941d93d61b0d68b7fab7a8d3', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_123dc', table='accounts_membershiphistory', when='BEFORE'))),
                ('traininghours', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_traininghourshistory" ("clinic_id", "completed_on", "created_at", "created_by_id", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "hours", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "user_id") VALUES (NEW."clinic_id", NEW."completed_on", NEW."created_at", NEW."created_by_id", NEW."entered_in_error_at", NEW."entered_in_error_by_id", NEW."entered_in_error_reason", NEW."hours", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."provider", NEW."user_id"); RETURN NULL;', hash='22e196933fdf87722fce3b689810b0a39e843089', operation='INSERT', pgid='pgtrigger_insert_insert_26ac2', table='accounts_traininghours', when='AFTER'))),
                ('traininghours', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "accounts_traininghourshistory" ("clinic_id", "completed_on", "created_at", "created_by_id", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "hours", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "user_id") VALUES (NEW."clinic_id", NEW."completed_on", NEW."created_at", NEW."created_by_id", NEW."entered_in_error_at", NEW."entered_in_error_by_id", NEW."entered_in_error_reason", NEW."hours", NEW."id", NEW."kind", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."provider", NEW."user_id"); RETURN NULL;', hash='a6ff93c45019f486ef60f90f80d373dbdcd3f068', operation='UPDATE', pgid='pgtrigger_update_update_5d036', table='accounts_traininghours', when='AFTER'))),
                ('traininghours', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_traininghourshistory" ("clinic_id", "completed_on", "created_at", "created_by_id", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "hours", "id", "kind", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "user_id") VALUES (OLD."clinic_id", OLD."completed_on", OLD."created_at", OLD."created_by_id", OLD."entered_in_error_at", OLD."entered_in_error_by_id", OLD."entered_in_error_reason", OLD."hours", OLD."id", OLD."kind", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."provider", OLD."user_id"); RETURN NULL;', hash='83d21435e11b229cd693302ae36f9d06b0d791f3', operation='DELETE', pgid='pgtrigger_delete_delete_c9823', table='accounts_traininghours', when='AFTER'))),
                ('traininghourshistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='b95d5ffcd5bac8c2450a96e68f8722673b17f5ea', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_59437', table='accounts_traininghourshistory', when='BEFORE'))),
            ],
        ),
    ]
