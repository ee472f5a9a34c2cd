"""Interventions as weights: an ordinary checkpoint that does by itself what hooks did.

Every intervention is an affine map of one coefficient, m_i := factor * m_i + shift (see
`interventions`), and FFN(x) = sum_i m_i v_i + b. At all positions alike, that is the same as

    v_i := factor * v_i        b := b + sum_i shift_i * v_i      (v_i on the right: as it was)

so it needs the value matrix and its bias only, which every adapter knows.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.bake_card import card
from lm_debugger.engine.boosts import Boosts
from lm_debugger.engine.edits import Edits, SiteEdit
from lm_debugger.engine.interventions import merge
from lm_debugger.engine.loading import Checkpoint, read
from lm_debugger.engine.types import Baked, BakedEdit, Intervention, ValueId
from lm_debugger.errors import (
    CannotBake,
    CheckpointStorage,
    InvalidCheckpoint,
    NonFiniteResult,
    about_intervention,
)


def bakeable(interventions: Sequence[Intervention]) -> tuple[Intervention, ...]:
    """Those in force, the last one of every vector (rule 11), by layer and dimension.

    Raises:
        CannotBake: there are none, or one holds at some positions only.
    """
    in_force: dict[ValueId, list[tuple[int, Intervention]]] = {}
    for place, item in enumerate(interventions):
        earlier = [] if _everywhere(item) else in_force.get(item.id, [])
        in_force[item.id] = [*earlier, (place, item)]
    for place, item in (entry for entries in in_force.values() for entry in entries):
        if not _everywhere(item):
            where = "at some positions only" if item.positions != "all" else "in the prompt only"
            with about_intervention(place, item.id):
                raise CannotBake(
                    f"{item.id} ({item.kind}) is edited {where}; weights are the same at every "
                    "position. Edit it everywhere, or leave it out.",
                    layer=item.layer,
                    dim=item.dim,
                )
    if not in_force:
        raise CannotBake("There are no interventions, so there is nothing to bake.")
    return tuple(in_force[id][0][1] for id in sorted(in_force))


def bake(
    checkpoint: Checkpoint,
    interventions: Sequence[Intervention],
    boosts: Boosts | None,
    out: Path,
    prompt: str | None,
    dtype: str | None,
    *,
    force: bool,
) -> Baked:
    """Read the checkpoint again, edit its weights, write it; see `Debugger.bake`.

    Args:
        interventions: see `bakeable`.
        boosts: rule 9; None without boosts.
    """
    _check_folder(out, checkpoint, force=force)
    edits = merge(checkpoint.adapter, interventions, 1, boosts)
    source = read(checkpoint.id, dtype, checkpoint.revision)
    _check_same(checkpoint, source.adapter, edits)
    rounding = [_write(source.adapter, layer, edit) for (layer, _), edit in edits.items()]
    maps = _maps(edits)
    done = Baked(
        folder=str(out),
        dtype=str(source.adapter.value_matrix(0).dtype).removeprefix("torch."),
        edits=tuple(BakedEdit(item, *maps.get(item.id, (1.0, 0.0))) for item in interventions),
        prompt=prompt,
        rounding=max(rounding, default=0.0),
    )
    with _whole_or_not_at_all(out) as folder:
        source.model.save_pretrained(folder)
        source.tokenizer.save_pretrained(folder)
        readme = folder / "README.md"
        readme.write_text(card(checkpoint.id, done), encoding="utf-8")
        for file in folder.iterdir():  # safetensors makes its files readable for nobody else
            file.chmod(readme.stat().st_mode)
    return done


def _everywhere(item: Intervention) -> bool:
    return item.positions == "all" and item.edits_generated


def _maps(edits: Edits) -> dict[ValueId, tuple[float, float]]:
    """Factor and shift by value vector."""
    return {
        ValueId(layer, dim): (factor, shift)
        for (layer, _), edit in edits.items()
        for dim, factor, shift in zip(
            edit.index.tolist(), edit.factor[0].tolist(), edit.shift[0].tolist(), strict=True
        )
    }


def _check_same(loaded: Checkpoint, adapter: Adapter, edits: Edits) -> None:
    """Are the weights on disk still those that were loaded, as far as both dtypes can tell?"""
    for layer, _ in edits:
        pair = (adapter.value_matrix(layer), loaded.adapter.value_matrix(layer).cpu())
        coarser = max(torch.finfo(matrix.dtype).eps for matrix in pair)
        on_disk, mine = (matrix.float() for matrix in pair)
        if not torch.allclose(on_disk, mine, rtol=coarser, atol=1e-7):
            raise InvalidCheckpoint(
                f"The weights of {loaded.id} have changed since they were loaded.", model=loaded.id
            )


def _write(adapter: Adapter, layer: int, edit: SiteEdit) -> float:
    """Edit one layer's weights; returns the largest distance from what they should be."""
    matrix, bias = adapter.value_matrix(layer), adapter.value_bias(layer)
    dims = edit.index.cpu()
    factor, shift = edit.factor[0].double().cpu(), edit.shift[0].double().cpu()  # [n]
    rows = matrix[dims].double()  # [n, D]
    wanted: list[tuple[Tensor, Tensor | slice, Tensor]] = [
        (matrix, dims, factor.unsqueeze(1) * rows)
    ]
    if bool((shift != 0).any()):
        if bias is None:
            raise CannotBake(
                f"This architecture has no bias in layer {layer} that could hold what an "
                "intervention adds; only suppress and scale can be baked.",
                layer=layer,
            )
        wanted.append((bias, slice(None), bias.double() + shift @ rows))
    return max(_put(tensor, where, values, layer) for tensor, where, values in wanted)


def _put(tensor: Tensor, where: Tensor | slice, values: Tensor, layer: int) -> float:
    tensor[where] = values.to(tensor)
    if not bool(tensor[where].isfinite().all()):
        raise NonFiniteResult(
            f"The weights of layer {layer} become too large for {tensor.dtype}; use smaller values "
            "or another dtype.",
            layer=layer,
        )
    return float((tensor[where].double() - values).abs().max())


# --- the folder ----------------------------------------------------------------------------------


def _check_folder(out: Path, checkpoint: Checkpoint, *, force: bool) -> None:
    """May the folder be written?

    Raises:
        CannotBake: no; it says why not.
    """
    if not os.path.lexists(out):
        return
    if not out.is_dir():
        raise CannotBake(f"{out} is there already, and is no folder.", folder=str(out))
    source = Path(checkpoint.id).expanduser()
    if source.is_dir() and source.samefile(out):
        raise CannotBake(f"{out} is the model itself; name another folder.", folder=str(out))
    if not any(out.iterdir()):
        return
    if not force:
        raise CannotBake(
            f"The folder {out} is not empty. With force, a checkpoint there is replaced.",
            folder=str(out),
        )
    if not (out / "config.json").is_file():
        raise CannotBake(
            f"The folder {out} holds something other than a checkpoint (it has no config.json); "
            "that is never replaced.",
            folder=str(out),
        )


@contextmanager
def _whole_or_not_at_all(out: Path) -> Iterator[Path]:
    """A new folder beside `out` that becomes `out` at the end, or is gone.

    Raises:
        CheckpointStorage: the disk is full or the folder cannot be written.
    """
    out = out.absolute()
    unique = f".{out.name}.{secrets.token_hex(4)}"
    folder, old = out.with_name(f"{unique}.new"), out.with_name(f"{unique}.old")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        yield folder
        if out.exists():
            out.rename(old)
        folder.rename(out)
    except (OSError, SafetensorError) as error:
        raise CheckpointStorage(f"{out} cannot be written: {error}", folder=str(out)) from error
    finally:
        if old.exists() and not out.exists():
            old.rename(out)
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
