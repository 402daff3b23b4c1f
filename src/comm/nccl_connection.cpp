#include "nccl_connection.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "gatesweep/base/log.h"

namespace gatesweep {

NcclConnection::NcclConnection(Communicator const& communicator, int device, std::shared_ptr<NcclApi> api,
                               NcclOptions options)
    : api_(std::move(api)),
      options_(options),
      roll_call_(communicator),
      rank_(communicator.rank()),
      size_(communicator.size()),
      device_(device),
      unwinding_(std::uncaught_exceptions()) {
    validate_nccl_version(api_->built_version(), api_->loaded_version());
    NcclId const id = share_id(communicator);
    check_device("cudaSetDevice", api_->set_device(device_));
    finish("ncclCommInitRankConfig", api_->comm_init_rank(comm_, size_, id, rank_));
}

NcclConnection::~NcclConnection() {
    if (!comm_) return;
    if (std::uncaught_exceptions() > unwinding_) {
        abort();
        return;
    }
    try {
        wait();
        finish("ncclCommFinalize", api_->comm_finalize(comm_));
        NcclStatus const status = api_->comm_destroy(std::exchange(comm_, nullptr));
        if (status != NcclStatus::success) warn("ncclCommDestroy failed: {}", api_->status_text(status));
    } catch (Error const& error) {
        warn(error.what());
    }
}

// Rank 0's failure travels with the id, or the others would wait for ever.
NcclId NcclConnection::share_id(Communicator const& communicator) {
    struct {
        NcclStatus status = NcclStatus::success;
        NcclId id;
    } message;
    if (rank_ == 0) message.status = api_->get_unique_id(message.id);
    communicator.broadcast(std::as_writable_bytes(std::span(&message, 1)), 0);
    std::vector<std::string> const& names = roll_call_.names();
    if (message.status != NcclStatus::success)
        give_up(
            fmt::format("failed in ncclGetUniqueId on {} with \"{}\"", names[0], api_->status_text(message.status)));
    auto const versions = communicator.all_gather(api_->loaded_version());
    auto const other = std::find_if(versions.begin(), versions.end(), [&](auto v) { return v != versions[0]; });
    GATESWEEP_VALIDATE(
        other == versions.end(), ExitCode::unavailable,
        "{} loads NCCL {}, but {} loads {} (GPUs that follow different protocols cannot talk to each other): "
        "give every node the same libnccl.so.2",
        names[0], nccl_version_text(static_cast<int>(versions[0])),
        names[static_cast<std::size_t>(other - versions.begin())], nccl_version_text(static_cast<int>(*other)));
    return message.id;
}

void NcclConnection::exchange(std::span<SendBlock const> send, std::span<ReceiveBlock const> receive) {
    check_device("cudaSetDevice", api_->set_device(device_));
    stream_ = api_->current_stream(device_);
    enqueue(send, receive);
}

NcclConnection::Event NcclConnection::exchange_aside(std::span<SendBlock const> send,
                                                     std::span<ReceiveBlock const> receive) {
    check_device("cudaSetDevice", api_->set_device(device_));
    if (!side_stream_) side_stream_ = api_->side_stream(device_);
    Event const rows_are_made = recorded(api_->current_stream(device_));
    check_device("cudaStreamWaitEvent", api_->wait_for_event(side_stream_, rows_are_made.get()));
    stream_ = side_stream_;
    enqueue(send, receive);
    return recorded(stream_);
}

NcclConnection::Event NcclConnection::recorded(DeviceStream stream) {
    DeviceEvent made = nullptr;
    check_device("cudaEventCreate", api_->make_event(made));
    Event event(made, [api = api_](DeviceEvent e) { api->destroy_event(e); });
    check_device("cudaEventRecord", api_->record_event(made, stream));
    return event;
}

void NcclConnection::enqueue(std::span<SendBlock const> send, std::span<ReceiveBlock const> receive) {
    GATESWEEP_EXPECT(std::ssize(send) == size_ && std::ssize(receive) == size_);
    GATESWEEP_EXPECT(send[rank_].num_bytes == receive[rank_].num_bytes);
    GATESWEEP_VALIDATE(comm_, ExitCode::io, "the connection between the GPUs was given up after an earlier failure");
    validate_health();
    ++num_exchanges_;
    if (send[rank_].num_bytes > 0) {
        check_device("cudaMemcpyAsync",
                     api_->copy_async(receive[rank_].data, send[rank_].data, send[rank_].num_bytes, stream_));
    }
    // In a group NCCL starts nothing before its end, so the order of calls cannot make ranks wait for each other. Both
    // sides of a pair know its size: they skip it, and cut it, alike.
    auto const in_pieces = [&](std::size_t num_bytes, auto const& move) {
        for (std::size_t at = 0; at < num_bytes; at += options_.max_piece_bytes)
            move(at, std::min(options_.max_piece_bytes, num_bytes - at));
    };
    finish("ncclGroupStart", api_->group_start());
    in_group_ = true;
    for (int r = 0; r < size_; ++r) {
        if (r == rank_) continue;
        in_pieces(send[r].num_bytes, [&](std::size_t at, std::size_t piece) {
            finish("ncclSend", api_->send(send[r].data + at, piece, r, comm_, stream_));
        });
        in_pieces(receive[r].num_bytes, [&](std::size_t at, std::size_t piece) {
            finish("ncclRecv", api_->receive(receive[r].data + at, piece, r, comm_, stream_));
        });
    }
    in_group_ = false;
    finish("ncclGroupEnd", api_->group_end());
}

// Of what was enqueued earlier and nobody waits for yet.
void NcclConnection::validate_health() {
    NcclStatus status = NcclStatus::success;
    NcclStatus const asked = api_->comm_get_async_error(comm_, status);
    if (asked != NcclStatus::success) status = asked;
    if (status != NcclStatus::success && status != NcclStatus::in_progress)
        give_up(fmt::format("failed with \"{}\"", api_->status_text(status)));
}

void NcclConnection::wait() {
    if (num_exchanges_ > 0)
        wait_until("cudaStreamQuery", [&](bool& done) { return api_->stream_query(stream_, done); });
}

void NcclConnection::wait_for(Event const& event) {
    wait_until("cudaEventQuery", [&](bool& done) { return api_->event_query(event.get(), done); });
}

template <class Ask>
void NcclConnection::wait_until(char const* call, Ask const& ask) {
    GATESWEEP_VALIDATE(comm_, ExitCode::io, "the connection between the GPUs was given up after an earlier failure");
    auto const started = Clock::now();
    for (bool done = false; !done;) {
        check_device(call, ask(done));
        validate_health();
        if (!done) pause(started, "the exchange");
    }
}

void NcclConnection::finish(char const* call, NcclStatus status) {
    auto const started = Clock::now();
    // Inside a group the outcome is that of its end.
    while (status == NcclStatus::in_progress && !in_group_) {
        NcclStatus const asked = api_->comm_get_async_error(comm_, status);
        if (asked != NcclStatus::success) status = asked;
        if (status == NcclStatus::in_progress) pause(started, call);
    }
    if (status == NcclStatus::success || status == NcclStatus::in_progress) return;
    give_up(fmt::format("failed in {} with \"{}\"", call, api_->status_text(status)));
}

void NcclConnection::check_device(char const* call, DeviceStatus status) {
    if (status != 0) give_up(fmt::format("failed in {} with \"{}\"", call, api_->device_status_text(status)));
}

// An exchange takes tens of microseconds: at first look again at once. MPI makes progress in the meantime, for without
// it another rank could wait for this one for ever.
void NcclConnection::pause(Clock::time_point started, char const* call) {
    roll_call_.answer(num_exchanges_);
    auto const waited = Clock::now() - started;
    if (waited > std::chrono::duration<double>(options_.timeout_seconds)) give_up_late(call);
    if (waited < std::chrono::milliseconds(2)) {
        std::this_thread::yield();
    } else {
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
}

void NcclConnection::give_up_late(char const* call) {
    double const patience = std::min(10.0, options_.timeout_seconds);
    auto const answers = roll_call_.ask(num_exchanges_, patience);
    std::vector<std::string> silent, elsewhere;
    for (std::size_t r = 0; r < answers.size(); ++r) {
        std::string const& name = roll_call_.names()[r];
        if (!answers[r]) silent.push_back(name);
        if (answers[r] && *answers[r] != num_exchanges_)
            elsewhere.push_back(fmt::format("{} is at exchange {}", name, *answers[r]));
    }
    std::string who = "every rank waits, so the link between GPUs is what is stuck";
    if (!silent.empty()) who = fmt::format("no answer from {}", fmt::join(silent, ", "));
    if (!elsewhere.empty()) who = fmt::format("{}{}", silent.empty() ? "" : who + "; ", fmt::join(elsewhere, ", "));
    give_up(fmt::format("did not end within {:g} s ({}): {}", options_.timeout_seconds, call, who));
}

void NcclConnection::give_up(std::string const& what) {
    std::string const ranks = fmt::format("{}", fmt::join(roll_call_.names(), ", "));
    std::string const subject = num_exchanges_ == 0 ? "connecting" : fmt::format("exchange {}", num_exchanges_);
    std::string const more = comm_ ? api_->last_error(comm_) : "";
    abort();
    fail(ExitCode::io,
         "{} over NCCL between {} {}{}{} (a rank, its GPU or the link was lost, and what the others wait for will "
         "not come): run again; if it comes back, look at NCCL_DEBUG=INFO, or allow more time with "
         "GATESWEEP_NCCL_TIMEOUT=SECONDS",
         subject, ranks, what, more.empty() ? "" : "; NCCL says: ", more);
}

void NcclConnection::abort() noexcept {
    if (std::exchange(in_group_, false)) api_->group_end();
    if (comm_) api_->comm_abort(std::exchange(comm_, nullptr));
}

}  // namespace gatesweep
