#include <ATen/Context.h>
#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>

#include <array>

#include "gatesweep/base/error.h"
#include "gatesweep/comm/devices.h"

namespace gatesweep {

std::vector<DeviceFacts> visible_devices() {
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess) {
        cudaGetLastError();  // without a driver the error would stick to the next call
        return {};
    }
    std::vector<DeviceFacts> devices;
    for (int i = 0; i < count; ++i) {
        cudaDeviceProp properties{};
        std::array<char, 32> bus_id{};
        bool const known = cudaGetDeviceProperties(&properties, i) == cudaSuccess &&
                           cudaDeviceGetPCIBusId(bus_id.data(), static_cast<int>(bus_id.size()), i) == cudaSuccess;
        GATESWEEP_VALIDATE(known, ExitCode::unavailable, "GPU {} of {} does not answer: {}: check it with nvidia-smi",
                           i, count, cudaGetErrorString(cudaGetLastError()));
        devices.push_back(
            {properties.name, bus_id.data(), properties.totalGlobalMem, 10 * properties.major + properties.minor});
    }
    return devices;
}

CudaVersions cuda_versions() {
    CudaVersions versions;
    if (cudaRuntimeGetVersion(&versions.runtime) != cudaSuccess) versions.runtime = 0;
    if (cudaDriverGetVersion(&versions.driver) != cudaSuccess) versions.driver = 0;
    cudaGetLastError();
    return versions;
}

void set_device(int index) {
    c10::cuda::set_device(static_cast<c10::DeviceIndex>(index));
    // Else cuBLAS may add parts of a bfloat16 product in bfloat16, the router's above all, whose near ties are
    // measured.
    at::globalContext().setAllowBF16ReductionCuBLAS(false);
}

std::uint64_t free_device_memory() {
    std::size_t available = 0, total = 0;
    return cudaMemGetInfo(&available, &total) == cudaSuccess ? available : 0;
}

}  // namespace gatesweep
