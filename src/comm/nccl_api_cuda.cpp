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

cudaEvent_t handle_of_event(DeviceEvent event) {
    return static_cast<cudaEvent_t>(event);
}
// Not ready is no error.
DeviceStatus answer(cudaError_t status, bool& done) {
    done = status == cudaSuccess;
    return status == cudaErrorNotReady ? cudaSuccess : status;
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
    DeviceStream side_stream(int device) override {
        return c10::cuda::getStreamFromPool(true, static_cast<c10::DeviceIndex>(device)).stream();
    }
    DeviceStatus copy_async(void* to, void const* from, std::size_t num_bytes, DeviceStream stream) override {
        return cudaMemcpyAsync(to, from, num_bytes, cudaMemcpyDeviceToDevice, handle_of_stream(stream));
    }
    DeviceStatus stream_query(DeviceStream stream, bool& done) override {
        return answer(cudaStreamQuery(handle_of_stream(stream)), done);
    }
    DeviceStatus make_event(DeviceEvent& event) override {
        cudaEvent_t made = nullptr;
        cudaError_t const status = cudaEventCreateWithFlags(&made, cudaEventDisableTiming);
        event = made;
        return status;
    }
    DeviceStatus destroy_event(DeviceEvent event) override { return cudaEventDestroy(handle_of_event(event)); }
    DeviceStatus record_event(DeviceEvent event, DeviceStream stream) override {
        return cudaEventRecord(handle_of_event(event), handle_of_stream(stream));
    }
    DeviceStatus wait_for_event(DeviceStream stream, DeviceEvent event) override {
        return cudaStreamWaitEvent(handle_of_stream(stream), handle_of_event(event), 0);
    }
    DeviceStatus event_query(DeviceEvent event, bool& done) override {
        return answer(cudaEventQuery(handle_of_event(event)), done);
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
