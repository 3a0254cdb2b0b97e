// What a build without CUDA says when it is asked for.
#include "plan/backend.h"
#include "plan/refusal.h"

namespace arloss {

std::unique_ptr<Backend> make_cuda_backend(const Problem&, const Options& options, Route) {
  throw Refusal(ARLOSS_STATUS_UNSUPPORTED, Message() << "options.device is CUDA (" << static_cast<int>(options.device)
                                                     << "), but this library was built without CUDA");
}

bool is_cuda_available() { return false; }

}  // namespace arloss
