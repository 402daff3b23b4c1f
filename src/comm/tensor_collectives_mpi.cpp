#include <utility>
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
        for (auto& bytes : send_bytes)
            bytes *= row_bytes;
        for (auto& bytes : receive_bytes)
            bytes *= row_bytes;
        communicator.all_to_all_v({static_cast<std::byte const*>(from.const_data_ptr()), from.nbytes()}, send_bytes,
                                  {static_cast<std::byte*>(to.data_ptr()), to.nbytes()}, receive_bytes);
        if (!received.is_cpu()) received.copy_(to);
    }
    void wait() override {}  // the call above returns when it is done
    std::function<void()> start_all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send,
                                                at::Tensor& received, std::span<std::int64_t const> receive) override {
        all_to_all_rows(rows, send, received, receive);
        return {};
    }
    std::string name() const override { return "MPI"; }

    Communicator communicator;
};

}  // namespace

std::unique_ptr<TensorCollectives::Backend> make_mpi_backend(Communicator const& communicator) {
    return std::make_unique<MpiBackend>(communicator);
}

}  // namespace gatesweep
