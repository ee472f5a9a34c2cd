"""The wire of "why": tokens followed through the states, and what adds to a logit."""

from __future__ import annotations

from pydantic import Field

from lm_debugger.api.schemas import InterventionIn, Reply, Request, Text, TokenOut


class WhyRequest(Request):
    model: str | None = Field(None, description="default: the first model served")
    prompt: Text = Field(description="taken as it is, nothing is stripped")
    interventions: list[InterventionIn] = Field([], description="edits of coefficients")
    position: int = Field(-1, description="of the prompt; negative ones count from the end")


class FollowRequest(WhyRequest):
    tokens: list[int] = Field(description="ids of the tokens to follow")


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
