#include <cuda_runtime_api.h>

#include <algorithm>

#include "runtime/api.h"

namespace emulator::runtime {
namespace {

struct ErrorText {
  cudaError_t error;
  const char* name;
  const char* text;
};

/// The errors the runtime returns.
constexpr ErrorText kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "an argument has a value that is not allowed"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "no memory is left"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "no device takes this grid or block"},
    {cudaErrorInvalidPitchValue, "cudaErrorInvalidPitchValue", "a row is wider than its pitch"},
    {cudaErrorInvalidSymbol, "cudaErrorInvalidSymbol", "this is no device variable"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection", "the direction of a copy is not allowed"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "this is no kernel of the device code"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "there is no device of this number"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice", "no PTX that this device can run"},
    {cudaErrorUnsupportedLimit, "cudaErrorUnsupportedLimit", "the device has no such limit"},
    {cudaErrorInvalidPtx, "cudaErrorInvalidPtx", "the PTX cannot be loaded"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "no such stream, event or graph"},
    {cudaErrorNotReady, "cudaErrorNotReady", "the work has not ended"},
    {cudaErrorLaunchOutOfResources, "cudaErrorLaunchOutOfResources", "a block needs more than the device has"},
    {cudaErrorHostMemoryAlreadyRegistered, "cudaErrorHostMemoryAlreadyRegistered", "this memory is page-locked"},
    {cudaErrorHostMemoryNotRegistered, "cudaErrorHostMemoryNotRegistered", "this memory is not registered"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "a kernel could not go on; the emulator's report says why"},
    {cudaErrorNotPermitted, "cudaErrorNotPermitted", "this is not allowed here"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "the emulator does not support this"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported", "not allowed while a stream captures"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated", "an earlier error spoilt this capture"},
    {cudaErrorStreamCaptureMerge, "cudaErrorStreamCaptureMerge", "two captures cannot become one"},
    {cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched", "the capture did not begin in this stream"},
    {cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined", "a stream of the capture was not joined"},
    {cudaErrorStreamCaptureIsolation, "cudaErrorStreamCaptureIsolation", "a capture cannot depend on work outside"},
    {cudaErrorStreamCaptureImplicit, "cudaErrorStreamCaptureImplicit",
     "the default stream would depend on a capturing stream"},
    {cudaErrorCapturedEvent, "cudaErrorCapturedEvent", "the event was recorded by a capture"},
    {cudaErrorStreamCaptureWrongThread, "cudaErrorStreamCaptureWrongThread", "another thread began the capture"},
    {cudaErrorUnknown, "cudaErrorUnknown", "an error of the emulator itself"},
};

const ErrorText* find(cudaError_t error) {
  const auto* const found = std::find_if(std::begin(kErrors), std::end(kErrors),
                                         [&](const ErrorText& entry) { return entry.error == error; });
  return found == std::end(kErrors) ? nullptr : found;
}

}  // namespace
}  // namespace emulator::runtime

using namespace emulator::runtime;

const char* cudaGetErrorName(cudaError_t error) {
  const ErrorText* const found = find(error);
  return found ? found->name : "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  const ErrorText* const found = find(error);
  return found ? found->text : "unrecognized error code";
}

cudaError_t cudaGetLastError() { return take_last_error(); }

cudaError_t cudaPeekAtLastError() { return last_error(); }
