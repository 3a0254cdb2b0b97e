#ifndef ARLOSS_TESTS_RECORDER_H
#define ARLOSS_TESTS_RECORDER_H

#include <string>

namespace support {

/// Note how much of the accuracy bounds one run used: error / bound of the loss and of the gradient. The worst of each
/// (route, regime, dtype) are printed as one table when the test program ends.
void record_accuracy(const std::string& route, const std::string& regime, const std::string& dtype, double loss_share,
                     double gradient_share);

}  // namespace support

#endif
