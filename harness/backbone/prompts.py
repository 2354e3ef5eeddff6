"""Where tokens and context vectors stand in a prompt.

A layout is one row of whole numbers a class: a number from 0 up is a token whose frozen embedding stands
there, ``-k`` is context vector number k (from 1).
"""

from collections.abc import Callable, Sequence

from harness.backbone.clip import EOT_TOKEN, SOT_TOKEN
from harness.errors import Fault

Tokenize = Callable[[str], tuple[int, ...]]
Layout = tuple[int, ...]
PAD_TOKEN = 0  # what CLIP fills the rows behind an end of text with


def spoken(class_name: str) -> str:
    """A class name as it is put into a sentence: underscores are spaces."""
    return class_name.replace("_", " ")


def prompt_layout(class_name: str, n_ctx: int, position: str, tokenize: Tokenize) -> Layout:
    """The layout of one class: start of text, context and class name, a full stop, end of text.

    ``end`` puts the context before the name, ``front`` behind it, and ``middle`` half before (``n_ctx // 2``
    vectors) and half behind. With the name at the end, name and full stop are tokenised as one text, as in a
    written sentence; otherwise context vectors stand between them and each is tokenised alone. The code that
    was released with CoOp cuts some of these prompts elsewhere: see ``reference_layout``.

    CoOp (Zhou et al., IJCV 2022), section 3.2 and figure 2.
    """
    context = tuple(range(-1, -n_ctx - 1, -1))
    name = spoken(class_name)
    if position == "end":
        return (SOT_TOKEN, *context, *tokenize(f"{name}."), EOT_TOKEN)
    before = 0 if position == "front" else n_ctx // 2
    return (SOT_TOKEN, *context[:before], *tokenize(name), *context[before:], *tokenize("."), EOT_TOKEN)


def reference_layout(
    class_name: str, n_ctx: int, ctx_init: str | None, position: str, tokenize: Tokenize
) -> Layout:
    """The layout of one class as the code released with CoOp cuts it, for ``protocol: coop_ijcv2022``.

    The code tokenises one sentence, "X X X X name." (or "words name."), puts the context where its first tokens
    stand, and slices what follows. Unlike ``prompt_layout``:

    1. The name's part of the sentence is as long as the name's tokens *alone*, counted off the tokens of
       "name.". A name that ends in punctuation makes one token of its last mark and the full stop ("Jr." gives
       ".."), so in ``middle`` and ``front`` the full stop moves with the name. Where "name." has more tokens than
       the name and a full stop, as "C++." has, context vectors stand inside the name; where it has fewer, the end
       of text moves with the name too.
    2. With ``ctx_init`` there are as many vectors as it has *words*, whatever ``n_ctx`` is, and they start from
       its first tokens. If a word has several tokens, the last tokens stay behind the context, frozen, and the
       name's part is counted from the first of them.
    3. Words are what single spaces separate: two spaces in a row, or one at the start or end, hold an empty word,
       whose vector takes the place of a token of the name.
    4. The text feature is read where the end of text stands in the tokenised sentence, so the layout stops there
       even if the slicing has put another token or a context vector in that place.
    """
    name = spoken(class_name)
    n_vectors = n_ctx if ctx_init is None else len(_reference_words(ctx_init))
    words = ["X"] * n_ctx if ctx_init is None else _reference_words(ctx_init)
    sentence = text_layout(f"{' '.join(words)} {name}.", tokenize)
    n_name = len(tokenize(name))
    context = tuple(range(-1, -n_vectors - 1, -1))
    behind = (*sentence[1 + n_vectors :], *[PAD_TOKEN] * n_name)
    before = {"end": n_vectors, "middle": n_vectors // 2, "front": 0}[position]
    cut = 0 if position == "end" else n_name
    row = (SOT_TOKEN, *context[:before], *behind[:cut], *context[before:], *behind[cut:])
    return row[: len(sentence)]


def reference_context_tokens(ctx_init: str, tokenize: Tokenize) -> Layout:
    """The tokens that the vectors of ``reference_layout`` start from: the first of the text, one a word."""
    n_vectors = len(_reference_words(ctx_init))
    row = (*text_layout(spoken(ctx_init), tokenize), *[PAD_TOKEN] * n_vectors)
    return row[1 : 1 + n_vectors]


def _reference_words(ctx_init: str) -> list[str]:
    return spoken(ctx_init).split(" ")


def text_layout(text: str, tokenize: Tokenize) -> Layout:
    """The layout of a written sentence, without context vectors."""
    return (SOT_TOKEN, *tokenize(text), EOT_TOKEN)


def check_lengths(class_names: Sequence[str], layouts: Sequence[Layout], context_length: int) -> list[Fault]:
    """A fault for every prompt that is longer than the text tower."""
    return [
        Fault(
            f"class {name!r}",
            f"its prompt takes {len(layout)} tokens, the text tower has {context_length}.",
            "Take a smaller n_ctx or a shorter class name.",
        )
        for name, layout in zip(class_names, layouts, strict=True)
        if len(layout) > context_length
    ]
