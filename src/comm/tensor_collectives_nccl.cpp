#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAGuard.h>
#include <mpi.h>
#include <nccl.h>

#include <vector>

#include "gatesweep/comm/tensor_collectives.h"

namespace gatesweep {
namespace {

void check(ncclResult_t status, char const* call) {
    GATESWEEP_VALIDATE(status == ncclSuccess, ExitCode::io,
                       "{} failed: {} (another rank or the link between the GPUs was lost): run again with NCCL_DEBUG=INFO", call,
                       ncclGetErrorString(status));
}

ncclUniqueId shared_unique_id(Communicator const& communicator) {
    // Rank 0's failure travels with the id: without it the others would wait for ever.
    struct {
        int status;
        ncclUniqueId id;
    } message{};
    if (communicator.rank() == 0) message.status = ncclGetUniqueId(&message.id);
    communicator.broadcast(std::as_writable_bytes(std::span(&message, 1)), 0);
    check(static_cast<ncclResult_t>(message.status), "ncclGetUniqueId");
    return message.id;
}

struct NcclBackend final : TensorCollectives::Backend {
    NcclBackend(Communicator const& communicator, at::Device d) : device(d), size(communicator.size()) {
        c10::cuda::CUDAGuard const guard(device);
        ncclUniqueId const id = shared_unique_id(communicator);
        check(ncclCommInitRank(&comm, size, id, communicator.rank()), "ncclCommInitRank");
    }
    ~NcclBackend() override {
        if (comm) ncclCommDestroy(comm);
    }

    void all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send, at::Tensor& received,
                         std::span<std::int64_t const> receive) override {
        c10::cuda::CUDAGuard const guard(device);
        cudaStream_t const stream = at::cuda::getCurrentCUDAStream();
        at::Tensor const from = rows.contiguous();
        std::size_t const row_bytes = static_cast<std::size_t>(rows.size(1)) * rows.element_size();
        auto const* out = static_cast<std::byte const*>(from.const_data_ptr());
        auto* in = static_cast<std::byte*>(received.data_ptr());
        // Both sides skip empty blocks by the same counts, so sends and receives always pair up.
        check(ncclGroupStart(), "ncclGroupStart");
        for (int r = 0; r < size; ++r) {
            std::size_t const out_bytes = static_cast<std::size_t>(send[r]) * row_bytes;
            std::size_t const in_bytes = static_cast<std::size_t>(receive[r]) * row_bytes;
            if (out_bytes) check(ncclSend(out, out_bytes, ncclInt8, r, comm, stream), "ncclSend");
            if (in_bytes) check(ncclRecv(in, in_bytes, ncclInt8, r, comm, stream), "ncclRecv");
            out += out_bytes;
            in += in_bytes;
        }
        check(ncclGroupEnd(), "ncclGroupEnd");
    }
    std::string name() const override { return "NCCL " + nccl_version(); }

    at::Device device;
    int size;
    ncclComm_t comm = nullptr;
};

}  // namespace

std::unique_ptr<TensorCollectives::Backend> make_nccl_backend(Communicator const& communicator, at::Device device) {
    return std::make_unique<NcclBackend>(communicator, device);
}

std::string nccl_version() {
    int version = 0;
    if (ncclGetVersion(&version) != ncclSuccess) return "unknown";
    return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

}  // namespace gatesweep
