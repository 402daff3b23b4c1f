// A stand-in for NCCL over MPI. Long: it has every call that the program makes, and every fault.
#include "fake_nccl.h"

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

namespace gatesweep {
namespace {

constexpr int header_tag = 1, payload_tag = 2, check_tag = 3;

char const* name_of(FakeCall call) {
    constexpr char const* names[] = {"ncclGetUniqueId", "ncclCommInitRankConfig", "ncclGroupStart",   "ncclSend",
                                     "ncclRecv",        "ncclGroupEnd",           "a launched group", "cudaMemcpyAsync",
                                     "cudaStreamQuery", "ncclCommFinalize"};
    return names[static_cast<int>(call)];
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
    return (hash ^ (value + 0x9e3779b97f4a7c15)) * 0x100000001b3;
}

bool is_done(MPI_Request& request) {
    int done = 0;
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    return done != 0;
}

void drop(MPI_Request& request, bool is_send) {
    if (request == MPI_REQUEST_NULL) return;
    if (!is_send) MPI_Cancel(&request);
    MPI_Request_free(&request);
}

struct Header {
    std::uint64_t hash = 0, num_bytes = 0;
};

}  // namespace

struct FakeNccl::Mail {
    explicit Mail(Communicator const& ranks) {
        // Never freed: MPI uses the ids again, and what an aborted one has sent may still come.
        static auto& kept = *new std::vector<Communicator>();
        Communicator const& own = kept.emplace_back(ranks.split(0, ranks.rank()));
        comm = *static_cast<MPI_Comm const*>(own.mpi_handle());
        rank = own.rank();
        size = own.size();
    }
    MPI_Comm comm = MPI_COMM_NULL;
    int rank = 0, size = 1;
    // One word to and from every rank, while a communicator is made or finalized.
    std::vector<std::uint64_t> out, in, expected;
    std::vector<MPI_Request> requests;
};

struct FakeNccl::Transfer {
    bool is_send = false;
    std::byte* data = nullptr;
    int peer = 0;
    Header header;  // sent, or expected
    Header arrived;
    bool started = false, header_done = false;
    MPI_Request header_request = MPI_REQUEST_NULL, payload_request = MPI_REQUEST_NULL;
};

struct FakeNccl::Work {
    std::vector<Transfer> transfers;
    void* copy_to = nullptr;
    void const* copy_from = nullptr;
    std::size_t copy_bytes = 0;
    bool stuck = false;
};

FakeNccl::FakeNccl(Communicator const& ranks, FakeOptions options)
    : mail_(std::make_unique<Mail>(ranks)),
      options_(std::move(options)),
      sent_hash_(static_cast<std::size_t>(mail_->size), 0),
      received_hash_(sent_hash_) {}
FakeNccl::~FakeNccl() {
    if (phase_ != Phase::ended) comm_abort(this);
}

std::int64_t FakeNccl::num_calls(FakeCall call) const {
    auto const found = calls_.find(call);
    return found == calls_.end() ? 0 : found->second;
}

void FakeNccl::break_rule(std::string const& what) {
    broken_rules_.push_back(what);
    if (last_error_.empty()) last_error_ = what;
}

// What every call but the questions goes through: the rules, then the fault that a test has asked for.
NcclStatus FakeNccl::begin(FakeCall call, NcclComm comm) {
    std::int64_t const number = calls_[call]++;
    bool const makes = call == FakeCall::get_unique_id || call == FakeCall::init;
    if (!makes && comm && comm != this) break_rule(fmt::format("{} on an unknown communicator", name_of(call)));
    if (!makes && phase_ != Phase::ready)
        break_rule(fmt::format("{} on a communicator that is not ready", name_of(call)));
    if (looks_left_ > 0 || stuck_) break_rule(fmt::format("{} while another call is in progress", name_of(call)));
    if (async_ != NcclStatus::success) break_rule(fmt::format("{} after an error", name_of(call)));
    auto const& fault = options_.fault;
    if (!fault || fault->call != call || fault->at != number) return NcclStatus::success;
    stuck_ = fault->status == NcclStatus::in_progress;
    group_failed_ |= in_group_;
    if (!stuck_) last_error_ = fmt::format("a fault in {}", name_of(call));
    return fault->status;
}

NcclStatus FakeNccl::may_be_in_progress() {
    looks_left_ = options_.in_progress;
    return looks_left_ > 0 ? NcclStatus::in_progress : NcclStatus::success;
}

NcclStatus FakeNccl::get_unique_id(NcclId& id) {
    for (std::size_t i = 0; i < id.bytes.size(); ++i)
        id.bytes[i] = static_cast<char>(i * 7 + 1);
    return begin(FakeCall::get_unique_id, nullptr);
}

NcclStatus FakeNccl::comm_init_rank(NcclComm& comm, int num_ranks, NcclId const& id, int rank) {
    if (num_ranks != mail_->size || rank != mail_->rank) return NcclStatus::invalid_argument;
    comm = this;  // set also where it fails, so that it can be aborted
    phase_ = Phase::making;
    if (NcclStatus const status = begin(FakeCall::init, comm); status != NcclStatus::success) return status;
    std::uint64_t hash = 1;
    for (char byte : id.bytes)
        hash = mix(hash, static_cast<unsigned char>(byte));
    mail_->expected.assign(sent_hash_.size(), hash);
    compare_with_peers(mail_->expected);
    may_be_in_progress();
    return NcclStatus::in_progress;
}

void FakeNccl::compare_with_peers(std::vector<std::uint64_t> const& mine) {
    Mail& mail = *mail_;
    mail.out = mine;
    mail.in.assign(mine.size(), 0);
    for (int r = 0; r < mail.size; ++r) {
        MPI_Irecv(&mail.in[r], 1, MPI_UINT64_T, r, check_tag, mail.comm, &mail.requests.emplace_back());
        MPI_Isend(&mail.out[r], 1, MPI_UINT64_T, r, check_tag, mail.comm, &mail.requests.emplace_back());
    }
}

NcclStatus FakeNccl::comm_get_async_error(NcclComm comm, NcclStatus& status) {
    if (comm != this || phase_ == Phase::ended) break_rule("ncclCommGetAsyncError on a communicator that was ended");
    Mail& mail = *mail_;
    bool waiting = stuck_;
    for (MPI_Request& request : mail.requests)
        waiting |= !is_done(request);
    if (!waiting && !mail.requests.empty()) {
        mail.requests.clear();
        if (mail.in != mail.expected) {
            last_error_ = "ranks disagree about what they sent and received";
            async_ = NcclStatus::invalid_usage;
        }
    }
    if (!waiting && looks_left_ > 0) waiting = --looks_left_ >= 0;
    status = async_ != NcclStatus::success ? async_ : waiting ? NcclStatus::in_progress : NcclStatus::success;
    num_in_progress_ += status == NcclStatus::in_progress;
    if (status == NcclStatus::success && phase_ == Phase::making) phase_ = Phase::ready;
    if (status == NcclStatus::success && phase_ == Phase::finalizing) phase_ = Phase::finalized;
    return NcclStatus::success;
}

NcclStatus FakeNccl::comm_finalize(NcclComm comm) {
    if (NcclStatus const status = begin(FakeCall::finalize, comm); status != NcclStatus::success) return status;
    if (!stream_.empty()) break_rule("ncclCommFinalize with work on the stream");
    phase_ = Phase::finalizing;
    // What a rank has sent is what its peer has received, in the same order.
    mail_->expected = received_hash_;
    compare_with_peers(sent_hash_);
    may_be_in_progress();
    return NcclStatus::in_progress;
}

NcclStatus FakeNccl::comm_destroy(NcclComm comm) {
    if (comm != this || phase_ != Phase::finalized) break_rule("ncclCommDestroy before ncclCommFinalize is over");
    phase_ = Phase::ended;
    ++num_destroyed_;
    return NcclStatus::success;
}

NcclStatus FakeNccl::comm_abort(NcclComm comm) {
    if (comm != this || phase_ == Phase::ended) break_rule("ncclCommAbort on a communicator that was ended");
    if (in_group_) break_rule("ncclCommAbort inside a group");
    for (std::size_t i = 0; i < mail_->requests.size(); ++i)
        drop(mail_->requests[i], i % 2 == 1);
    mail_->requests.clear();
    for (Work& work : stream_) {
        for (Transfer& transfer : work.transfers) {
            drop(transfer.header_request, transfer.is_send);
            drop(transfer.payload_request, transfer.is_send);
        }
    }
    // Letters on their way still point into the work, so it stays as long as this does.
    phase_ = Phase::ended;
    ++num_aborted_;
    return NcclStatus::success;
}

NcclStatus FakeNccl::group_start() {
    NcclStatus const status = begin(FakeCall::group_start, nullptr);
    if (in_group_) break_rule("ncclGroupStart inside a group");
    in_group_ = status == NcclStatus::success;
    return status;
}

NcclStatus FakeNccl::send(void const* from, std::size_t num_bytes, int peer, NcclComm comm, DeviceStream stream) {
    check_stream(stream);
    if (NcclStatus const status = begin(FakeCall::send, comm); status != NcclStatus::success) return status;
    if (!in_group_) break_rule("ncclSend outside a group");
    auto& hash = sent_hash_[static_cast<std::size_t>(peer)];
    hash = mix(mix(hash, num_bytes), static_cast<std::uint64_t>(num_groups_));
    Transfer& transfer = group_.emplace_back();
    transfer.is_send = true;
    transfer.data = static_cast<std::byte*>(const_cast<void*>(from));
    transfer.peer = peer;
    transfer.header = {hash, num_bytes};
    return options_.in_progress > 0 ? NcclStatus::in_progress : NcclStatus::success;  // its group's end tells
}

NcclStatus FakeNccl::receive(void* to, std::size_t num_bytes, int peer, NcclComm comm, DeviceStream) {
    if (NcclStatus const status = begin(FakeCall::receive, comm); status != NcclStatus::success) return status;
    if (!in_group_) break_rule("ncclRecv outside a group");
    auto& hash = received_hash_[static_cast<std::size_t>(peer)];
    hash = mix(mix(hash, num_bytes), static_cast<std::uint64_t>(num_groups_));
    Transfer& transfer = group_.emplace_back();
    transfer.data = static_cast<std::byte*>(to);
    transfer.peer = peer;
    transfer.header = {hash, num_bytes};
    return NcclStatus::success;
}

NcclStatus FakeNccl::group_end() {
    if (!std::exchange(in_group_, false)) break_rule("ncclGroupEnd without ncclGroupStart");
    if (std::exchange(group_failed_, false)) return NcclStatus::invalid_usage;  // starts nothing
    if (NcclStatus const status = begin(FakeCall::group_end, this); status != NcclStatus::success) return status;
    ++num_groups_;
    Work work;
    work.transfers = std::exchange(group_, {});
    side_may_read_ = false;
    auto const& fault = options_.fault;
    if (fault && fault->call == FakeCall::launched && fault->at == calls_[FakeCall::launched]++) {
        work.stuck = true;
        if (fault->status != NcclStatus::in_progress)
            async_ = fault->status, last_error_ = "a fault in a launched group";
    }
    enqueue(std::move(work));
    return may_be_in_progress();
}

DeviceStatus FakeNccl::copy_async(void* to, void const* from, std::size_t num_bytes, DeviceStream stream) {
    check_stream(stream);
    if (begin(FakeCall::copy, this) != NcclStatus::success) return 1;
    Work work;
    work.copy_to = to;
    work.copy_from = from;
    work.copy_bytes = num_bytes;
    enqueue(std::move(work));
    return 0;
}

DeviceStatus FakeNccl::stream_query(DeviceStream, bool& done) {
    auto const& fault = options_.fault;
    if (fault && fault->call == FakeCall::query && fault->at == calls_[FakeCall::query]++) return 1;
    progress();
    done = stream_.empty();
    return 0;
}

DeviceStatus FakeNccl::make_event(DeviceEvent& event) {
    event = new std::int64_t(-1);
    ++num_events_;
    return 0;
}

DeviceStatus FakeNccl::destroy_event(DeviceEvent event) {
    delete static_cast<std::int64_t*>(event);
    --num_events_;
    return 0;
}

DeviceStatus FakeNccl::record_event(DeviceEvent event, DeviceStream) {
    *static_cast<std::int64_t*>(event) = num_enqueued_;
    return 0;
}

DeviceStatus FakeNccl::wait_for_event(DeviceStream stream, DeviceEvent event) {
    if (*static_cast<std::int64_t*>(event) < 0) break_rule("a wait for an event that was not recorded");
    side_may_read_ |= stream == &side_;
    return 0;
}

DeviceStatus FakeNccl::event_query(DeviceEvent event, bool& done) {
    auto const& fault = options_.fault;
    if (fault && fault->call == FakeCall::query && fault->at == calls_[FakeCall::query]++) return 1;
    progress();
    done = num_executed_ >= *static_cast<std::int64_t*>(event);
    return 0;
}

void FakeNccl::check_stream(DeviceStream stream) {
    if (stream == &side_ && !side_may_read_) break_rule("rows are sent that the side stream has not waited for");
}

void FakeNccl::enqueue(Work work) {
    stream_.push_back(std::move(work));
    ++num_enqueued_;
    most_under_way_ = std::max<std::int64_t>(
        most_under_way_, std::ranges::count_if(stream_, [](Work const& w) { return w.copy_bytes == 0; }));
}

void FakeNccl::progress() {
    while (!stream_.empty() && !stream_.front().stuck && async_ == NcclStatus::success) {
        Work& work = stream_.front();
        if (work.copy_bytes > 0) std::memcpy(work.copy_to, work.copy_from, work.copy_bytes);
        bool done = true;
        std::set<int> waiting;  // peers whose next message belongs to an earlier receive
        for (Transfer& transfer : work.transfers) {
            if (!transfer.is_send && waiting.count(transfer.peer)) {
                done = false;
                continue;
            }
            done &= progress_transfer(transfer);
            if (!transfer.is_send && !transfer.header_done) waiting.insert(transfer.peer);
        }
        if (!done) return;
        stream_.pop_front();
        ++num_executed_;
    }
}

bool FakeNccl::progress_transfer(Transfer& t) {
    auto const num_bytes = static_cast<int>(t.header.num_bytes);
    MPI_Comm const comm = mail_->comm;
    if (!t.started) {
        t.started = true;
        if (t.is_send) {
            MPI_Isend(&t.header, sizeof t.header, MPI_BYTE, t.peer, header_tag, comm, &t.header_request);
            MPI_Isend(t.data, num_bytes, MPI_BYTE, t.peer, payload_tag, comm, &t.payload_request);
            t.header_done = true;
        } else {
            MPI_Irecv(&t.arrived, sizeof t.arrived, MPI_BYTE, t.peer, header_tag, comm, &t.header_request);
        }
    }
    if (t.is_send) return is_done(t.header_request) && is_done(t.payload_request);
    if (!t.header_done) {
        if (!is_done(t.header_request)) return false;
        if (t.arrived.hash != t.header.hash || t.arrived.num_bytes != t.header.num_bytes) {
            last_error_ = fmt::format("order mismatch with rank {}: it sends {} bytes, {} were expected", t.peer,
                                      t.arrived.num_bytes, t.header.num_bytes);
            async_ = NcclStatus::invalid_usage;
            return false;
        }
        t.header_done = true;
        MPI_Irecv(t.data, num_bytes, MPI_BYTE, t.peer, payload_tag, comm, &t.payload_request);
    }
    return is_done(t.payload_request);
}

std::string FakeNccl::status_text(NcclStatus status) {
    constexpr char const* texts[] = {"no error",
                                     "unhandled cuda error",
                                     "unhandled system error",
                                     "internal error",
                                     "invalid argument",
                                     "invalid usage",
                                     "remote process exited or there was a network error",
                                     "NCCL operation in progress"};
    return texts[static_cast<int>(status)];
}

}  // namespace gatesweep
