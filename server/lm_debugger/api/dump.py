"""Engine values -> wire models. Nothing is computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lm_debugger.api import schemas as wire

if TYPE_CHECKING:
    from lm_debugger.api.progress import Progress
    from lm_debugger.api.registry import Entry
    from lm_debugger.engine import types as engine


def token(value: engine.Token) -> wire.TokenOut:
    return wire.TokenOut(id=value.id, text=value.text, hex=value.hex)


def token_prob(value: engine.TokenProb) -> wire.TokenProbOut:
    at = value.token
    return wire.TokenProbOut(id=at.id, text=at.text, hex=at.hex, prob=value.prob)


def token_logit(value: engine.TokenLogit) -> wire.TokenLogitOut:
    at = value.token
    return wire.TokenLogitOut(
        id=at.id, text=at.text, hex=at.hex, piece=value.piece, logit=value.logit
    )


def reading(value: engine.StateReading) -> wire.StateOut:
    return wire.StateOut(top=[token_prob(item) for item in value.top], entropy=value.entropy)


def layer(value: engine.LayerTrace) -> wire.LayerOut:
    return wire.LayerOut(
        layer=value.layer,
        before=reading(value.before),
        sub_updates=[
            wire.SubUpdateOut(
                layer=item.id.layer,
                dim=item.id.dim,
                coefficient=item.coefficient,
                score=item.score,
            )
            for item in value.sub_updates
        ],
        after=reading(value.after),
        share=value.share,
    )


def run(value: engine.Run) -> wire.RunOut:
    return wire.RunOut(
        positions=[
            wire.PositionOut(position=at.position, layers=[layer(item) for item in at.layers])
            for at in value.positions
        ]
    )


def state_comparison(value: engine.StateComparison) -> wire.StateComparisonOut:
    return wire.StateComparisonOut(
        kl=value.kl,
        tokens=[
            wire.TokenChangeOut(
                id=item.token.id,
                text=item.token.text,
                hex=item.token.hex,
                unedited=item.unedited,
                edited=item.edited,
            )
            for item in value.tokens
        ],
    )


def comparison(value: engine.PositionComparison) -> wire.PositionComparisonOut:
    return wire.PositionComparisonOut(
        position=value.position,
        layers=[
            wire.LayerComparisonOut(
                layer=item.layer,
                before=state_comparison(item.before),
                after=state_comparison(item.after),
            )
            for item in value.layers
        ],
    )


def positions(value: engine.Positions) -> Literal["all", "last"] | list[int]:
    return value if isinstance(value, str) else list(value)


def applied(value: engine.AppliedIntervention) -> wire.AppliedInterventionOut:
    asked = value.intervention
    return wire.AppliedInterventionOut(
        layer=asked.layer,
        dim=asked.dim,
        kind=asked.kind,
        value=asked.value,
        positions=positions(asked.positions),
        generated=asked.edits_generated,
        unedited_coefficient=value.unedited_coefficient,
        edited_coefficient=value.edited_coefficient,
        pre_activation=value.pre_activation,
    )


def trace(value: engine.Trace) -> wire.TraceReply:
    return wire.TraceReply(
        model=value.model,
        prompt=value.prompt,
        tokens=[token(item) for item in value.tokens],
        positions=list(value.positions),
        unedited=run(value.unedited),
        edited=None if value.edited is None else run(value.edited),
        comparison=None if value.comparison is None else [*map(comparison, value.comparison)],
        interventions=[applied(item) for item in value.interventions],
    )


def step(value: engine.GenerationStep) -> wire.StepOut:
    return wire.StepOut(
        index=value.index,
        token=token(value.token),
        prob=value.prob,
        alternatives=[token_prob(item) for item in value.alternatives],
    )


def generation(value: engine.Generation) -> wire.GenerateReply:
    return wire.GenerateReply(
        model=value.model,
        prompt=value.prompt,
        text=value.text,
        steps=[step(item) for item in value.steps],
        finish_reason=value.finish_reason,
    )


def projection(model: str, value: engine.Projection) -> wire.ValueReply:
    return wire.ValueReply(
        model=model,
        layer=value.id.layer,
        dim=value.id.dim,
        norm=value.norm,
        promoted=[token_logit(item) for item in value.promoted],
        suppressed=[token_logit(item) for item in value.suppressed],
    )


def progress(value: Progress) -> wire.ProgressOut:
    return wire.ProgressOut(stage=value.stage, done=value.done, total=value.total)


def model(entry: Entry) -> wire.ModelOut:
    info = entry.debugger.info if entry.debugger else None
    return wire.ModelOut(
        id=entry.id,
        state=entry.state,
        progress=progress(entry.progress) if entry.progress else None,
        error=entry.told.message if entry.told else None,
        architecture=info.architecture if info else None,
        n_layers=info.n_layers if info else None,
        ffn_width=info.ffn_width if info else None,
        d_model=info.d_model if info else None,
        n_heads=info.n_heads if info else None,
        vocab_size=info.vocab_size if info else None,
        n_positions=info.n_positions if info else None,
        n_parameters=info.n_parameters if info else None,
        tied_unembedding=info.tied_unembedding if info else None,
        activation=info.activation if info else None,
        activation_at_zero=info.activation_at_zero if info else None,
        dtype=info.dtype if info else None,
        device=info.device if info else None,
    )
