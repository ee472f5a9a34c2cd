"""What the page says of a gated FFN, against plain transformers: on by score (rule 19), signs (rule
22), what cannot be baked; and of any model, its self-check (rule 25)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import torch
from playwright.sync_api import expect
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModelForCausalLM

from tests.families import save_family
from tests.web.conftest import OpenPage, Server, shoot
from tests.web.random_server import number
from tests.web.share_page import SharePage
from tests.web.trace_page import TracePage

PROMPT = "The king of the world is"
LAYER = 1


@dataclass(frozen=True)
class Llama:
    """A served model of the family, and what transformers makes of the prompt in one layer."""

    server: Server
    m: Tensor  # [F], coefficients at the last position
    values: Tensor  # [F, D], the layer's value vectors
    unembedding: Tensor  # [V, D]
    tokenizer: Tokenizer

    @property
    def scores(self) -> Tensor:
        """[F]."""
        return self.m.abs() * self.values.norm(dim=1)

    def logits(self, dim: int) -> Tensor:
        """E · v, [V]."""
        return self.unembedding @ self.values[dim]

    def decode(self, token: int) -> str:
        text: str = self.tokenizer.decode([token], skip_special_tokens=False)
        return text


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    folder = save_family("llama", tmp_path_factory.mktemp("families") / "llama")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    write = model.model.layers[LAYER].mlp.down_proj
    found: list[Tensor] = []
    write.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0][0, -1]))
    with torch.inference_mode():
        model(torch.tensor([tokenizer.encode(PROMPT).ids]))
    server = Server(str(folder), "--auto-index", "false")
    try:
        yield Llama(
            server, found[0], write.weight.detach().T, model.lm_head.weight.detach(), tokenizer
        )
    finally:
        server.stop()


def opened(open_page: OpenPage, llama: Llama, edits: str) -> SharePage:
    query = urlencode({"v": "1", "p": PROMPT, "i": edits})
    view = SharePage(open_page(f"/#/trace?{query}", at=llama.server))
    view.wait()
    return view


def test_on_by_score(open_page: OpenPage, llama: Llama) -> None:
    dim = int(llama.m.argmin())
    assert llama.m[dim] < 0
    card = opened(open_page, llama, f"L{LAYER}D{dim}*off").card(f"L{LAYER}D{dim}")
    expect(card.locator("option")).to_have_text(["on, by score / off", "scale", "set", "add"])
    effect = card.get_by_title(re.compile("^coefficient "))
    expect(effect).to_have_text(re.compile("^−.* → 0.00$"))
    score = card.get_by_title(re.compile("^score "))
    expect(score).to_have_count(0)
    card.get_by_role("switch").click()
    expect(score).to_contain_text("in the edited run")
    largest = float(llama.scores.max()) + 0.01
    assert number(score) == pytest.approx(largest, rel=1e-4)
    # its sign stays
    expect(effect).to_have_text(re.compile("^−.* → −"))
    assert number(effect) == pytest.approx(-largest / float(llama.values[dim].norm()), rel=1e-4)
    shoot(card.page, "on-by-score")


def test_a_negative_sub_update_is_read_with_its_sign(open_page: OpenPage, llama: Llama) -> None:
    view = opened(open_page, llama, "")
    listed = llama.scores.argsort(descending=True)[:10].tolist()
    for negative in (True, False):
        dim = next(dim for dim in listed if (llama.m[dim] < 0) == negative)
        pushes = llama.logits(dim) * (-1.0 if negative else 1.0)
        best = llama.decode(int(pushes.argmax())).strip()
        rows = view.list(f"Dominant sub-updates of layer {LAYER}")
        rows.locator(f"[data-value=L{LAYER}D{dim}]").hover()
        shown = view.page.get_by_test_id("hover-card").filter(has_text=f"L{LAYER}D{dim}")
        words = "× negative coefficient, raw" if negative else f"L{LAYER}D{dim}raw"
        expect(shown).to_contain_text(words)
        expect(shown.locator("p").last).to_contain_text(best)


def test_what_an_ffn_without_a_bias_cannot_hold(open_page: OpenPage, llama: Llama) -> None:
    view = opened(open_page, llama, f"L{LAYER}D3*off")
    view.share("Copy as Python")
    command = view.page.get_by_role("region", name="Command line")
    expect(command).to_contain_text("A checkpoint with the interventions in its weights")
    view.page.keyboard.press("Escape")
    for kind in ("set", "add", "on"):
        view = opened(open_page, llama, f"L{LAYER}D3*{kind}*2" if kind != "on" else "L1D3*on")
        view.share("Copy as Python")
        command = view.page.get_by_role("region", name="Command line")
        expect(command).to_contain_text("cannot be baked into this model")


def test_the_self_check_by_keyboard(open_page: OpenPage, llama: Llama) -> None:
    page = open_page("/", at=llama.server)
    TracePage(page).wait()
    (model,) = llama.server.get("/api/v1/models")["models"]
    check = model["self_check"]
    assert 0 < check["error"] < 1e-4
    page.get_by_test_id("model-picker").press("Enter")
    words = f"equal to transformers to {check['error']:.1e} on this machine".replace("e-0", "e-")
    expect(page.get_by_role("menuitemradio")).to_contain_text(words)
    shoot(page, "self-check-menu")
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem", name="What was checked…")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Self-check")
    rows = dialog.locator("tbody tr")
    expect(rows).to_have_count(len(check["equalities"]))
    for row, equality in zip(rows.all(), check["equalities"], strict=True):
        expect(row.get_by_role("rowheader")).to_have_text(equality["meaning"])
        assert number(row.locator("td")) == equality["error"]
    shoot(page, "self-check")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("model-picker")).to_be_focused()
