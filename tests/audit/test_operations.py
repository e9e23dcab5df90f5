"""Changes of many tables in one step of a migration."""

import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import Q
from pgtrigger import compiler
from pgtrigger.migrations import AddTrigger, RemoveTrigger

from kapclinic.audit.operations import InOneStep

LABEL = "made_up"


def trigger(name: str, table: str) -> compiler.Trigger:
    sql = compiler.UpsertTriggerSql(
        func="RETURN NEW;", hash=name, operation="INSERT", pgid=f"pgtrigger_{name}", table=f"{LABEL}_{table}", when="BEFORE"
    )  # fmt: skip
    return compiler.Trigger(name=name, sql=sql)


def before() -> ProjectState:
    """One table with a trigger."""
    shelf = ModelState(
        LABEL,
        "Shelf",
        [("id", models.AutoField(primary_key=True)), ("name", models.CharField(max_length=5))],
        {"triggers": [trigger("old", "shelf")]},
    )
    state = ProjectState()
    state.add_model(shelf)
    return state


STEP = [
    RemoveTrigger("shelf", "old"),
    migrations.AddField("shelf", "height", models.IntegerField(default=1)),
    migrations.AlterField("shelf", "name", models.CharField(max_length=50)),
    migrations.CreateModel("Book", [("id", models.AutoField(primary_key=True))]),
    migrations.AddField("book", "shelf", models.ForeignKey(f"{LABEL}.shelf", models.PROTECT)),
    migrations.AddIndex("book", models.Index(fields=["shelf", "id"], name="made_up_books_of_shelf")),
    # It names a field of the same step.
    migrations.AddConstraint(
        "shelf", models.UniqueConstraint(fields=["name"], condition=Q(height__gt=1), name="made_up_name_once")
    ),
    migrations.AddConstraint(
        "book", models.CheckConstraint(condition=Q(id__gt=0), name="made_up_book_has_number")
    ),
    AddTrigger("shelf", trigger("new", "shelf")),
    AddTrigger("book", trigger("of_books", "book")),
]


def schema() -> set[tuple[str, ...]]:
    """Columns, constraints, indexes and triggers of the made-up tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT 'column', table_name, column_name, data_type || coalesce(character_maximum_length::text, '')
              FROM information_schema.columns WHERE table_name LIKE 'made_up_%'
            UNION SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
             WHERE conrelid::regclass::text LIKE 'made_up_%' AND contype <> 'n'
            UNION SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'made_up_%'
            UNION SELECT 'trigger', tgrelid::regclass::text, tgname, '' FROM pg_trigger
             WHERE tgrelid::regclass::text LIKE 'made_up_%' AND NOT tgisinternal
            """
        )
        return set(cursor.fetchall())


def state_after(steps: list, state: ProjectState) -> ProjectState:
    """What Django knows of the tables after these operations."""
    for step in steps:
        step.state_forwards(LABEL, state)
    return state


def migrate(steps: list, state: ProjectState, *, backwards: bool = False) -> None:
    """Run operations as a migration does, in one atomic schema editor each way."""
    states = [state]
    for step in steps:
        states.append(state_after([step], states[-1].clone()))
    with connection.schema_editor(atomic=True) as editor:
        pairs = list(zip(steps, states, states[1:], strict=False))
        for step, earlier, later in reversed(pairs) if backwards else pairs:
            if backwards:
                step.database_backwards(LABEL, editor, later, earlier)
            else:
                step.database_forwards(LABEL, editor, earlier, later)


@pytest.fixture
def shelf(db) -> ProjectState:
    """The table is there, as the owner made it."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    state = before()
    with connection.schema_editor(atomic=True) as editor:
        editor.create_model(state.apps.get_model(LABEL, "Shelf"))
        editor.execute(trigger("old", "shelf").install_sql, params=None)
    return state


def test_step_makes_what_its_operations_make_and_goes_back(shelf):
    at_first = schema()
    migrate([InOneStep(STEP)], shelf)
    in_one = schema()
    migrate([InOneStep(STEP)], shelf, backwards=True)
    assert schema() == at_first
    migrate(STEP, shelf)
    assert schema() == in_one
    assert {row[0] for row in in_one - at_first} == {"column", "constraint", "index", "trigger"}


def test_state_after_a_step_is_that_of_its_operations():
    assert state_after([InOneStep(STEP)], before()) == state_after(STEP, before())


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RunPython(migrations.RunPython.noop),
        migrations.RunSQL("SELECT 1"),
        migrations.AlterField("room", "name", models.TextField()),
    ],
)
def test_what_needs_the_states_between_is_refused(operation):
    made = migrations.CreateModel("Room", [("name", models.CharField(max_length=5))])
    with pytest.raises(TypeError, match="needs a step of its own"):
        InOneStep([made, operation])
