// The data plane: rows of tensors between the ranks of an expert-parallel group. The back ends only move bytes, so they
// give identical results: MPI on host memory (device tensors are staged), NCCL on device memory in CUDA builds.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "gatesweep/comm/communicator.h"

namespace gatesweep {

class TensorCollectives {
public:
    // `device`: where the tensors live. Every rank of the communicator makes its own, at the same time.
    TensorCollectives(Communicator communicator, at::Device device);
    ~TensorCollectives();
    TensorCollectives(TensorCollectives&&) noexcept;

    Communicator const& communicator() const { return communicator_; }
    // Sends rows [sum(send[0..r)), +send[r]) to rank r; returns the rows received, in order of their source rank:
    // rows [sum(send), D] -> [sum(receive), D].
    at::Tensor all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send,
                               std::span<std::int64_t const> receive) const;
    std::string backend_name() const;

    // A way to move rows; implemented in tensor_collectives_mpi.cpp and tensor_collectives_nccl.cpp.
    struct Backend {
        virtual ~Backend() = default;
        virtual void all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send, at::Tensor& received,
                                     std::span<std::int64_t const> receive) = 0;
        virtual std::string name() const = 0;
    };

private:
    Communicator communicator_;
    std::unique_ptr<Backend> backend_;
};

// Made from the MPI communicator; only in CUDA builds.
std::unique_ptr<TensorCollectives::Backend> make_nccl_backend(Communicator const& communicator, at::Device device);
// "2.28.9", or "none" in a build without CUDA.
std::string nccl_version();

}  // namespace gatesweep
