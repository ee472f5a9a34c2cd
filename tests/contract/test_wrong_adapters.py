"""The self-check sees an adapter that is wrong: each of these would give plausible numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from torch import Tensor

from lm_debugger.engine.adapters import adapters
from lm_debugger.engine.adapters.base import Adapter
from lm_debugger.engine.adapters.entry import Calls
from lm_debugger.engine.adapters.gemma import GemmaAdapter
from lm_debugger.engine.adapters.gpt_neox import GPTNeoXAdapter
from lm_debugger.engine.adapters.llama import LlamaAdapter
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.norms import Norm
from lm_debugger.errors import UnsupportedModel
from tests.contract.conftest import Model

gemma, llama = GemmaAdapter.parts, LlamaAdapter.parts


class ForgottenPostNorm(GemmaAdapter):
    model_types = ()
    parts = replace(gemma, ffn_post_norm="")


class ForgottenPostNormOfAttention(GemmaAdapter):
    model_types = ()
    parts = replace(gemma, attention_post_norm="")


class PostNormTakenForTheNormBefore(GemmaAdapter):
    """As `post_attention_layernorm` is in Llama."""

    model_types = ()
    parts = replace(gemma, ffn_norm="post_attention_layernorm")


class WrongProjection(LlamaAdapter):
    model_types = ()
    parts = replace(llama, out="self_attn.q_proj")


class GateTakenForPlain(LlamaAdapter):
    model_types = ()
    parts = replace(llama, gate="")


class OwnWayOfEmbedding(LlamaAdapter):
    """As it would be with a forgotten scale."""

    model_types = ()

    def enter(self, ids: Tensor) -> tuple[Tensor, Calls]:
        x, calls = super().enter(ids)
        return 1.1 * x, calls


class ParallelTakenForSequential(GPTNeoXAdapter):
    model_types = ()

    @classmethod
    def parallel(cls, config: object) -> bool:
        return False


class GainWithoutItsOne(GemmaAdapter):
    model_types = ()

    def ffn_post_norm(self, layer: int) -> Norm | None:
        norm = super().ffn_post_norm(layer)
        return norm and replace(norm, gain=norm.gain - 1)


class NoSoftcap(GemmaAdapter):
    model_types = ()

    def cap(self, logits: Tensor) -> Tensor:
        return logits


@pytest.fixture
def using(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, type[Adapter]], None]:
    def use(model_type: str, wrong: type[Adapter]) -> None:
        monkeypatch.setitem(adapters(), model_type, wrong)

    return use


WRONG: list[tuple[str, str, type[Adapter], str]] = [
    ("gemma3", "gemma3_text", ForgottenPostNorm, "blocks"),
    ("gemma2", "gemma2", ForgottenPostNormOfAttention, "blocks"),
    ("gemma3", "gemma3_text", PostNormTakenForTheNormBefore, "blocks"),
    ("gemma3", "gemma3_text", GainWithoutItsOne, "values"),
    ("gemma2", "gemma2", NoSoftcap, "prediction"),
    ("llama", "llama", OwnWayOfEmbedding, "walk"),
    ("llama", "llama", WrongProjection, "blocks"),
    ("llama", "llama", GateTakenForPlain, "coefficients"),
    ("gpt_neox", "gpt_neox", ParallelTakenForSequential, "blocks"),
]


@pytest.mark.parametrize(
    ("name", "model_type", "wrong", "identity"),
    WRONG,
    ids=[case[2].__name__ for case in WRONG],
)
def test_a_wrong_adapter_is_refused(
    open_family: Callable[[str], Model],
    using: Callable[[str, type[Adapter]], None],
    name: str,
    model_type: str,
    wrong: type[Adapter],
    identity: str,
) -> None:
    folder: Path = open_family(name).folder
    using(model_type, wrong)
    with pytest.raises(UnsupportedModel, match="does not understand") as refused:
        Debugger.load(folder, device="cpu")
    assert refused.value.details["identity"] == identity
