// One NCCL communicator, made from an MPI one, that never waits for ever: every call is followed until NCCL has
// finished it, with a time limit; what fails or runs into the limit gives the communicator up and throws.
//
// Errors: ExitCode::io, with the exchange, the ranks of the communicator and what NCCL says; after the time limit also
// which ranks do not answer and which wait for another exchange.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "gatesweep/comm/communicator.h"
#include "gatesweep/comm/nccl_api.h"
#include "gatesweep/comm/nccl_backend.h"
#include "gatesweep/comm/roll_call.h"

namespace gatesweep {

struct SendBlock {
    std::byte const* data = nullptr;
    std::size_t num_bytes = 0;
};
struct ReceiveBlock {
    std::byte* data = nullptr;
    std::size_t num_bytes = 0;
};

class NcclConnection {
public:
    // Collective.
    NcclConnection(Communicator const& communicator, int device, std::shared_ptr<NcclApi> api, NcclOptions options);
    // Drains and finalizes; while an error passes through, aborts instead: the others may not be there any more.
    ~NcclConnection();
    NcclConnection(NcclConnection const&) = delete;
    NcclConnection& operator=(NcclConnection const&) = delete;

    // Enqueues on the device's current stream: block r of `send` to rank r, block r of `receive` from rank r. What this
    // rank sends to itself is copied. The blocks must stay until the stream has come so far.
    void exchange(std::span<SendBlock const> send, std::span<ReceiveBlock const> receive);
    // Until the stream has executed everything.
    void wait();

    // Happens when what it was made for is done.
    using Event = std::shared_ptr<void>;
    // The same beside the current stream, after everything that was enqueued there so far. The blocks must stay until
    // the event has happened, and what is received is there for work enqueued after wait_for().
    Event exchange_aside(std::span<SendBlock const> send, std::span<ReceiveBlock const> receive);
    void wait_for(Event const& event);

private:
    using Clock = std::chrono::steady_clock;

    NcclId share_id(Communicator const& communicator);
    void enqueue(std::span<SendBlock const> send, std::span<ReceiveBlock const> receive);
    Event recorded(DeviceStream stream);
    void validate_health();
    // ask(done): the status of a question about the device.
    template <class Ask>
    void wait_until(char const* call, Ask const& ask);
    // Follows a call of NCCL's to its end. In progress is not an error where `status` comes from inside a group.
    void finish(char const* call, NcclStatus status);
    void check_device(char const* call, DeviceStatus status);
    void pause(Clock::time_point started, char const* call);
    [[noreturn]] void give_up(std::string const& what);
    [[noreturn]] void give_up_late(char const* call);
    void abort() noexcept;

    std::shared_ptr<NcclApi> api_;
    NcclOptions options_;
    RollCall roll_call_;
    int rank_;
    int size_;
    int device_;
    int unwinding_;  // errors on their way when this was made
    NcclComm comm_ = nullptr;
    DeviceStream stream_ = nullptr;  // of the last exchange
    DeviceStream side_stream_ = nullptr;
    std::int64_t num_exchanges_ = 0;
    bool in_group_ = false;
};

}  // namespace gatesweep
