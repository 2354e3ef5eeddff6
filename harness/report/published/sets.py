"""The named sets of published figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.errors import Fault, HarnessError, did_you_mean

ALL = "all"
# Name of a set, and what it is; the figures themselves say where each was read.
SETS: Mapping[str, str] = {
    "coop_ijcv2022": "CoOp (Zhou et al., IJCV 2022): the figures behind its few-shot curves and from its tables",
    "coop_authors": "figures that CoOp's authors gave in their repository and its issues",
    "coop_reports": "figures that users reported when they ran CoOp again",
    "mlpt": "complete run logs of CoOp on other hardware, 50 epochs (LZHMS/MLPT)",
    "tip_adapter_eccv2022": "Tip-Adapter (ECCV 2022): its own runs, and CoOp as it quotes it",
    "tpt_neurips2022": "TPT (NeurIPS 2022): its own runs, and CoOp as it quotes it",
    "ape_iccv2023": "APE's notebook (ICCV 2023): its own runs, and a second series of CoOp",
    "ldc": "a plotting script that holds the linear probe's series of CoOp",
    "kgcoop_cvpr2023": "KgCoOp (CVPR 2023): averages from base to new classes",
    "maple_cvpr2023": "MaPLe (CVPR 2023): averages from base to new classes",
    "promptsrc_iccv2023": "PromptSRC (ICCV 2023): averages from base to new classes",
    "ipo_neurips2024": "IPO (NeurIPS 2024) quoting CoOp, CoCoOp, MaPLe and PromptSRC",
    "rmadapter_aaai2026": "RMAdapter (AAAI 2026) quoting CLIP and prompt learners",
    "halora_aaai2026": "HALoRA (AAAI 2026) quoting zero-shot CLIP",
    "qcoop_notes": "third-party notes that disagree on ProGrad",
    "clip_benchmark": "CLIP_benchmark: zero-shot with its own templates and splits",
    "prompt_adapter_2023": "a later workbook of Prompt-Adapter, whose origin is not stated",
}


def wanted_sets(names: Sequence[str]) -> tuple[str, ...]:
    """The sets that were asked for, each once, in the order asked; ``all`` is every one.

    Raises:
        HarnessError: a name is none of the sets; says all such names.
    """
    unknown = [name for name in names if name not in SETS and name != ALL]
    if unknown:
        known = (*SETS, ALL)
        raise HarnessError(
            Fault(f"--against {name}", "is no set of published figures.", did_you_mean(name, known))
            for name in unknown
        )
    return tuple(dict.fromkeys(each for name in names for each in (SETS if name == ALL else (name,))))
