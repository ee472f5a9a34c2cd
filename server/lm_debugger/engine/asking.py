"""From a question to its answer, one way for all of them: `questions.base` tells its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch

from lm_debugger.engine.generation import GenerationStream
from lm_debugger.engine.given import shown
from lm_debugger.engine.kept import Wanted
from lm_debugger.engine.model import Model
from lm_debugger.engine.questions import generate
from lm_debugger.engine.questions.base import AboutPrompt, Answer, OfModel, Prompt, Question, Runs
from lm_debugger.errors import InvalidInput

A = TypeVar("A", bound=Answer)


@dataclass(frozen=True, slots=True)
class _Job:
    """A checked question, and its prompt if it has one."""

    question: Any
    prompt: Prompt | None


class Asking:
    """Whoever asks a model."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def ask(self, question: Question[A]) -> A:
        """The answer; see `Debugger.ask`."""
        job = self._job(question)
        if not question.needs_turn:
            return cast(A, self._own_way(job))
        answer = cast(A, self._model.gate.together(job, self._answers, _fit))
        told = job.question.weight_told(self._model.shape, answer)
        if told is not None:
            self._model.check_weight(told)
        return answer

    def start(self, question: generate.Ask) -> GenerationStream:
        """See `Debugger.start`."""
        job = self._job(question)
        asked: generate.Ask = job.question
        assert job.prompt is not None
        return asked.start(self._model, job.prompt)

    def _job(self, question: Question[A]) -> _Job:
        """Encode, check, weigh."""
        model, prompt = self._model, None
        checked: Question[A]
        if isinstance(question, AboutPrompt):
            prompt = model.encode(question.prompt)
            checked = question.checked(model, prompt)
        elif isinstance(question, OfModel):
            checked = question.checked(model)
        else:
            raise InvalidInput(f"{shown(question)} is no question.")
        model.check_weight(checked.weight(model.shape))
        return _Job(checked, prompt)

    def _own_way(self, job: _Job) -> Answer:
        """Without a turn of the model, or with one for every token."""
        if job.prompt is None:
            asked: OfModel[Answer] = job.question
            return asked.answer(self._model)
        stream: GenerationStream = job.question.start(self._model, job.prompt)
        for _ in stream:
            pass
        return stream.result

    def _answers(self, jobs: Sequence[_Job]) -> list[Answer]:
        """To several questions of one kind, run as one batch; the caller holds the gate."""
        model = self._model
        with torch.inference_mode():
            if jobs[0].prompt is None:
                return [job.question.answer(model) for job in jobs]
            asked = [(job.question, job.prompt) for job in jobs if job.prompt is not None]
            wanted = [Wanted(p.ids, q.columns, q.interventions) for q, p in asked]
            both = model.runs.many(wanted)
            runs = [(q, Runs(p, *pair)) for (q, p), pair in zip(asked, both, strict=True)]
            answers: list[Answer] = type(asked[0][0]).answers(model, runs)
            model.runs.trim()  # what was read has made some heavier
            return answers


def _fit(jobs: Sequence[_Job]) -> bool:
    """Whether these may be one batch."""
    kind = type(jobs[0].question)
    if any(type(job.question) is not kind for job in jobs):
        return False
    if not issubclass(kind, AboutPrompt):
        return len(jobs) == 1
    return kind.fit([(job.question, job.prompt) for job in jobs if job.prompt is not None])
