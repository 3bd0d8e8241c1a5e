"""Schema of a pattern file. pydantic names the place of every mistake; `load` adds the line."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from kubelore.types import EdgeKind

FactGlob = Annotated[str, Field(pattern=r"^[a-z][a-z._]*=\S+$")]
"""`key=value` with shell wildcards in the value: `log=*`, `event=FailedMount:*`. A key that the
vocabulary does not have is a lint error."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InvestigationStep(Strict):
    tool: str
    args: str = ""
    """With the placeholders <kind>, <namespace>, <name>, <pod>, <node>, <service>, <selector>."""
    look_for: str


class Facts(Strict):
    """A condition over the facts of one object."""

    object: str = "workload"
    """`workload`, `any`, or a kind such as Service, Node, PersistentVolumeClaim."""
    all: tuple[FactGlob, ...] = ()
    """Every one must hold."""
    any: tuple[FactGlob, ...] = ()
    """At least one must hold, when there are any."""
    none: tuple[FactGlob, ...] = ()
    """None may hold."""
    supports: dict[FactGlob, float] = Field(default_factory=dict)
    """Log-odds added when the fact holds."""
    contradicts: dict[FactGlob, float] = Field(default_factory=dict)
    """Log-odds taken off when the fact holds (written as positive numbers)."""


class Joined(Facts):
    """A condition over an object that an edge joins to the first one."""

    edge: EdgeKind
    direction: Literal["to", "from"] = "to"
    """to: first object --edge--> this one; from: this one --edge--> first object."""
    name: str = "other"
    """What `at_fault` and templates call it (`{other}`, `{other_namespace}`)."""
    required: bool = True
    """False: only its weights count, and only when it matches."""


class Condition(Facts):
    strength: float = 0.0
    """Log-odds of the cause once what is required holds: 0 is a coin flip, 3 is 95%, -1.5 is 18%."""
    joined: tuple[Joined, ...] = ()


class FixTemplate(Strict):
    """Templates filled from the cited facts' params and the object: {namespace}, {name}, {kind},
    {container}, ... A `command` or `yaml` with a placeholder nobody filled keeps it as <placeholder>."""

    text: str
    command: str = ""
    yaml: str = ""


class Cause(Strict):
    cause: str
    root_cause: str
    """Canonical id of root-causes.tsv."""
    evidence: tuple[str, ...] = Field(min_length=1)
    """For people and models."""
    when: tuple[Condition, ...] = Field(min_length=1)
    """For the machine: alternatives; the one that scores best counts."""
    at_fault: str = "self"
    """`self`, or the `name` of a joined object."""
    yields_to: tuple[EdgeKind, ...] = ()
    """When an object reached over such an edge has a cause of its own, that one is the root: this cause is
    only its symptom."""
    explanation: str
    """One or two sentences with the same placeholders as the fix."""
    fix: FixTemplate


class Phrases(Strict):
    """How much the words of a question speak for a pattern. A phrase matches in any order, in any
    inflection, and with up to three other words in between. A trigger that is listed nowhere is `strong`."""

    certain: tuple[str, ...] = ()
    """Said of nothing else: ahead of every other pattern."""
    strong: tuple[str, ...] = ()
    """Enough by itself."""
    topic: tuple[str, ...] = ()
    """Enough when the question also says that something does not work."""
    hint: tuple[str, ...] = ()
    """Counts only beside something stronger."""
    against: tuple[str, ...] = ()
    """Means something else."""


class Pattern(Strict):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: int = Field(ge=1)
    name: str
    triggers: tuple[str, ...] = Field(min_length=1)
    """Words and phrases a user would type; the substring baseline uses them as they are."""
    symptoms: tuple[str, ...] = Field(min_length=1)
    phrases: Phrases = Phrases()
    investigation_steps: tuple[InvestigationStep, ...] = Field(min_length=1)
    common_causes: tuple[Cause, ...] = Field(min_length=1)
    references: tuple[str, ...] = ()


KEYS = frozenset(
    key
    for model in (Pattern, Phrases, InvestigationStep, Cause, Joined, Condition, FixTemplate)
    for key in model.model_fields
)
"""Every key that a pattern file may have somewhere."""
