// The calls of NCCL and of the CUDA runtime that move rows between GPUs, as a table. In CUDA builds the real libraries
// fill it, in tests a library over host memory that can be told to fail. Types are opaque: nothing that includes this
// needs a CUDA toolkit.
//
// What the calls mean is NCCL's own, for a communicator made with blocking = 0: a call may answer in_progress, and then
// nothing but comm_get_async_error and comm_abort may be called on its communicator until that is over.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

namespace gatesweep {

// ncclResult_t, number for number.
enum class NcclStatus : int {
    success = 0,
    unhandled_cuda_error = 1,
    system_error = 2,
    internal_error = 3,
    invalid_argument = 4,
    invalid_usage = 5,
    remote_error = 6,
    in_progress = 7,
};

struct NcclId {
    std::array<char, 128> bytes{};
};

using NcclComm = void*;      // ncclComm_t
using DeviceStream = void*;  // cudaStream_t
using DeviceEvent = void*;   // cudaEvent_t
using DeviceStatus = int;    // cudaError_t, 0: success

class NcclApi {
public:
    virtual ~NcclApi() = default;

    // Of the header that was compiled in, and of the library that was loaded: 22809 is 2.28.9; 0: it does not say.
    virtual int built_version() = 0;
    virtual int loaded_version() = 0;

    virtual NcclStatus get_unique_id(NcclId& id) = 0;
    virtual NcclStatus comm_init_rank(NcclComm& comm, int num_ranks, NcclId const& id, int rank) = 0;
    // The return value is about this call, `status` about the communicator.
    virtual NcclStatus comm_get_async_error(NcclComm comm, NcclStatus& status) = 0;
    virtual NcclStatus comm_finalize(NcclComm comm) = 0;
    virtual NcclStatus comm_destroy(NcclComm comm) = 0;
    virtual NcclStatus comm_abort(NcclComm comm) = 0;
    virtual NcclStatus group_start() = 0;
    virtual NcclStatus group_end() = 0;
    virtual NcclStatus send(void const* from, std::size_t num_bytes, int peer, NcclComm comm, DeviceStream stream) = 0;
    virtual NcclStatus receive(void* to, std::size_t num_bytes, int peer, NcclComm comm, DeviceStream stream) = 0;
    virtual std::string status_text(NcclStatus status) = 0;
    virtual std::string last_error(NcclComm comm) = 0;  // empty when NCCL has nothing to add

    virtual DeviceStatus set_device(int device) = 0;
    virtual DeviceStream current_stream(int device) = 0;
    virtual DeviceStream side_stream(int device) = 0;  // beside the current one; the same each time or another
    virtual DeviceStatus copy_async(void* to, void const* from, std::size_t num_bytes, DeviceStream stream) = 0;
    // done: everything enqueued on the stream has been executed.
    virtual DeviceStatus stream_query(DeviceStream stream, bool& done) = 0;
    virtual DeviceStatus make_event(DeviceEvent& event) = 0;
    virtual DeviceStatus destroy_event(DeviceEvent event) = 0;
    // The event happens when the stream has come so far; a stream that waits for it goes no further before.
    virtual DeviceStatus record_event(DeviceEvent event, DeviceStream stream) = 0;
    virtual DeviceStatus wait_for_event(DeviceStream stream, DeviceEvent event) = 0;
    virtual DeviceStatus event_query(DeviceEvent event, bool& done) = 0;
    virtual std::string device_status_text(DeviceStatus status) = 0;
};

// The real libraries; null in a build without CUDA.
std::shared_ptr<NcclApi> nccl_library();

// "2.28.9".
std::string nccl_version_text(int version);

// Errors: unavailable when the loaded library is older than the header, or of another major version: structures would
// not fit, which NCCL answers with an invalid argument at best.
void validate_nccl_version(int built, int loaded);

}  // namespace gatesweep
