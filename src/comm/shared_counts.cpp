#include "gatesweep/comm/shared_counts.h"

#include <mpi.h>

#include <utility>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

constexpr int tag = 4711;  // no other message of the program goes from rank to rank
constexpr auto between_messages = std::chrono::milliseconds(100);

MPI_Comm comm_of(Communicator const& world) {
    return *static_cast<MPI_Comm const*>(world.mpi_handle());
}

void check(int status, char const* call) {
    GATESWEEP_VALIDATE(status == MPI_SUCCESS, ExitCode::io,
                       "{} failed (another rank was lost, or the network was): run again", call);
}

std::int64_t next_serial = 0;

}  // namespace

struct SharedCounts::Message {
    std::array<std::int64_t, 3> values{};  // serial, done, all
    MPI_Request request = MPI_REQUEST_NULL;
};

SharedCounts::SharedCounts(Communicator const& world)
    : world_(world),
      heard_(static_cast<std::size_t>(world.size())),
      serial_(next_serial++),
      num_received_(static_cast<std::size_t>(world.size()), 0),
      last_sent_(std::chrono::steady_clock::now() - between_messages) {}

SharedCounts::~SharedCounts() {
    if (is_sending()) std::ignore = message_.release();  // MPI may still read it
}

bool SharedCounts::is_sending() const {
    if (!message_ || message_->request == MPI_REQUEST_NULL) return false;
    int is_done = 0;
    check(MPI_Test(&message_->request, &is_done, MPI_STATUS_IGNORE), "MPI_Test");
    return is_done == 0;
}

void SharedCounts::send() {
    if (!message_) message_ = std::make_unique<Message>();
    message_->values = {serial_, own_.done, own_.all};
    check(MPI_Isend(message_->values.data(), 3, MPI_INT64_T, 0, tag, comm_of(world_), &message_->request), "MPI_Isend");
    ++num_sent_;
}

void SharedCounts::set(Counts counts) {
    own_ = counts;
    if (world_.is_null()) return;
    if (world_.rank() == 0) return hear();
    auto const now = std::chrono::steady_clock::now();
    if (now - last_sent_ < between_messages || is_sending()) return;
    last_sent_ = now;
    send();
}

void SharedCounts::receive(int source) {
    MPI_Status status;
    std::array<std::int64_t, 3> values{};
    check(MPI_Recv(values.data(), 3, MPI_INT64_T, source, tag, comm_of(world_), &status), "MPI_Recv");
    auto const rank = static_cast<std::size_t>(status.MPI_SOURCE);
    if (values[0] != serial_) return;  // of a phase that was stopped
    heard_[rank] = {values[1], values[2]};
    ++num_received_[rank];
}

void SharedCounts::hear() {
    // MPI brings messages in when it is called, a few at a time: one call that finds none does not mean that none wait.
    constexpr int enough = 4;
    for (int in_vain = 0; in_vain < enough;) {
        MPI_Status status;
        int is_there = 0;
        check(MPI_Iprobe(MPI_ANY_SOURCE, tag, comm_of(world_), &is_there, &status), "MPI_Iprobe");
        is_there != 0 ? receive(status.MPI_SOURCE) : void(++in_vain);
    }
}

Counts SharedCounts::sum() {
    if (world_.rank() != 0 || world_.is_null()) return own_;
    hear();
    Counts sum = own_;
    for (Counts const& of_rank : heard_) {
        sum.done += of_rank.done;
        sum.all += of_rank.all;
    }
    return sum;
}

Counts SharedCounts::finish() {
    auto const num_sent = world_.all_gather(num_sent_);
    Counts const sum{world_.all_reduce_sum(own_.done), world_.all_reduce_sum(own_.all)};
    if (world_.is_null()) return sum;
    if (world_.rank() == 0) {
        // From each rank its own: another one may be in the next phase already, whose messages are not for here.
        for (std::size_t rank = 1; rank < num_sent.size(); ++rank) {
            while (num_received_[rank] < num_sent[rank])
                receive(static_cast<int>(rank));
        }
    } else if (message_ && message_->request != MPI_REQUEST_NULL) {
        check(MPI_Wait(&message_->request, MPI_STATUS_IGNORE), "MPI_Wait");
    }
    return sum;
}

}  // namespace gatesweep
