"""Worked examples that run when a model loads."""

from scheduler.core.compiled_model import CompiledModel
from scheduler.core.model_examples import patient_frame, run_examples
from scheduler.core.models import CutOffExample, PatientExample, RiskGroup, WorkedExamples
from scheduler.core.problems import Problem
from tests.core.small_dictionary import a_dictionary, a_model

COMPILED = a_model({"x": 1.0, "a": 0.5}, cut_offs=[2.0])


def with_examples(*patients: PatientExample, cut_offs: tuple[CutOffExample, ...] = ()) -> CompiledModel:
    """The model x + 0.5·a, high from 2, with worked examples."""
    examples = WorkedExamples(patients=patients, cut_offs=cut_offs)
    model = COMPILED.model.model_copy(update={"worked_examples": examples})
    return CompiledModel(model=model, dictionary=COMPILED.dictionary, digest="made")


def an_example(linear_predictor: float, group: RiskGroup, **patient: float | int | bool | str) -> PatientExample:
    """A worked patient."""
    return PatientExample(patient=patient, linear_predictor=linear_predictor, group=group)


def test_examples_that_come_out_as_written_are_no_problem() -> None:
    compiled = with_examples(
        an_example(1.5, RiskGroup.LOW, a=True, x=1),
        an_example(2.0, RiskGroup.HIGH, x=2.0, a=False, c="red", day="2026-01-31"),
        cut_offs=(CutOffExample(linear_predictor=2.0, group=RiskGroup.HIGH),),
    )

    assert run_examples(compiled) == ()


def test_every_example_that_fails_is_told_with_what_comes_out() -> None:
    compiled = with_examples(
        an_example(1.6, RiskGroup.HIGH, x=1.0, a=True),
        an_example(2.0, RiskGroup.HIGH, x=2.0),
        an_example(2.0, RiskGroup.HIGH, x=2.0, a=False),
        an_example(2.0, RiskGroup.HIGH, x=200.0, a=False),
        cut_offs=(CutOffExample(linear_predictor=1.999999999, group=RiskGroup.HIGH),),
    )

    problems = run_examples(compiled)

    assert [(problem.location[1:], problem.what, problem.found, problem.expected) for problem in problems] == [
        (("cut_offs", 0, "group"), "example fails", "high", "low for a linear predictor of 1.999999999"),
        (("patients", 0, "linear_predictor"), "example fails", "1.6", "1.500000000"),
        (("patients", 0, "group"), "example fails", "high", "low"),
        (("patients", 1, "patient"), "example incomplete", "no value for a", "every input that the model needs"),
        (
            ("patients", 3, "patient"),
            "example fails",
            "refused: x is outside 1 to 100 1",
            "a patient whom the model can score",
        ),
    ]


def test_findings_of_the_wrong_type_are_not_turned_into_others() -> None:
    compiled = with_examples(an_example(1.0, RiskGroup.LOW, x=True, a=1, n=1.0, c=2, day="2026-13-01"))

    assert run_examples(compiled) == tuple(
        Problem(
            location=("worked_examples", "patients", 0, "patient", name),
            what="wrong type",
            found=found,
            expected=f"a value of type {kind}",
        )
        for name, found, kind in (
            ("x", "x: True", "number"),
            ("a", "a: 1", "boolean"),
            ("n", "n: 1.0", "integer"),
            ("c", "c: 2", "choice"),
            ("day", "day: 2026-13-01", "date"),
        )
    )


def test_a_patient_s_frame_holds_every_recorded_variable() -> None:
    frame = patient_frame({"x": 2, "a": True}, a_dictionary())

    assert frame.select("patient_id", "x", "a", "c").row(0) == (0, 2.0, True, None)
    assert set(frame.columns) == {"patient_id", *a_dictionary().recorded}
