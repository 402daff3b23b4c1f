// NCCL over host memory, for tests: the calls of comm/nccl_api.h, carried between the ranks by MPI, and told to fail.
//
// It holds callers to NCCL's rules for communicators with blocking = 0 and counts what breaks them: a call while
// another is in progress, a group left open, a communicator destroyed before it was finalized, or used after its end. A
// stream is a queue that is worked off in stream_query and event_query, as if the device came to it only then. Every
// message carries a hash of all sizes that its sender has sent to its receiver so far, so that ranks which exchange in
// different orders are told.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gatesweep/comm/communicator.h"
#include "gatesweep/comm/nccl_api.h"

namespace gatesweep {

enum class FakeCall { get_unique_id, init, group_start, send, receive, group_end, launched, copy, query, finalize };

struct FakeFault {
    FakeCall call = FakeCall::send;  // launched: of a group, once it is on the stream; found by comm_get_async_error
    std::int64_t at = 0;             // the n-th such call of the communicator, from 0
    // A status; in_progress: it stays so for ever, and what was launched never ends.
    NcclStatus status = NcclStatus::system_error;
};

struct FakeOptions {
    int in_progress = 0;  // looks until a call that may be in progress is over
    std::optional<FakeFault> fault;
    int built_version = 22809;
    int loaded_version = 22809;
};

class FakeNccl final : public NcclApi {
public:
    // Collective over the ranks that will make a communicator of it.
    FakeNccl(Communicator const& ranks, FakeOptions options);
    ~FakeNccl() override;

    int built_version() override { return options_.built_version; }
    int loaded_version() override { return options_.loaded_version; }
    NcclStatus get_unique_id(NcclId& id) override;
    NcclStatus comm_init_rank(NcclComm& comm, int num_ranks, NcclId const& id, int rank) override;
    NcclStatus comm_get_async_error(NcclComm comm, NcclStatus& status) override;
    NcclStatus comm_finalize(NcclComm comm) override;
    NcclStatus comm_destroy(NcclComm comm) override;
    NcclStatus comm_abort(NcclComm comm) override;
    NcclStatus group_start() override;
    NcclStatus group_end() override;
    NcclStatus send(void const* from, std::size_t num_bytes, int peer, NcclComm comm, DeviceStream stream) override;
    NcclStatus receive(void* to, std::size_t num_bytes, int peer, NcclComm comm, DeviceStream stream) override;
    std::string status_text(NcclStatus status) override;
    std::string last_error(NcclComm) override { return last_error_; }
    DeviceStatus set_device(int) override { return 0; }
    DeviceStream current_stream(int) override { return this; }
    DeviceStream side_stream(int) override { return &side_; }
    DeviceStatus copy_async(void* to, void const* from, std::size_t num_bytes, DeviceStream stream) override;
    DeviceStatus stream_query(DeviceStream stream, bool& done) override;
    DeviceStatus make_event(DeviceEvent& event) override;
    DeviceStatus destroy_event(DeviceEvent event) override;
    DeviceStatus record_event(DeviceEvent event, DeviceStream stream) override;
    DeviceStatus wait_for_event(DeviceStream stream, DeviceEvent event) override;
    DeviceStatus event_query(DeviceEvent event, bool& done) override;
    std::string device_status_text(DeviceStatus) override { return "fake device error"; }

    // What a test looks at.
    std::vector<std::string> const& broken_rules() const { return broken_rules_; }
    std::int64_t num_calls(FakeCall call) const;
    std::int64_t num_in_progress() const { return num_in_progress_; }  // answers
    int num_aborted() const { return num_aborted_; }
    int num_destroyed() const { return num_destroyed_; }
    std::int64_t num_events() const { return num_events_; }          // not destroyed
    std::int64_t most_under_way() const { return most_under_way_; }  // groups on the stream at once

private:
    struct Mail;
    struct Transfer;
    struct Work;
    enum class Phase { none, making, ready, finalizing, finalized, ended };

    NcclStatus begin(FakeCall call, NcclComm comm);
    NcclStatus may_be_in_progress();
    void check_stream(DeviceStream stream);
    void enqueue(Work work);
    void break_rule(std::string const& what);
    void progress();
    bool progress_transfer(Transfer& transfer);
    void compare_with_peers(std::vector<std::uint64_t> const& mine);

    std::unique_ptr<Mail> mail_;
    FakeOptions options_;
    Phase phase_ = Phase::none;
    NcclStatus async_ = NcclStatus::success;
    std::string last_error_;
    int looks_left_ = 0;  // of the call in progress
    bool stuck_ = false;
    bool in_group_ = false, group_failed_ = false;
    std::int64_t num_groups_ = 0;
    std::vector<Transfer> group_;
    std::deque<Work> stream_;
    char side_ = 0;               // its address stands for the side stream, which works off the same queue
    bool side_may_read_ = false;  // it waits for what the other stream made
    std::int64_t num_enqueued_ = 0, num_executed_ = 0, most_under_way_ = 0, num_events_ = 0;
    std::vector<std::uint64_t> sent_hash_, received_hash_;
    std::map<FakeCall, std::int64_t> calls_;
    std::vector<std::string> broken_rules_;
    std::int64_t num_in_progress_ = 0;
    int num_aborted_ = 0;
    int num_destroyed_ = 0;
};

}  // namespace gatesweep
