#include "gatesweep/comm/tensor_collectives.h"

#include <numeric>
#include <utility>

#include "gatesweep/comm/devices.h"
#include "gatesweep/comm/nccl_backend.h"

namespace gatesweep {
namespace {

std::unique_ptr<TensorCollectives::Backend> make_backend(Communicator const& communicator, at::Device device) {
    if (communicator.is_null()) return nullptr;
    auto const library = nccl_library();
    if (!device.is_cuda() || !library || sharing_allowed()) return make_mpi_backend(communicator);
    return make_nccl_backend(communicator, device, library, nccl_options_from_environment());
}

at::Tensor place_for(at::Tensor const& rows, [[maybe_unused]] std::span<std::int64_t const> send,
                     std::span<std::int64_t const> receive) {
    GATESWEEP_EXPECT(std::accumulate(send.begin(), send.end(), std::int64_t{0}) == rows.size(0));
    std::int64_t const num_received = std::accumulate(receive.begin(), receive.end(), std::int64_t{0});
    return at::empty({num_received, rows.size(1)}, rows.options());
}

}  // namespace

TensorCollectives::TensorCollectives(Communicator communicator, std::unique_ptr<Backend> backend)
    : communicator_(std::move(communicator)), backend_(std::move(backend)) {}
TensorCollectives::TensorCollectives(Communicator communicator, at::Device device)
    : communicator_(std::move(communicator)), backend_(make_backend(communicator_, device)) {}
TensorCollectives::~TensorCollectives() = default;
TensorCollectives::TensorCollectives(TensorCollectives&&) noexcept = default;

std::string TensorCollectives::backend_name() const {
    return backend_ ? backend_->name() : "none";
}

at::Tensor RowsUnderWay::arrived() {
    if (wait_for_them) std::exchange(wait_for_them, {})();
    sent.reset();
    return received;
}

at::Tensor TensorCollectives::all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send,
                                              std::span<std::int64_t const> receive) const {
    if (!backend_) return rows;
    at::Tensor received = place_for(rows, send, receive);
    backend_->all_to_all_rows(rows, send, received, receive);
    return received;
}

RowsUnderWay TensorCollectives::start_all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send,
                                                      std::span<std::int64_t const> receive) const {
    if (!backend_) return {rows};
    RowsUnderWay under_way{place_for(rows, send, receive), rows.contiguous()};
    under_way.wait_for_them = backend_->start_all_to_all_rows(under_way.sent, send, under_way.received, receive);
    return under_way;
}

void TensorCollectives::wait() const {
    if (backend_) backend_->wait();
}

}  // namespace gatesweep
