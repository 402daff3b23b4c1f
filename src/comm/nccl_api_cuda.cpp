#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#include <nccl.h>

#include <cstring>

#include "gatesweep/comm/nccl_api.h"

namespace gatesweep {
namespace {

static_assert(static_cast<int>(NcclStatus::in_progress) == ncclInProgress);
static_assert(static_cast<int>(NcclStatus::remote_error) == ncclRemoteError);
static_assert(sizeof(NcclId) == sizeof(ncclUniqueId));

NcclStatus status_of(ncclResult_t result) {
    return static_cast<NcclStatus>(result);
}
ncclComm_t handle(NcclComm comm) {
    return static_cast<ncclComm_t>(comm);
}
cudaStream_t handle_of_stream(DeviceStream stream) {
    return static_cast<cudaStream_t>(stream);
}

class NcclLibrary final : public NcclApi {
public:
    int built_version() override { return NCCL_VERSION_CODE; }
    int loaded_version() override {
        int version = 0;
        return ncclGetVersion(&version) == ncclSuccess ? version : 0;
    }

    NcclStatus get_unique_id(NcclId& id) override {
        ncclUniqueId unique{};
        ncclResult_t const result = ncclGetUniqueId(&unique);
        std::memcpy(id.bytes.data(), unique.internal, id.bytes.size());
        return status_of(result);
    }
    NcclStatus comm_init_rank(NcclComm& comm, int num_ranks, NcclId const& id, int rank) override {
        ncclUniqueId unique{};
        std::memcpy(unique.internal, id.bytes.data(), id.bytes.size());
        ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
        config.blocking = 0;  // a blocking call on a communicator with a dead peer may never return
        ncclComm_t made = nullptr;
        ncclResult_t const result = ncclCommInitRankConfig(&made, num_ranks, unique, rank, &config);
        comm = made;
        return status_of(result);
    }
    NcclStatus comm_get_async_error(NcclComm comm, NcclStatus& status) override {
        ncclResult_t asynchronous = ncclSuccess;
        ncclResult_t const result = ncclCommGetAsyncError(handle(comm), &asynchronous);
        status = status_of(asynchronous);
        return status_of(result);
    }
    NcclStatus comm_finalize(NcclComm comm) override { return status_of(ncclCommFinalize(handle(comm))); }
    NcclStatus comm_destroy(NcclComm comm) override { return status_of(ncclCommDestroy(handle(comm))); }
    NcclStatus comm_abort(NcclComm comm) override { return status_of(ncclCommAbort(handle(comm))); }
    NcclStatus group_start() override { return status_of(ncclGroupStart()); }
    NcclStatus group_end() override { return status_of(ncclGroupEnd()); }
    NcclStatus send(void const* from, std::size_t num_bytes, int peer, NcclComm comm, DeviceStream stream) override {
        return status_of(ncclSend(from, num_bytes, ncclInt8, peer, handle(comm), handle_of_stream(stream)));
    }
    NcclStatus receive(void* to, std::size_t num_bytes, int peer, NcclComm comm, DeviceStream stream) override {
        return status_of(ncclRecv(to, num_bytes, ncclInt8, peer, handle(comm), handle_of_stream(stream)));
    }
    std::string status_text(NcclStatus status) override {
        return ncclGetErrorString(static_cast<ncclResult_t>(status));
    }
    std::string last_error(NcclComm comm) override {
        char const* const text = ncclGetLastError(handle(comm));
        return text ? text : "";
    }

    DeviceStatus set_device(int device) override { return cudaSetDevice(device); }
    DeviceStream current_stream(int device) override {
        return c10::cuda::getCurrentCUDAStream(static_cast<c10::DeviceIndex>(device)).stream();
    }
    DeviceStatus copy_async(void* to, void const* from, std::size_t num_bytes, DeviceStream stream) override {
        return cudaMemcpyAsync(to, from, num_bytes, cudaMemcpyDeviceToDevice, handle_of_stream(stream));
    }
    DeviceStatus stream_query(DeviceStream stream, bool& done) override {
        cudaError_t const status = cudaStreamQuery(handle_of_stream(stream));
        done = status == cudaSuccess;
        return status == cudaErrorNotReady ? cudaSuccess : status;
    }
    std::string device_status_text(DeviceStatus status) override {
        return cudaGetErrorString(static_cast<cudaError_t>(status));
    }
};

}  // namespace

std::shared_ptr<NcclApi> nccl_library() {
    static auto const library = std::make_shared<NcclLibrary>();
    return library;
}

}  // namespace gatesweep
