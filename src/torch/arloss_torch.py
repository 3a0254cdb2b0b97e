"""The Affinity Regression loss for PyTorch, over the operator torch.ops.arloss.ar_loss.

    from arloss_torch import ARLoss
    criterion = ARLoss(scales=(1, 2, 4), loss_weight=0.5)
    loss = torch.nn.functional.cross_entropy(logits, labels, ignore_index=255) + criterion(logits, labels)
    loss.backward()

libarloss_torch.so lies beside this file. It is of the PyTorch whose LibTorch it was built with, and takes CUDA tensors
where that LibTorch and the library's own build have CUDA.
"""
from pathlib import Path

import torch

_LIBRARY = Path(__file__).with_name("libarloss_torch.so")
try:
  torch.ops.load_library(str(_LIBRARY))
except OSError as error:
  raise ImportError(f"{_LIBRARY} does not load into PyTorch {torch.__version__}, for whose LibTorch it must have been "
                    f"built: {error}") from error


def ar_loss(logits, labels, **options):
  """The loss, differentiable once in the logits: a float32 scalar or, for reduction "none", [B].

  logits   [B, C, H, W] or [B, C, D, H, W]; float32, float16 or bfloat16; on a CPU or CUDA device. Contiguous and
           channels_last are read as they are, other strides copied. Never cast, under autocast neither.
  labels   [B, h, w] or [B, d, h, w]; uint8, int32 or int64; on the logits' device. As fine as the grid or finer by any
           ratio: h >= H.
  options  those of ARLoss, and pixel_weights: None, or float32 [B, H, W] or [B, D, H, W] on the logits' device, finite,
           not negative, without requires_grad.

  The gradient has the logits' dtype; it is rounded after the incoming gradient was multiplied in: scale that one for
  float16, as AMP's GradScaler does.

  RuntimeError, with argument, value and rule: shapes, dtypes, devices, options; on the CPU labels that are neither a
  class nor the ignore index, and wrong pixel_weights. On CUDA those two make NaN of loss and gradient. Backward: a
  second derivative; logits, labels or weights changed in place since.
  """
  return torch.ops.arloss.ar_loss(logits, labels, **options)


if hasattr(torch, "compiler"):  # 2.1 or newer: torch.compile leaves the call to run as it is, between two graphs
  ar_loss = torch.compiler.disable(ar_loss)


class ARLoss(torch.nn.Module):
  """ar_loss with fixed options. A wrong one is refused here, by the RuntimeError of ar_loss.

  scales         distinct block edges in cells, at most 8
  scale_weights  one for each scale; empty: equal
  scale_mode     "blend", "separate" or "pyramid"
  penalty        "squared", "absolute", "huber", "cross_entropy" or "log_cosh"
  penalty_param  delta of huber and log_cosh, eps of cross_entropy; 0: 0.1 and 1e-4
  ignore_index   the label that does not count; None: each counts
  reduction      "mean", "sum" or "none"
  span           pairs within one "image" or of the whole "batch"
  loss_weight    multiplies loss and gradient
  algorithm      "auto", "factored" or "pairwise"
  exact          errors of 1e-5 on CUDA where all pairs are visited and 1e-3 would be allowed
  num_threads    of the CPU; 0: torch.get_num_threads()

  arloss.h says what each means.
  """

  def __init__(self, *, scales=(1,), scale_weights=(), scale_mode="blend", penalty="squared", penalty_param=0.0,
               ignore_index=255, reduction="mean", span="image", loss_weight=1.0, algorithm="auto", exact=False,
               num_threads=0):
    super().__init__()
    self.options = dict(scales=scales, scale_weights=scale_weights, scale_mode=scale_mode, penalty=penalty,
                        penalty_param=penalty_param, ignore_index=ignore_index, reduction=reduction, span=span,
                        loss_weight=loss_weight, algorithm=algorithm, exact=exact, num_threads=num_threads)
    # What is wrong for one cell is wrong for every shape.
    one_cell = torch.zeros(1, 1, 1, 1, dtype=torch.float32, device="cpu")
    ar_loss(one_cell, one_cell[0].to(torch.uint8), **self.options)

  def forward(self, logits, labels, pixel_weights=None):
    """As ar_loss."""
    return ar_loss(logits, labels, pixel_weights=pixel_weights, **self.options)

  def extra_repr(self):
    return ", ".join(f"{name}={value!r}" for name, value in self.options.items())
