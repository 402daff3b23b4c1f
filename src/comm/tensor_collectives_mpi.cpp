#include <numeric>
#include <vector>

#include "gatesweep/comm/tensor_collectives.h"

namespace gatesweep {
namespace {

struct MpiBackend final : TensorCollectives::Backend {
    explicit MpiBackend(Communicator c) : communicator(std::move(c)) {}

    void all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send, at::Tensor& received,
                         std::span<std::int64_t const> receive) override {
        at::Tensor const from = rows.to(at::kCPU).contiguous();
        at::Tensor to = received.is_cpu() ? received : at::empty_like(received, received.options().device(at::kCPU));
        std::int64_t const row_bytes = rows.size(1) * static_cast<std::int64_t>(rows.element_size());
        std::vector<std::int64_t> send_bytes(send.begin(), send.end()), receive_bytes(receive.begin(), receive.end());
        for (auto& bytes : send_bytes) bytes *= row_bytes;
        for (auto& bytes : receive_bytes) bytes *= row_bytes;
        communicator.all_to_all_v({static_cast<std::byte const*>(from.const_data_ptr()), from.nbytes()}, send_bytes,
                                  {static_cast<std::byte*>(to.data_ptr()), to.nbytes()}, receive_bytes);
        if (!received.is_cpu()) received.copy_(to);
    }
    std::string name() const override { return "MPI"; }

    Communicator communicator;
};

}  // namespace

TensorCollectives::TensorCollectives(Communicator communicator, at::Device device) : communicator_(std::move(communicator)) {
    if (communicator_.is_null()) return;
#ifdef GATESWEEP_WITH_CUDA
    if (device.is_cuda()) {
        backend_ = make_nccl_backend(communicator_, device);
        return;
    }
#else
    (void)device;
#endif
    backend_ = std::make_unique<MpiBackend>(communicator_);
}

TensorCollectives::~TensorCollectives() = default;
TensorCollectives::TensorCollectives(TensorCollectives&&) noexcept = default;

std::string TensorCollectives::backend_name() const { return backend_ ? backend_->name() : "none"; }

at::Tensor TensorCollectives::all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send,
                                              std::span<std::int64_t const> receive) const {
    GATESWEEP_EXPECT(std::accumulate(send.begin(), send.end(), std::int64_t{0}) == rows.size(0));
    if (!backend_) return rows;
    std::int64_t const num_received = std::accumulate(receive.begin(), receive.end(), std::int64_t{0});
    at::Tensor received = at::empty({num_received, rows.size(1)}, rows.options());
    backend_->all_to_all_rows(rows, send, received, receive);
    return received;
}

#ifndef GATESWEEP_WITH_CUDA
std::string nccl_version() { return "none"; }
#endif

}  // namespace gatesweep
