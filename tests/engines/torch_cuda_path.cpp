// The CUDA path of arloss/torch.h, for the compiler alone.
#include <arloss/torch.h>

at::Tensor loss_of_cuda_tensors(const at::Tensor& logits, const at::Tensor& labels) {
  return arloss::torch::ar_loss(logits, labels);
}
