"""Token ids as people should see them: decoded text, raw piece, bytes that text cannot show."""

from __future__ import annotations

import heapq
import re
from functools import cached_property
from typing import Any

from transformers.convert_slow_tokenizer import bytes_to_unicode

from lm_debugger.engine.decoding import Decoding
from lm_debugger.engine.spelling import Spelling, refuse, spelling, unknown_ids
from lm_debugger.engine.tokens import Token, TokenLogit, TokenProb
from lm_debugger.errors import InvalidInput, NoTokens, UnknownWord

_BYTE_OF: dict[str, int] = {
    char: byte
    for byte, char in bytes_to_unicode().items()  # type: ignore[no-untyped-call]
}


class Vocabulary:
    """A tokenizer, read one token at a time, with what was read remembered.

    Args:
        n_rows: V, of the model's embedding; the tokenizer may have fewer tokens, or more.
    """

    def __init__(self, tokenizer: Any, n_rows: int) -> None:
        self._tokenizer = tokenizer
        self._n_rows = n_rows
        self._decoding = Decoding(tokenizer, n_rows)
        self._tokens: dict[int, Token] = {}

    @cached_property
    def bos(self) -> tuple[int, ...]:
        """The ids that the tokenizer begins every text with (rule 26): none, or mostly one."""
        try:
            plain: list[int] = self._tokenizer("a", add_special_tokens=False)["input_ids"]
            whole: list[int] = self._tokenizer("a", add_special_tokens=True)["input_ids"]
        except Exception:  # it cannot read an "a"
            return ()
        starts = [i for i in range(len(whole)) if plain and whole[i : i + len(plain)] == plain]
        found = tuple(whole[: starts[0]]) if starts else ()
        # BERT's frame of what is classified, which models that continue texts do without.
        frame = getattr(self._tokenizer, "cls_token_id", None)
        return () if frame in found and frame != self._tokenizer.bos_token_id else found

    def encode(self, prompt: str, bos: bool | None = None) -> list[int]:
        """Tokenise the prompt as it is, nothing stripped (rule 1), after what begins a text (rule
        26), unless the prompt has that itself.

        Args:
            bos: None: as the model's own tokenizer does. True: its BOS token, too, where that adds
                none. False: without.

        Raises:
            NoTokens: the tokenizer drops every character of it.
            UnknownWord: the vocabulary has no token for the unknown, and the prompt needs one.
            InvalidInput: the text is not valid Unicode (a lone surrogate), or the tokenizer has no
                BOS token.
        """
        ids = self._encode(prompt)
        return [*self._in_front(ids, bos), *ids]

    def in_front_of(self, prompt: str) -> tuple[int, ...]:
        """What `encode` puts in front of the tokens of a prompt that it can read."""
        return self._in_front(self._encode(prompt), None) if self.bos else ()

    def _in_front(self, ids: list[int], bos: bool | None) -> tuple[int, ...]:
        if bos is False:
            return ()
        front = self.bos or ((self._bos_token(),) if bos else ())
        return () if tuple(ids[: len(front)]) == front else front

    def _bos_token(self) -> int:
        id: int | None = self._tokenizer.bos_token_id
        if id is None:
            raise InvalidInput("This model's tokenizer has no token that begins a text.")
        return id

    def _encode(self, prompt: str) -> list[int]:
        _check_unicode(prompt, "prompt")
        try:
            ids: list[int] = self._tokenizer(prompt, add_special_tokens=False)["input_ids"]
        except Exception as error:  # the library's own class says no more than that
            missing = self.spell(prompt).missing
            raise UnknownWord(
                f"This model's tokenizer cannot read {', '.join(map(repr, missing))} ({error}).",
                words={word: [word] for word in missing},
            ) from error
        if not ids:
            raise NoTokens(
                f"This model's tokenizer makes no token of {prompt[:50]!r}: there is nothing to "
                "predict from."
            )
        return ids

    def spell(self, word: str) -> Spelling:
        """The tokens of a word that is looked for, and what of it they do not write.

        Raises:
            InvalidInput: the text is not valid Unicode (a lone surrogate).
        """
        _check_unicode(word, "text")
        return spelling(self._tokenizer, word, self._unknown, self._n_rows)

    def decode(self, ids: list[int]) -> str:
        """The text of several tokens, special ones skipped, spaces untouched (rule 14)."""
        return self._decoding.together(ids, skip_special=True)

    def continued(self, prompt: str, prompt_ids: list[int], new_ids: list[int]) -> str:
        """The prompt and what follows (rule 14), as `decode` has it, after the spaces that a prompt
        begins with: some decoders take them away."""
        read, text = self.decode(prompt_ids), self.decode([*prompt_ids, *new_ids])
        taken = prompt.removesuffix(read)
        return taken + text if taken.isspace() and taken + read == prompt else text

    def token(self, id: int) -> Token:
        """One entry of the vocabulary (rule 5: the decoding of that one id)."""
        token = self._tokens.get(id)
        if token is None:
            (text,) = self._decoding.each([id])
            token = self._tokens[id] = Token(id, *self._shown(id, text))
        return token

    def every(self) -> list[Token]:
        """All V entries; far quicker than one by one."""
        return [Token(id, *shown) for id, shown in enumerate(self._all)]

    def piece(self, id: int) -> str:
        """The raw vocabulary piece, "Ġman"; empty for ids that the tokenizer does not know."""
        return self._tokenizer.convert_ids_to_tokens(id) or ""

    def find(self, text: str, n: int) -> tuple[Token, ...]:
        """The n tokens that a typed text may mean, the likeliest meant first, ties by lower id.

        First the text after a space, as words mostly stand in a sentence, then the text itself,
        then both in other case, then what begins with it, shortest first.

        Raises:
            UnknownWord: no entry begins so, and the tokenizer can write it as unknown only.
            InvalidInput: the text is not valid Unicode (a lone surrogate).
        """
        word = text.strip()
        bare = word.lower()
        ranked: list[tuple[int, int, int]] = []
        words = enumerate(self._words)
        for id, plain in [(id, w) for id, w in words if w is not None and w.startswith(bare)]:
            own, _ = self._all[id]
            if own == " " + text:
                order = 0
            elif own == text:
                order = 1
            elif plain == bare:
                order = 2
            else:
                order = 3
            ranked.append((order, len(plain), id))
        if word and not ranked and (missing := self.spell(word).missing):
            refuse({word: missing})
        return tuple(self.token(id) for _, _, id in heapq.nsmallest(n, ranked))

    def probs(self, ids: list[int], probs: list[float]) -> tuple[TokenProb, ...]:
        """Pair ids with probabilities."""
        return tuple(TokenProb.of(self.token(i), p) for i, p in zip(ids, probs, strict=True))

    def logits(self, ids: list[int], logits: list[float]) -> tuple[TokenLogit, ...]:
        """Pair ids with logits."""
        return tuple(
            TokenLogit.of(self.token(i), self.piece(i), x) for i, x in zip(ids, logits, strict=True)
        )

    @cached_property
    def _unknown(self) -> frozenset[int]:
        return unknown_ids(self._tokenizer)

    @cached_property
    def _all(self) -> list[tuple[str, str | None]]:
        """What `Token` shows of every row, text and hex."""
        texts = self._decoding.each(range(self._n_rows))
        return [self._shown(id, text) for id, text in enumerate(texts)]

    @cached_property
    def _words(self) -> list[str | None]:
        """Of every row what `find` compares; None where bytes are no text."""
        return [None if hex else text.strip().lower() for text, hex in self._all]

    def _shown(self, id: int, text: str) -> tuple[str, str | None]:
        """Text, and hex bytes if they are not valid UTF-8 by themselves."""
        if "\ufffd" in text:
            return text, _hex(self.piece(id))
        # unembeddings are sometimes padded beyond the tokenizer: such rows have no text
        return (text, None) if text or self.piece(id) else (f"[{id}]", None)


def _hex(piece: str) -> str | None:
    """The bytes that a piece stands for, if they are not valid UTF-8 by themselves.

    Pieces name bytes in two ways: a character each in GPT-2's vocabularies (Radford et al., 2019),
    "<0xF0>" in those of SentencePiece (byte fallback). That this piece is one of them is known from
    its text: a replacement character, where a tokenizer that means the letters shows the letters.
    """
    if named := re.fullmatch(r"<0x([0-9A-Fa-f]{2})>", piece):
        raw = bytes.fromhex(named[1])
    elif all(char in _BYTE_OF for char in piece):
        raw = bytes(_BYTE_OF[char] for char in piece)
    else:
        return None
    try:
        raw.decode()
    except UnicodeDecodeError:
        return raw.hex(" ")
    return None


def _check_unicode(text: str, what: str) -> None:
    """JSON can carry a lone surrogate; no tokenizer can."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"The {what} is not valid Unicode: character {error.start} is a lone surrogate.",
            position=error.start,
        ) from None
