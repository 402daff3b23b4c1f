#include "gatesweep/comm/roll_call.h"

#include <mpi.h>

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <chrono>
#include <list>
#include <thread>

#include "gatesweep/base/host_name.h"

namespace gatesweep {
namespace {

constexpr int question_tag = 1, answer_tag = 2;

std::string own_name() {
    int started = 0, rank = 0;
    MPI_Initialized(&started);
    if (started) MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return fmt::format("rank {} ({})", rank, host_name());
}

std::vector<std::string> names_of(Communicator const& communicator) {
    std::vector<std::string> names = communicator.gather_value(own_name(), 0);
    communicator.broadcast_value(names, 0);
    return names;
}

}  // namespace

// Failures of MPI are not looked at: a rank that cannot be reached has not answered.
struct RollCall::Mail {
    struct Letter {
        std::int64_t exchange = 0;
        MPI_Request request = MPI_REQUEST_NULL;
    };

    explicit Mail(Communicator const& communicator) : own(communicator.split(0, communicator.rank())) {
        // Never freed: MPI uses the ids of freed communicators again, and a letter that nobody has read would then come
        // between the messages of another.
        static auto& kept = *new std::vector<Communicator>();
        kept.push_back(own);
        if (void const* const handle = own.mpi_handle()) comm = *static_cast<MPI_Comm const*>(handle);
    }
    ~Mail() {
        for (Letter& letter : sent) {
            if (letter.request != MPI_REQUEST_NULL) MPI_Request_free(&letter.request);
        }
    }
    Mail(Mail const&) = delete;
    Mail& operator=(Mail const&) = delete;

    void send(int to, int tag, std::int64_t exchange) {
        Letter& letter = sent.emplace_back();
        letter.exchange = exchange;
        if (MPI_Isend(&letter.exchange, 1, MPI_INT64_T, to, tag, comm, &letter.request) != MPI_SUCCESS) sent.pop_back();
    }
    // The sender and what it wrote, if a letter has come.
    std::optional<std::pair<int, std::int64_t>> receive(int tag) {
        int here = 0;
        MPI_Status status;
        if (MPI_Iprobe(MPI_ANY_SOURCE, tag, comm, &here, &status) != MPI_SUCCESS || !here) return {};
        std::int64_t exchange = 0;
        if (MPI_Recv(&exchange, 1, MPI_INT64_T, status.MPI_SOURCE, tag, comm, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return {};
        return std::pair{status.MPI_SOURCE, exchange};
    }
    void forget_delivered() {
        std::erase_if(sent, [](Letter& letter) {
            int done = 0;
            return MPI_Test(&letter.request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS || done;
        });
    }

    Communicator own;
    MPI_Comm comm = MPI_COMM_NULL;
    std::list<Letter> sent;  // a letter must stay where it is until it is delivered
};

RollCall::RollCall(Communicator const& communicator)
    : mail_(std::make_unique<Mail>(communicator)), names_(names_of(communicator)) {}
RollCall::~RollCall() = default;
RollCall::RollCall(RollCall&&) noexcept = default;

void RollCall::answer(std::int64_t exchange) {
    if (mail_->comm == MPI_COMM_NULL) return;
    while (auto const question = mail_->receive(question_tag))
        mail_->send(question->first, answer_tag, exchange);
    mail_->forget_delivered();
}

std::vector<std::optional<std::int64_t>> RollCall::ask(std::int64_t exchange, double seconds) {
    std::vector<std::optional<std::int64_t>> answers(names_.size());
    int const rank = mail_->own.rank(), size = mail_->own.size();
    answers[static_cast<std::size_t>(rank)] = exchange;
    for (int r = 0; r < size; ++r) {
        if (r != rank) mail_->send(r, question_tag, exchange);
    }
    auto const end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    // To the end even when all have answered: others may ask a little later.
    while (size > 1 && std::chrono::steady_clock::now() < end) {
        answer(exchange);
        while (auto const reply = mail_->receive(answer_tag))
            answers[static_cast<std::size_t>(reply->first)] = reply->second;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return answers;
}

}  // namespace gatesweep
