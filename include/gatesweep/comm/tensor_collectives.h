// The data plane: rows of tensors between the ranks of an expert-parallel group. The back ends only move bytes, so they
// give identical results: MPI on host memory (device tensors are staged), NCCL on device memory in CUDA builds.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "gatesweep/comm/communicator.h"

namespace gatesweep {

// Rows on their way between ranks, with what must stay until they are there.
struct RowsUnderWay {
    at::Tensor received;  // [n,D], not to be read yet
    at::Tensor sent = {};
    std::function<void()> wait_for_them = {};  // none: they are there

    // The rows, once they are there: work enqueued from now on sees them. Errors: ExitCode::io, as
    // TensorCollectives::wait.
    at::Tensor arrived();
};

class TensorCollectives {
public:
    // A way to move rows: make_mpi_backend, make_nccl_backend.
    struct Backend {
        virtual ~Backend() = default;
        virtual void all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send, at::Tensor& received,
                                     std::span<std::int64_t const> receive) = 0;
        virtual void wait() = 0;
        // The same beside the work of the current stream; what comes back waits for it. Dense rows.
        virtual std::function<void()> start_all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send,
                                                            at::Tensor& received,
                                                            std::span<std::int64_t const> receive) = 0;
        virtual std::string name() const = 0;
    };

    // `device`: where the tensors live. Every rank of the communicator makes its own, at the same time. On GPUs NCCL,
    // except where ranks are allowed to share one (devices.h), which NCCL refuses.
    TensorCollectives(Communicator communicator, at::Device device);
    TensorCollectives(Communicator communicator, std::unique_ptr<Backend> backend);
    ~TensorCollectives();
    TensorCollectives(TensorCollectives&&) noexcept;

    Communicator const& communicator() const { return communicator_; }
    // Sends rows [sum(send[0..r)), +send[r]) to rank r; returns the rows received, in order of their source rank:
    // rows [sum(send), D] -> [sum(receive), D]. On a GPU this only enqueues: later work of the same stream sees the
    // rows.
    at::Tensor all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send,
                               std::span<std::int64_t const> receive) const;
    // The same beside other work: on a GPU the rows travel while the current stream computes what is enqueued
    // meanwhile.
    RowsUnderWay start_all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send,
                                       std::span<std::int64_t const> receive) const;
    // Until everything that was enqueued is done. To be called before any other call that waits for the device: that
    // one would wait for ever for a rank that was lost. Errors: ExitCode::io, then and in all_to_all_rows.
    void wait() const;
    std::string backend_name() const;

private:
    Communicator communicator_;
    std::unique_ptr<Backend> backend_;
};

std::unique_ptr<TensorCollectives::Backend> make_mpi_backend(Communicator const& communicator);
// Of the NCCL that was loaded: "2.28.9", or "none" in a build without CUDA.
std::string nccl_version();

}  // namespace gatesweep
