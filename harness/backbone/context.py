"""A context that came from a file, once it is known to be one."""

import torch
from torch import Tensor

from harness.errors import Fault, PromptError
from harness.shapes import Context


def usable_context(tensor: Tensor, where: str) -> Context:
    """A context as fp32.

    Raises:
        PromptError: it has another shape than contexts have, holds no finite numbers, or claims more of them than
            there are.
    """
    shape = "x".join(map(str, tensor.shape)) or "a number"
    if tensor.layout != torch.strided or not tensor.is_floating_point() or tensor.ndim not in (2, 3):
        what = f"its context is {shape} of {tensor.dtype}; it should be (n_ctx, width) or (classes, n_ctx, width)."
        raise PromptError(Fault(where, what))
    n_bytes = tensor.numel() * tensor.element_size()
    if not tensor.numel() or n_bytes > tensor.untyped_storage().nbytes():
        raise PromptError(Fault(where, f"its context claims to be {shape} and holds fewer numbers."))
    context = tensor.detach().to(torch.float32).contiguous()
    if not torch.isfinite(context).all():
        raise PromptError(Fault(where, "its context holds numbers that are not finite."))
    return context
