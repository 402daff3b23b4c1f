#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

#include "gatesweep/comm/nccl_backend.h"
#include "nccl_connection.h"

namespace gatesweep {
namespace {

// What every rank gets and gives, as bytes of dense rows.
struct Blocks {
    std::vector<SendBlock> out;
    std::vector<ReceiveBlock> in;

    Blocks(at::Tensor const& rows, std::span<std::int64_t const> send, at::Tensor& received,
           std::span<std::int64_t const> receive) {
        std::size_t const row_bytes = static_cast<std::size_t>(rows.size(1)) * rows.element_size();
        auto const* from = static_cast<std::byte const*>(rows.const_data_ptr());
        auto* to = static_cast<std::byte*>(received.data_ptr());
        for (std::size_t r = 0; r < send.size(); ++r) {
            out.push_back({from, static_cast<std::size_t>(send[r]) * row_bytes});
            in.push_back({to, static_cast<std::size_t>(receive[r]) * row_bytes});
            from += out.back().num_bytes;
            to += in.back().num_bytes;
        }
    }
};

struct NcclBackend final : TensorCollectives::Backend {
    NcclBackend(Communicator const& communicator, at::Device device, std::shared_ptr<NcclApi> api, NcclOptions options)
        : version(api->loaded_version()),
          connection(communicator, device.has_index() ? device.index() : 0, std::move(api), options) {}

    void all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send, at::Tensor& received,
                         std::span<std::int64_t const> receive) override {
        at::Tensor const from = rows.contiguous();
        Blocks const blocks(from, send, received, receive);
        connection.exchange(blocks.out, blocks.in);
        // On a device the caching allocator hands `from` on only to later work of this stream. Host memory, in tests,
        // has no such order.
        if (rows.is_cpu()) connection.wait();
    }
    void wait() override { connection.wait(); }
    std::function<void()> start_all_to_all_rows(at::Tensor const& rows, std::span<std::int64_t const> send,
                                                at::Tensor& received, std::span<std::int64_t const> receive) override {
        Blocks const blocks(rows, send, received, receive);
        return [this, there = connection.exchange_aside(blocks.out, blocks.in)] { connection.wait_for(there); };
    }
    std::string name() const override { return "NCCL " + nccl_version_text(version); }

    int version;
    NcclConnection connection;
};

}  // namespace

NcclOptions nccl_options_from_environment() {
    NcclOptions options;
    char const* const text = std::getenv("GATESWEEP_NCCL_TIMEOUT");
    if (!text) return options;
    char* end = nullptr;
    options.timeout_seconds = std::strtod(text, &end);
    GATESWEEP_VALIDATE(
        end != text && *end == '\0' && std::isfinite(options.timeout_seconds) && options.timeout_seconds > 0,
        ExitCode::usage, "GATESWEEP_NCCL_TIMEOUT=\"{}\" is not a number of seconds above 0: unset it, or write one",
        printable(text));
    return options;
}

std::unique_ptr<TensorCollectives::Backend> make_nccl_backend(Communicator const& communicator, at::Device device,
                                                              std::shared_ptr<NcclApi> api, NcclOptions options) {
    return std::make_unique<NcclBackend>(communicator, device, std::move(api), options);
}

}  // namespace gatesweep
