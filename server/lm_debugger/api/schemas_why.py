"""The wire of "why": the lens over all positions, tokens followed through the states, what adds to
a logit, and all sub-updates of one layer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lm_debugger.api.schemas import Reply, TokenLogitOut, TokenOut
from lm_debugger.json_input import ListOf, Request, Text
from lm_debugger.runs.schema import InterventionIn


class AboutPrompt(Request):
    model: str | None = Field(None, description="default: the first model served")
    prompt: Text = Field(description="taken as it is, nothing is stripped")
    interventions: ListOf[InterventionIn] = Field([], description="edits of coefficients")


class WhyRequest(AboutPrompt):
    position: int = Field(-1, description="of the prompt; negative ones count from the end")


class FollowRequest(WhyRequest):
    tokens: ListOf[int] = Field(description="ids of the tokens to follow")


class AttributeRequest(WhyRequest):
    token: int = Field(description="id of the token: why this one?")
    against: int | None = Field(None, description="id of another: why not that one?")
    top_k: int = Field(10, description="sub-updates listed")


class FollowedOut(Reply):
    """[2 L] numbers each, in the order before 0, after 0, before 1, ..."""

    token: TokenOut
    probs: list[float]
    logits: list[float]
    ranks: list[int] = Field(description="1: the likeliest")


class FollowReply(Reply):
    model: str
    position: int
    unedited: list[FollowedOut]
    edited: list[FollowedOut] | None = Field(description="null without interventions")


class ContributionOut(Reply):
    layer: int
    dim: int
    coefficient: float
    amount: float = Field(description="what this sub-update adds")


class AttributeReply(Reply):
    """total = base + start + sum(attention) + sum(ffn), final-norm statistics frozen (rule 16)."""

    model: str
    position: int
    token: TokenOut
    against: TokenOut | None
    total: float = Field(description="the logit, or the difference of the two")
    base: float = Field(description="from the final norm's bias")
    start: float = Field(description="from the embeddings and the first block's attention")
    attention: list[float] = Field(description="from each block's attention, 0 for the first")
    ffn: list[float] = Field(description="from each block's FFN")
    sub_updates: list[ContributionOut] = Field(description="largest absolute amount first")


class TokensQuery(BaseModel):
    """Query of `GET /tokens`."""

    model_config = ConfigDict(extra="forbid")

    q: str
    model: str | None = None
    n: int = 10


class TokensReply(Reply):
    model: str
    tokens: list[TokenOut] = Field(description="the likeliest meant first")


class GridRequest(AboutPrompt):
    positions: Literal["all", "last"] | ListOf[int] = Field("all", description="of the prompt")


class GridRunOut(Reply):
    """[2 L] rows in the order before 0, after 0, before 1, ..., each with P cells."""

    tokens: list[list[int]] = Field(description="id of the likeliest token")
    probs: list[list[float]] = Field(description="its probability")
    entropies: list[list[float]] = Field(description="of the whole distribution, in nats")


class GridReply(Reply):
    model: str
    tokens: list[TokenOut] = Field(description="of the prompt")
    positions: list[int] = Field(description="P of them, the columns")
    vocabulary: list[TokenOut] = Field(description="every token that a cell names, by id")
    unedited: GridRunOut
    edited: GridRunOut | None = Field(description="null without interventions")
    kl: list[list[float]] | None = Field(
        description="KL(edited || unedited) of every cell, in nats; null as `edited` is"
    )


class SubUpdatesRequest(WhyRequest):
    layer: int = Field(description="0-based layer")
    top_k: int = Field(50, description="sub-updates listed")
    sort: Literal["score", "effect"] = Field(
        "score", description="largest score, or largest absolute effect on `token`, first"
    )
    token: int | None = Field(None, description="id: the effect on this token's logit")
    against: int | None = Field(None, description="id: the effect on its lead over this one")
    n_tokens: int = Field(3, description="tokens listed that a sub-update pushes up, and down")


class SubUpdateDetailOut(Reply):
    layer: int
    dim: int
    coefficient: float
    unedited_coefficient: float = Field(description="the same without interventions")
    score: float
    share: float = Field(description="its score over the sum of all scores of the layer")
    effect: float | None = Field(description="contribution to the logit or lead (rule 16)")
    up: list[TokenLogitOut] = Field(description="largest entries of E (m v), largest first")
    down: list[TokenLogitOut] = Field(description="smallest entries of E (m v), smallest first")


class SubUpdatesReply(Reply):
    """Of the edited run, if there are interventions."""

    model: str
    position: int
    layer: int
    n_sub_updates: int = Field(description="how many the layer has (its FFN width)")
    token: TokenOut | None
    against: TokenOut | None
    sub_updates: list[SubUpdateDetailOut]
