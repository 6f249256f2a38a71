"""From folders of rule files to a `Rulebook`, or to every problem of every file at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from scheduler.core.expression_check import check_derived
from scheduler.core.model_checks import incomplete, wrong_meaning
from scheduler.core.model_examples import misfit, run_examples, wrong_cut_offs
from scheduler.core.models import RiskModel
from scheduler.core.problems import Location, Problem
from scheduler.core.protocol_checks import check_protocol
from scheduler.core.protocol_examples import run_worked_examples
from scheduler.core.protocols import SurveillanceProtocol
from scheduler.core.reminders.checks import check_policy
from scheduler.core.reminders.examples import run_examples as run_reminders
from scheduler.core.reminders.policy import ReminderPolicy
from scheduler.core.scoring import CompiledModel
from scheduler.core.variable_names import check_names
from scheduler.core.variables import VariableDictionary
from scheduler.messages import message_problems
from scheduler.rulebook.places import FileProblem, NoRules, RulesRefused, UnknownRule
from scheduler.rulebook.reading import RuleFile, read_rule_file
from scheduler.rulebook.shapes import fit
from scheduler.settings import shipped_folder

DICTIONARY = "variables.yaml"
KINDS = ("models", "protocols", "reminders")
DEFAULT_PROTOCOL = "risk-adapted"
DEFAULT_REMINDERS = "default"


@dataclass(frozen=True, kw_only=True)
class Rulebook:
    """All rule files, checked: the dictionary, the models, protocols and reminder policies, each by `id@version`."""

    dictionary: VariableDictionary
    models: dict[str, CompiledModel]
    protocols: dict[str, SurveillanceProtocol]
    reminders: dict[str, ReminderPolicy]
    files: dict[str, RuleFile]
    warnings: tuple[FileProblem, ...] = ()

    def model(self, wanted: str) -> CompiledModel:
        """The model `id@version`, or the newest version of `id`. Raises `UnknownRule`."""
        return self.models[_newest(wanted, self.models, kind="risk model")]

    def protocol(self, wanted: str = DEFAULT_PROTOCOL) -> SurveillanceProtocol:
        """The protocol `id@version`, or the newest version of `id`. Raises `UnknownRule`."""
        return self.protocols[_newest(wanted, self.protocols, kind="protocol")]

    def reminder_policy(self, wanted: str = DEFAULT_REMINDERS) -> ReminderPolicy:
        """The reminder policy `id@version`, or the newest version of `id`, every template of it tried.

        Raises `UnknownRule`, and `RulesRefused` for templates that cannot be filled or tell too much.
        """
        reference = _newest(wanted, self.reminders, kind="reminder policy")
        if problems := [each for each in self.wrong_messages if each.file == self.files[reference].name]:
            raise RulesRefused(problems)
        return self.reminders[reference]

    @cached_property
    def wrong_messages(self) -> tuple[FileProblem, ...]:
        """What is wrong with the templates of every reminder policy.

        Found when asked for: to try them all takes Jinja2 a third of a second, and most commands send nothing.
        """
        return tuple(
            problem
            for reference, policy in self.reminders.items()
            for problem in self.files[reference].placed(message_problems(policy))
        )

    def file(self, wanted: str) -> RuleFile:
        """The file of a model, a protocol, a reminder policy or `variables`. Raises `UnknownRule`."""
        return self.files[_newest(wanted, self.files, kind="rule")]

    def newest_models(self) -> tuple[CompiledModel, ...]:
        """The newest version of every model, by id."""
        ids = sorted({compiled.model.id for compiled in self.models.values()})
        return tuple(self.model(each) for each in ids)


def load_rulebook(site_folder: Path | None = None) -> Rulebook:
    """The shipped rules, with a site's own added. Raises `RulesRefused` with every problem, and `NoRules`.

    The templates of reminders are tried when a reminder policy is asked for.
    """
    problems, rulebook = _load(site_folder)
    if rulebook is None or problems:
        raise RulesRefused(problems)
    return rulebook


def check_rules(site_folder: Path | None = None) -> tuple[tuple[FileProblem, ...], Rulebook | None]:
    """Every problem of every file, and the rulebook of those without any (None without a dictionary).

    Raises `NoRules` for a folder without rule files.

    A site's folder stands on the shipped rules: its protocols may name shipped models, its models the shipped
    variables; a `variables.yaml` of its own takes the place of the shipped one.
    """
    problems, rulebook = _load(site_folder)
    wrong_messages = rulebook.wrong_messages if rulebook else ()
    return tuple(sorted((*problems, *wrong_messages))), rulebook


def _load(site_folder: Path | None) -> tuple[tuple[FileProblem, ...], Rulebook | None]:
    folders = [(shipped_folder("rules"), "rules")]
    if site_folder is not None and site_folder.resolve() != folders[0][0].resolve():
        if not _paths(site_folder):
            raise NoRules(str(site_folder))
        folders.append((site_folder, site_folder.name))
    files = [
        read_rule_file(path, name=f"{called}/{path.relative_to(folder)}")
        for folder, called in folders
        for path in _paths(folder)
    ]
    return _Loading().load(files)


def _paths(folder: Path) -> list[Path]:
    """The rule files of a folder: the dictionary, then kind by kind, each in the order of their names."""
    named = [folder / DICTIONARY] if (folder / DICTIONARY).is_file() else []
    return named + [path for kind in KINDS for path in sorted((folder / kind).glob("*.y*ml"))]


def _named(files: Iterable[RuleFile]) -> set[str]:
    """What the names of files promise, `id@version`: a model with problems of its own is not unknown as well."""
    return {"@".join(file.path.stem.rsplit(".v", 1)) for file in files}


def _newest(wanted: str, known: Iterable[str], *, kind: str) -> str:
    """The reference `id@version` that a person means."""
    references = sorted(known)
    if wanted in references:
        return wanted
    versions = [reference for reference in references if reference.split("@")[0] == wanted]
    if not versions:
        raise UnknownRule(kind=kind, wanted=wanted, known=references)
    return max(versions, key=lambda reference: int(reference.split("@")[1]))


@dataclass
class _Loading:
    """One loading of all files; keeps what has been found so far."""

    problems: list[FileProblem] = field(default_factory=list)
    warnings: list[FileProblem] = field(default_factory=list)
    files: dict[str, RuleFile] = field(default_factory=dict)

    def load(self, files: Sequence[RuleFile]) -> tuple[tuple[FileProblem, ...], Rulebook | None]:
        self.problems += [problem for file in files for problem in file.problems]
        model_files, protocol_files, reminder_files = (
            [file for file in files if file.path.parent.name == kind] for kind in KINDS
        )
        reminders = self._reminders(reminder_files)
        dictionary = self._dictionary([file for file in files if file.path.name == DICTIONARY])
        if dictionary is None:
            self._shapes_only(model_files, protocol_files)
            return tuple(sorted(self.problems)), None
        models = self._models(model_files, dictionary)
        protocols = self._protocols(protocol_files, {*models, *_named(model_files)}, dictionary)
        rulebook = Rulebook(
            dictionary=dictionary,
            models=models,
            protocols=protocols,
            reminders=reminders,
            files=self.files,
            warnings=tuple(self.warnings),
        )
        return tuple(sorted(self.problems)), rulebook

    def _note(self, file: RuleFile, problems: Iterable[Problem]) -> bool:
        """Keep the problems; whether there were none."""
        noted = file.placed(problems)
        self.problems += noted
        return not noted

    def _dictionary(self, files: Sequence[RuleFile]) -> VariableDictionary | None:
        if not files or files[-1].data is None:
            return None
        file = files[-1]
        dictionary, problems = fit(file, VariableDictionary)
        self.problems += problems
        if dictionary is None or not self._note(file, (*check_names(dictionary), *check_derived(dictionary))):
            return None
        self._note(file, _unknown_dictionary_sources(dictionary))
        self.files[f"variables@{dictionary.version}"] = file
        return dictionary

    def _shapes_only(self, model_files: Sequence[RuleFile], protocol_files: Sequence[RuleFile]) -> None:
        """What can be said of models and protocols without a dictionary."""
        for file in model_files:
            self.problems += fit(file, RiskModel)[1] if file.data is not None else ()
        for file in protocol_files:
            self.problems += fit(file, SurveillanceProtocol)[1] if file.data is not None else ()

    def _models(self, files: Sequence[RuleFile], dictionary: VariableDictionary) -> dict[str, CompiledModel]:
        models: dict[str, CompiledModel] = {}
        for file in files:
            model, problems = fit(file, RiskModel) if file.data is not None else (None, ())
            self.problems += problems
            if model is None or not self._registered(file, model.id, model.version):
                continue
            compiled = CompiledModel(model=model, dictionary=dictionary, digest=file.digest)
            if self._note(file, _all_problems(compiled)):
                models[model.reference] = compiled
                if strange := misfit(model):
                    place = ("risk_groups", "groups")
                    expected = "cut-offs that give the published shares"
                    self.warnings.append(file.problem(place, "misfit", found=str(strange), expected=expected))
        return models

    def _protocols(
        self, files: Sequence[RuleFile], models: set[str], dictionary: VariableDictionary
    ) -> dict[str, SurveillanceProtocol]:
        protocols: dict[str, SurveillanceProtocol] = {}
        for file in files:
            protocol, problems = fit(file, SurveillanceProtocol) if file.data is not None else (None, ())
            self.problems += problems
            if protocol is None or not self._registered(file, protocol.id, protocol.version):
                continue
            found = check_protocol(protocol, models=models, dictionary=dictionary)
            if self._note(file, found or run_worked_examples(protocol)):
                protocols[protocol.reference] = protocol
        return protocols

    def _reminders(self, files: Sequence[RuleFile]) -> dict[str, ReminderPolicy]:
        reminders: dict[str, ReminderPolicy] = {}
        for file in files:
            policy, problems = fit(file, ReminderPolicy) if file.data is not None else (None, ())
            self.problems += problems
            if policy is None or not self._registered(file, policy.id, policy.version):
                continue
            if self._note(file, check_policy(policy) or run_reminders(policy)):
                reminders[policy.reference] = policy
        return reminders

    def _registered(self, file: RuleFile, rule_id: str, version: int) -> bool:
        """Keep the file under its `id@version`; a wrong file name or a second file of that version is a problem."""
        reference, expected = f"{rule_id}@{version}", f"{rule_id}.v{version}.yaml"
        if file.path.name != expected:
            self.problems.append(file.problem(("id",), "file name", found=file.path.name, expected=expected))
        if reference in self.files:
            other = self.files[reference].name
            message = "a new version: a released file is never edited"
            self.problems.append(
                file.problem(("version",), "released already", found=f"{reference}, also in {other}", expected=message)
            )
            return False
        self.files[reference] = file
        return True


def _all_problems(compiled: CompiledModel) -> tuple[Problem, ...]:
    """A model's problems; examples are only run where the model can be computed."""
    lacking = incomplete(compiled.model)
    if blocking := wrong_meaning(compiled.model, compiled.dictionary) or _inexact(compiled):
        return (*blocking, *lacking)
    return (*lacking, *wrong_cut_offs(compiled.model), *run_examples(compiled))


def _inexact(compiled: CompiledModel) -> tuple[Problem, ...]:
    """What keeps the model's bounds from being exact, at the terms' places."""
    _, problems = compiled.analysis
    return tuple(
        Problem(
            location=("linear_predictor", "terms", *problem.location, "value"),
            what=problem.what,
            found=problem.found,
            expected=problem.expected,
        )
        for problem in problems
    )


def _unknown_dictionary_sources(dictionary: VariableDictionary) -> list[Problem]:
    """Variables and checks that name a source which the dictionary does not."""
    named: list[tuple[Location, str]] = [
        (("recorded", name, "source"), variable.source) for name, variable in dictionary.recorded.items()
    ]
    named += [(("derived", name, "source"), variable.source) for name, variable in dictionary.derived.items()]
    named += [(("checks", i, "source"), each.source) for i, each in enumerate(dictionary.checks)]
    expected = f"one of {', '.join(dictionary.sources)}"
    return [
        Problem(location=place, what="unknown source", found=source, expected=expected)
        for place, source in named
        if source not in dictionary.sources
    ]
