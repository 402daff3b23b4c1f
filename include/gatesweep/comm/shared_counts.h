// How far all ranks are with a phase, on rank 0, by messages that nobody waits for.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "gatesweep/comm/communicator.h"

namespace gatesweep {

struct Counts {
    std::int64_t done = 0;
    std::int64_t all = 0;
};

// One at a time on a communicator; made and finished in the same order on every rank.
class SharedCounts {
public:
    explicit SharedCounts(Communicator const& world);
    // Without finish(), on the way out of a stopped run, messages may be left behind; they are then ignored.
    ~SharedCounts();
    SharedCounts(SharedCounts const&) = delete;
    SharedCounts& operator=(SharedCounts const&) = delete;

    // This rank's. Told to rank 0 now and then; whoever asks in between sees an earlier one.
    void set(Counts counts);
    // Rank 0: the sum of what it has heard so far; elsewhere this rank's own.
    Counts sum();
    // Collective. The sum of what every rank set last; on every rank.
    Counts finish();

private:
    struct Message;

    Communicator world_;
    Counts own_;
    std::vector<Counts> heard_;  // rank 0: by rank
    std::int64_t serial_;        // of this object: tells its messages from those of an earlier one
    std::int64_t num_sent_ = 0;
    std::vector<std::int64_t> num_received_;  // rank 0: by rank
    std::chrono::steady_clock::time_point last_sent_;
    std::unique_ptr<Message> message_;  // under way

    bool is_sending() const;
    void send();
    void receive(int source);
    void hear();  // rank 0: all that has come in
};

}  // namespace gatesweep
