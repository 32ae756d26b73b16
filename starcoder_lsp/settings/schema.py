"""The declaration of a setting: one field of a section, with form, help and rules.

    @dataclass(frozen=True)
    class TriggerSettings:
        debounce_s: float = option(
            40, integer(0, 2000), "how long typing must rest",
            name="debounce_ms", project=MAY_RAISE, convert=lambda ms: ms / 1000,
        )

The names in files, flags and editors, the documentation, the checks and the key of
cached suggestions all follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

from starcoder_lsp.errors import ConfigError
from starcoder_lsp.settings.forms import Form, Value, shown

OPTION = "option"


@dataclass(frozen=True)
class ProjectRule:
    """The effect that a project's file may have on a setting; it comes with a cloned repository.

    `together(users, projects)` is the value when both have set one. A project that
    `adds` does so whichever of the two is stronger. `form` is the form of a project's
    value, where that is narrower.
    """

    name: str
    together: Callable[[Value, Value], Value]
    adds: bool = False
    form: Form | None = None


def _both(users: list[str], projects: list[str]) -> list[str]:
    return sorted({*users, *projects})


MAY_SET = ProjectRule("yes", lambda users, projects: projects)
# False is less than true: a project can switch something off.
MAY_LOWER = ProjectRule("only lower", min)
MAY_SWITCH_OFF = ProjectRule("only switch off", min)
MAY_RAISE = ProjectRule("only raise", max)
MAY_ADD = ProjectRule("only add", _both, adds=True)


@dataclass(frozen=True)
class Option:
    """A setting as it is written; `None` as a default means that nothing is set.

    It lands in `field` of `section` of the settings, as `convert` makes it.
    Without a `project` rule a project may not set it. An editor may not set an option
    that is `users_own`: its settings mix those of the user and of the workspace.
    """

    name: str
    default: Value
    form: Form
    help: str
    project: ProjectRule | None
    changes_suggestions: bool
    convert: Callable[[Value], Any]
    users_own: bool = False
    section: str = ""
    field: str = ""

    def checked(self, value: Value, *, is_project: bool = False) -> Value:
        """Return the value; raises ConfigError with the form that it should have."""
        form = self.form
        if is_project and self.project and self.project.form:
            form = self.project.form
        if not form.accepts(value):
            if reason := form.why_not(value):
                raise ConfigError(reason)
            raise ConfigError(f"{self.name} = {shown(value)}: expected {form.name}")
        return value

    def parsed(self, text: str) -> Value:
        """The value of a flag on the command line; raises ConfigError as `checked`."""
        try:
            return self.checked(self.form.from_text(text))
        except (ValueError, KeyError):
            raise ConfigError(
                f"{self.name} = {shown(text)}: expected {self.form.name}"
            ) from None


def option(
    default: Value,
    form: Form,
    help: str,
    *,
    project: ProjectRule | None = None,
    changes_suggestions: bool = False,
    name: str = "",
    convert: Callable[[Value], Any] = lambda value: value,
    users_own: bool = False,
) -> Any:
    """Declare a field of a section as a setting; its `name` is the field's unless given.

    `changes_suggestions` is true when the model may write something else with another
    value: such a setting is part of the key of cached suggestions.
    """
    row = Option(
        name, default, form, help, project, changes_suggestions, convert, users_own
    )
    return field(default=convert(default), metadata={OPTION: row})


def declared(settings_type: type) -> Iterator[Option]:
    """Every setting of a dataclass whose fields are sections, in their order."""
    for section in fields(settings_type):
        section_type: Any = type(section.default)
        for one in fields(section_type):
            row: Option = one.metadata[OPTION]
            yield replace(
                row,
                name=row.name or one.name,
                section=section.name,
                field=one.name,
            )
