"""Migration operations for many tables and triggers at once.

Django renders every related model anew after each small change of the state, and here every table is related to every
other through clinic and person: the first migration of some 140 tables would take minutes. These operations change the
state once and render it once.
"""

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    CreateModel,
    RemoveConstraint,
    RemoveIndex,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from pgtrigger import compiler
from pgtrigger.migrations import AddTrigger, RemoveTrigger


class InOneStep(Operation):
    """Do what `makemigrations` wrote, one operation after the other, between two renderings of the state.

    Each operation sees the models as they are before the first and after the last. So a table made here gets all its
    fields, constraints and indexes at once, and nothing may be changed twice in one step.
    """

    reversible = True
    serialization_expand_args = ["operations"]
    ALLOWED = (
        AddConstraint,
        AddField,
        AddIndex,
        AddTrigger,
        AlterField,
        CreateModel,
        RemoveConstraint,
        RemoveIndex,
        RemoveTrigger,
    )

    def __init__(self, operations: Sequence[Operation]):
        """Raises TypeError for an operation that needs the states between, such as one that runs Python."""
        self.operations = list(operations)
        self.made = {operation.name_lower for operation in operations if isinstance(operation, CreateModel)}
        for operation in operations:
            alters_what_is_made = (
                isinstance(operation, AlterField) and operation.model_name_lower in self.made
            )
            if alters_what_is_made or not isinstance(operation, self.ALLOWED):
                raise TypeError(f"“{operation.describe()}” needs a step of its own")

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return (self.__class__.__qualname__, [], {"operations": self.operations})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        # Without rendered models the state takes each change as it is, and renders all of them once when asked.
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for operation in self.operations:
            if not self._comes_with_its_table(operation):
                operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for operation in reversed(self.operations):
            if isinstance(operation, AddTrigger) and operation.model_name.lower() in self.made:
                # It goes with its table, which the library looks for in the state without it.
                continue
            if isinstance(operation, AddConstraint) and not self._comes_with_its_table(operation):
                # A condition may name a field of this step, which the state before does not have.
                operation.database_backwards(app_label, schema_editor, from_state, from_state)
            elif not self._comes_with_its_table(operation):
                operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"Make {len(self.operations)} changes"

    def _comes_with_its_table(self, operation: Operation) -> bool:
        if isinstance(operation, AddField | AddIndex | AddConstraint):
            return operation.model_name.lower() in self.made
        return False


class CreateTables(InOneStep):
    """Make many tables, each complete with its fields, constraints and indexes."""

    serialization_expand_args = ["models"]

    def __init__(self, models: Sequence[CreateModel]):
        super().__init__(models)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return (self.__class__.__qualname__, [], {"models": self.operations})

    def describe(self) -> str:
        return f"Create {len(self.operations)} tables"


class AddTriggers(Operation):
    """Install many triggers, each as (model name in lower case, compiled trigger)."""

    reversible = True
    reduces_to_sql = True
    serialization_expand_args = ["triggers"]

    def __init__(self, triggers: Sequence[tuple[str, compiler.Trigger]]):
        self.triggers = list(triggers)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return (self.__class__.__qualname__, [], {"triggers": self.triggers})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        for model_name, trigger in self.triggers:
            options = state.models[app_label, model_name].options
            options["triggers"] = [*options.get("triggers", []), trigger]

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for _model_name, trigger in self.triggers:
            # The SQL is complete: no parameters, so that nothing in it is escaped.
            schema_editor.execute(trigger.install_sql, params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for _model_name, trigger in reversed(self.triggers):
            schema_editor.execute(trigger.uninstall_sql, params=None)

    def describe(self) -> str:
        return f"Create {len(self.triggers)} triggers"
