// Who is still there? Asked when an exchange between devices does not end, so that the message names the rank to look
// at.
//
// Over MPI, on a communicator of its own: ranks that wait for an exchange answer, a rank that was lost, is stopped or
// went elsewhere does not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gatesweep/comm/communicator.h"

namespace gatesweep {

class RollCall {
public:
    // Collective.
    explicit RollCall(Communicator const& communicator);
    ~RollCall();
    RollCall(RollCall&&) noexcept;

    // Answers what others have asked, with the number of the exchange that this rank waits for. To be called again and
    // again while waiting; it also lets MPI make progress.
    void answer(std::int64_t exchange);
    // Asks the others and waits `seconds`, answering them meanwhile: the exchange that each rank waits for, in rank
    // order, nothing where none came. This rank's own is `exchange`.
    std::vector<std::optional<std::int64_t>> ask(std::int64_t exchange, double seconds);

    // "rank 5 (node2)" of every rank of the communicator: its rank in the world, and its host.
    std::vector<std::string> const& names() const { return names_; }

private:
    struct Mail;
    std::unique_ptr<Mail> mail_;
    std::vector<std::string> names_;
};

}  // namespace gatesweep
