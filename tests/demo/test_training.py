"""A run: stopped and resumed it is bitwise the run that was never stopped."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from lm_debugger.demo import checkpoint, data, train
from lm_debugger.demo.model import Shape
from lm_debugger.demo.trainer import Plan, Trainer

CONTEXT = 16


def trainer(corpus: data.Corpus, total: int = 1280, **changes: object) -> Trainer:
    shape = Shape(corpus.tokenizer.get_vocab_size(), CONTEXT, n_embd=16, n_layer=2, n_head=2)
    plan = {"total": total, "warmup": 3, "batch": 4, "micro_batch": 2, "min_uses": 1, **changes}
    return Trainer(shape, Plan(**plan), corpus, "cpu")  # type: ignore[arg-type]


def everything(run: Trainer) -> dict[str, Tensor]:
    tensors = checkpoint.tensors_of(run.model, run.optimisers)
    return {name: value.detach().clone() for name, value in tensors.items()}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_resumed_run_is_bitwise_the_straight_run(corpus: data.Corpus, tmp_path: Path) -> None:
    straight = trainer(corpus)
    losses = [straight.train_step().item() for _ in range(20)]
    assert straight.tokens == 1280
    parts = []
    for steps in (7, 8, 5):  # the last two stops lie in the fall of the learning rate
        part = trainer(corpus)
        last = checkpoint.latest(tmp_path, part.plan.total, part.plan.decay)
        if last:
            part.restore(last)
        parts += [part.train_step().item() for _ in range(steps)]
        part.save(tmp_path)
    assert parts == losses
    assert_same(everything(part), everything(straight))
    assert (part.step, part.tokens, part.window) == (20, 1280, 80)


def test_training_lowers_the_loss(corpus: data.Corpus) -> None:
    run = trainer(corpus, total=5000, adam_lr=0.02)
    losses = [run.train_step().item() for _ in range(60)]
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_steps_are_as_large_as_the_schedule_says(corpus: data.Corpus) -> None:
    run = trainer(corpus)  # warms up over 192 tokens, falls after 896 of 1280
    embedding = run.model.transformer["wpe"].weight
    for step in range(20):
        before = embedding.detach().clone()
        run.train_step()
        factor = min(1, (step * 64 + 1) / 192, (1280 - step * 64) / 384)
        assert [g["lr"] for o in run.optimisers for g in o.param_groups] == pytest.approx(
            [0.02 * factor, 0.006 * factor, 0.006 * factor]
        )
        # Adam moves no weight by much more than the learning rate, and some by about as much.
        largest = (embedding.detach() - before).abs().max().item()
        assert 0.3 < largest / (0.006 * factor) < 2


def test_micro_batches_only_split_the_work(corpus: data.Corpus) -> None:
    whole = trainer(corpus, micro_batch=4, chunk=1000)
    split = trainer(corpus, micro_batch=1, chunk=5)
    for _ in range(3):
        assert whole.train_step().item() == pytest.approx(split.train_step().item(), rel=1e-5)


def test_rows_of_unused_tokens_stay_zero(corpus: data.Corpus) -> None:
    run = trainer(corpus, min_uses=3)
    uses = corpus.uses()
    for _ in range(3):
        run.train_step()
    zero = (run.model.unembedding == 0).all(dim=1).tolist()
    assert zero == (uses < 3).tolist()
    assert 0 < sum(zero) < len(zero)


def test_a_larger_budget_goes_on_from_before_the_fall(corpus: data.Corpus, tmp_path: Path) -> None:
    run = trainer(corpus)
    assert train.run(run, tmp_path, save_every=1e9, max_minutes=1e9)
    folder = tmp_path / "checkpoints"
    names = [int(path.name) for path in checkpoint.found(folder)]
    assert names == [960, 1280]  # 960: the first step after 70 % of 1280 has a smaller rate
    assert not checkpoint.read_state(folder / f"{960:012d}")["decayed"]
    same = checkpoint.latest(folder, 1280, 0.3)
    assert same is not None
    assert int(same.name) == 1280
    more = checkpoint.latest(folder, 2560, 0.3)
    assert more is not None
    assert int(more.name) == 960
    rewarmed = checkpoint.latest(folder, 2560, 0.3, rewarm=True)
    assert rewarmed is not None
    assert int(rewarmed.name) == 1280

    extended, straight = trainer(corpus, 2560), trainer(corpus, 2560)
    extended.restore(more)
    for _ in range(15):
        straight.train_step()
    for one in (extended, straight):
        one.train_step()
    assert_same(everything(extended), everything(straight))


def test_old_checkpoints_go_but_the_stable_one_stays(corpus: data.Corpus, tmp_path: Path) -> None:
    run = trainer(corpus)
    for step in range(20):
        run.train_step()
        if step >= 12:
            run.save(tmp_path)
    tokens = [int(path.name) // (4 * CONTEXT) for path in checkpoint.found(tmp_path)]
    # 70 % of 1280 is 896, 14 steps: the rate of the 15th, which begins there, is still full.
    assert tokens == [15, 19, 20]
    assert sorted(tmp_path.iterdir()) == checkpoint.found(tmp_path)  # nothing else is left there


def test_an_unfinished_checkpoint_is_not_seen(corpus: data.Corpus, tmp_path: Path) -> None:
    (tmp_path / "unfinished-1").mkdir()
    (tmp_path / "000000000064").mkdir()
    assert checkpoint.latest(tmp_path, 1280, 0.3) is None


def command(corpus: Path, out: Path, total: int) -> list[str]:
    return (
        f"--corpus {corpus} --out {out} --tokens {total} --device cpu --layers 2 --width 16 "
        "--heads 2 --batch 2 --context 16"
    ).split()


@pytest.fixture
def signal_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.usefixtures("signal_handlers")
def test_the_command_stops_on_a_signal_and_goes_on(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    step = Trainer.train_step

    def signalled(run: Trainer) -> Tensor:
        if run.step == 4:
            signal.raise_signal(number)
        return step(run)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "train_step", signalled)
        train.main(command(prepared, tmp_path, 10**8))
    assert "stopped after step 5" in (tmp_path / "train.log").read_text()
    assert not (tmp_path / "model").exists()
    names = [path.name for path in checkpoint.found(tmp_path / "checkpoints")]
    assert names == [f"{5 * 32:012d}"]  # the step under way was finished

    train.main(command(prepared, tmp_path, 10 * 32))
    log = (tmp_path / "train.log").read_text()
    assert f"resumed from {names[0]}" in log
    line = r"step 10  tokens .*  loss \d.*  [\d,]+ tokens/s  ETA 0:00:00  lr x 0\.000"
    assert re.search(line, log)
    assert re.search(r"\d\.\d{4} bits per byte on valid.txt", log)
    weights = load_file(tmp_path / "model" / "model.safetensors")
    assert {w.dtype for w in weights.values()} == {torch.float16}


def test_a_run_ends_when_its_time_is_up(corpus: data.Corpus, tmp_path: Path) -> None:
    run = trainer(corpus, total=10**9)
    assert not train.run(run, tmp_path, save_every=1e9, max_minutes=0)
    assert run.step == 1
    assert [int(path.name) for path in checkpoint.found(tmp_path / "checkpoints")] == [64]


def test_a_run_starts_from_exported_weights(
    corpus: data.Corpus, prepared: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    train.main(command(prepared, first, 64))
    train.main([*command(prepared, second, 64), "--init", str(first / "model"), "--muon-lr", "0",
                "--adam-lr", "0"])  # fmt: skip
    for one, two in zip(
        sorted((first / "model").glob("*.safetensors")),
        sorted((second / "model").glob("*.safetensors")),
        strict=True,
    ):
        assert_same(load_file(one), load_file(two))


@pytest.mark.parametrize(
    ("text", "n"), [("300M", 300_000_000), ("1.5k", 1500), ("2B", 2 * 10**9), ("77", 77)]
)
def test_budgets_are_read(text: str, n: int) -> None:
    assert train.tokens(text) == n
