"""Every failure that a caller can cause, each with a code and a sentence.

A sentence says what is wrong and what is allowed. Nothing here knows HTTP: `api/errors.py` maps
these classes to status codes, the command line prints the sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar


class DebuggerError(Exception):
    """Base of all errors that are not bugs.

    Attributes:
        code: stable, machine-readable name of the kind of failure.
        message: one or two sentences for a person.
        details: the values behind the sentence (JSON-serialisable), for a program.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


@contextmanager
def about_intervention(place: int, id: object = None) -> Iterator[None]:
    """Errors raised within this `with` tell in their details which intervention they are about.

    Args:
        place: in the list of the request, from 0; the detail `intervention`.
        id: its value vector, if it names one; the detail `id`, written "L9D1".
    """
    try:
        yield
    except DebuggerError as error:
        error.details |= {"intervention": place} | ({} if id is None else {"id": str(id)})
        raise


class GradientLost(DebuggerError):
    """A part of the model drops gradients, so none that passes by it would be right."""

    code = "gradient_lost"


# --- what was asked is wrong -------------------------------------------------------------------


class InvalidInput(DebuggerError):
    """The request can never succeed as it stands."""

    code = "invalid_input"


class EmptyPrompt(InvalidInput):
    code = "empty_prompt"


class NoTokens(InvalidInput):
    """There is text, and the tokenizer makes no token of it."""

    code = "no_tokens"


class UnknownWord(InvalidInput):
    """The tokenizer has no tokens for a word, or for a part of one, that was to be looked for."""

    code = "unknown_word"


class PromptTooLong(InvalidInput):
    code = "prompt_too_long"


class UnknownLayer(InvalidInput):
    code = "unknown_layer"


class UnknownDimension(InvalidInput):
    code = "unknown_dimension"


class UnknownToken(InvalidInput):
    code = "unknown_token"


class InvalidPosition(InvalidInput):
    code = "invalid_position"


class InvalidIntervention(InvalidInput):
    code = "invalid_intervention"


class InvalidNode(InvalidInput):
    """It names nothing that writes into a residual stream."""

    code = "invalid_node"


class TooManyInterventions(InvalidInput):
    code = "too_many_interventions"


class OutOfRange(InvalidInput):
    """A number such as `top_k` or `max_new_tokens` lies outside its limits."""

    code = "out_of_range"


class AnswerTooLarge(InvalidInput):
    """What is asked for multiplies to more than one answer may hold."""

    code = "answer_too_large"


class NonFiniteResult(InvalidInput):
    """The edits drive the model to values that its number format cannot hold."""

    code = "non_finite_result"


class CannotBake(InvalidInput):
    """Weights cannot express an intervention, or the folder for them is not to be had."""

    code = "cannot_bake"


class UnknownModel(DebuggerError):
    code = "unknown_model"


# --- not now -----------------------------------------------------------------------------------


class Unavailable(DebuggerError):
    """The same request may succeed later; `retry_after` (seconds) says when to try."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after: int = 1, **details: Any) -> None:
        super().__init__(message, retry_after=retry_after, **details)
        self.retry_after = retry_after


class ModelLoading(Unavailable):
    code = "model_loading"


class Busy(Unavailable):
    """More requests wait for the model than its queue holds."""

    code = "busy"


class TimeLimit(Unavailable):
    """The request took longer than a request may take; its work has ended."""

    code = "time_limit"


class TooManyRequests(Unavailable):
    """One client asked more often than clients may."""

    code = "too_many_requests"


class ShuttingDown(Unavailable):
    """The server is about to end; another one, or the same one later, may answer."""

    code = "shutting_down"


class ClientGone(DebuggerError):
    """Whoever asked has hung up: nobody waits for the answer, so its work ends."""

    code = "client_gone"


class IndexNotReady(Unavailable):
    """The index is being built, was cancelled or failed; the rest of the app works on."""

    code = "index_not_ready"


# --- loading and configuration -----------------------------------------------------------------


class LoadError(DebuggerError):
    """A model cannot be loaded."""

    code = "load_error"


class ModelNotFound(LoadError):
    """No such folder, or no such repository in the local cache or on the hub."""

    code = "model_not_found"


class UnsupportedModel(LoadError):
    """No adapter honours this architecture, or one of its config's switches."""

    code = "unsupported_model"


class InvalidCheckpoint(LoadError):
    """Weights are missing, of the wrong shape, or not in safetensors format."""

    code = "invalid_checkpoint"


class IndexStorage(DebuggerError):
    """The index cannot be written: disk full, folder not writable."""

    code = "index_storage"


class CheckpointStorage(DebuggerError):
    """A checkpoint cannot be written: disk full, folder not writable."""

    code = "checkpoint_storage"


class NotEnoughMemory(InvalidInput):
    """A method needs more memory than is sensible; the sentence says how much."""

    code = "not_enough_memory"


class UnknownCluster(InvalidInput):
    code = "unknown_cluster"


class NoClusters(UnknownCluster):
    """None are built, nor will be."""

    code = "no_clusters"


class NotWhenHosted(DebuggerError):
    """What only whoever runs the server may do."""

    code = "not_when_hosted"


class SettingsError(DebuggerError):
    """A setting is unknown or has a value outside what it allows."""

    code = "invalid_settings"
