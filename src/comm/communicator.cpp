#include "gatesweep/comm/communicator.h"

#include <mpi.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "comm/communicator_handle.h"
#include "gatesweep/base/activity.h"

namespace gatesweep {

namespace {

// MPI counts are int: longer transfers go in pieces of this many elements.
constexpr std::int64_t max_piece = std::numeric_limits<int>::max() / 2;

void check(int status, char const* call) {
    if (status == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING] = {};
    int length = 0;
    MPI_Error_string(status, text, &length);
    fail(ExitCode::io, "{} failed: {} (another rank was lost, or the network was): run again", call,
         std::string(text, static_cast<std::size_t>(length)));
}

// The one place where a call waits for other ranks.
template <class Call>
void wait_in(char const* name, Call const& call) {
    WaitingMark const mark(name);
    check(call(), name);
}

template <class T>
void reduce_in_pieces(std::span<T> values, MPI_Datatype type, int root, MPI_Comm comm, bool is_root) {
    for (std::size_t at = 0; at < values.size(); at += max_piece) {
        int const count = static_cast<int>(std::min<std::size_t>(max_piece, values.size() - at));
        T* const piece = values.data() + at;
        wait_in("MPI_Reduce",
                [&] { return MPI_Reduce(is_root ? MPI_IN_PLACE : piece, piece, count, type, MPI_SUM, root, comm); });
    }
}

}  // namespace

int Communicator::rank() const {
    return handle_ ? handle_->rank : 0;
}
int Communicator::size() const {
    return handle_ ? handle_->size : 1;
}
void const* Communicator::mpi_handle() const {
    return handle_ ? &handle_->comm : nullptr;
}

void Communicator::barrier() const {
    if (handle_) wait_in("MPI_Barrier", [&] { return MPI_Barrier(handle_->comm); });
}

Communicator Communicator::split(int color, int key) const {
    if (!handle_) return {};
    MPI_Comm part = MPI_COMM_NULL;
    wait_in("MPI_Comm_split", [&] { return MPI_Comm_split(handle_->comm, color, key, &part); });
    return Communicator(std::make_shared<Handle const>(part, true));
}

Communicator Communicator::split_by_node() const {
    if (!handle_) return {};
    MPI_Comm part = MPI_COMM_NULL;
    wait_in("MPI_Comm_split_type", [&] {
        return MPI_Comm_split_type(handle_->comm, MPI_COMM_TYPE_SHARED, handle_->rank, MPI_INFO_NULL, &part);
    });
    return Communicator(std::make_shared<Handle const>(part, true));
}

void Communicator::broadcast(std::span<std::byte> bytes, int root) const {
    if (!handle_) return;
    for (std::size_t at = 0; at < bytes.size(); at += max_piece) {
        int const count = static_cast<int>(std::min<std::size_t>(max_piece, bytes.size() - at));
        wait_in("MPI_Bcast", [&] { return MPI_Bcast(bytes.data() + at, count, MPI_BYTE, root, handle_->comm); });
    }
}

void Communicator::reduce_sum(std::span<std::int64_t> values, int root) const {
    if (handle_) reduce_in_pieces(values, MPI_INT64_T, root, handle_->comm, rank() == root);
}

void Communicator::reduce_sum(std::span<double> values, int root) const {
    if (handle_) reduce_in_pieces(values, MPI_DOUBLE, root, handle_->comm, rank() == root);
}

namespace {

std::int64_t all_reduce(std::int64_t value, MPI_Op op, void const* comm) {
    if (comm) {
        wait_in("MPI_Allreduce", [&] {
            return MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, op, *static_cast<MPI_Comm const*>(comm));
        });
    }
    return value;
}

}  // namespace

std::int64_t Communicator::all_reduce_min(std::int64_t value) const {
    return all_reduce(value, MPI_MIN, mpi_handle());
}
std::int64_t Communicator::all_reduce_max(std::int64_t value) const {
    return all_reduce(value, MPI_MAX, mpi_handle());
}
std::int64_t Communicator::all_reduce_sum(std::int64_t value) const {
    return all_reduce(value, MPI_SUM, mpi_handle());
}

std::vector<std::int64_t> Communicator::all_gather(std::int64_t value) const {
    std::vector<std::int64_t> values(static_cast<std::size_t>(size()), value);
    if (handle_) {
        wait_in("MPI_Allgather",
                [&] { return MPI_Allgather(&value, 1, MPI_INT64_T, values.data(), 1, MPI_INT64_T, handle_->comm); });
    }
    return values;
}

std::vector<std::int64_t> Communicator::all_to_all(std::span<std::int64_t const> send, std::int64_t block) const {
    GATESWEEP_EXPECT(static_cast<std::int64_t>(send.size()) == block * size());
    std::vector<std::int64_t> received(send.begin(), send.end());
    if (handle_) {
        int const count = static_cast<int>(block);
        wait_in("MPI_Alltoall", [&] {
            return MPI_Alltoall(send.data(), count, MPI_INT64_T, received.data(), count, MPI_INT64_T, handle_->comm);
        });
    }
    return received;
}

std::vector<std::string> Communicator::gather_bytes(std::string const& bytes, int root) const {
    std::vector<std::int64_t> const sizes = all_gather(static_cast<std::int64_t>(bytes.size()));
    std::vector<std::int64_t> send(sizes.size(), 0), receive(sizes.size(), 0);
    send[static_cast<std::size_t>(root)] = sizes[static_cast<std::size_t>(rank())];
    if (rank() == root) receive = sizes;
    std::string all(static_cast<std::size_t>(std::accumulate(receive.begin(), receive.end(), std::int64_t{0})), '\0');
    all_to_all_v(std::as_bytes(std::span(bytes)), send, std::as_writable_bytes(std::span(all)), receive);
    std::vector<std::string> parts;
    if (rank() != root) return parts;
    std::size_t at = 0;
    for (std::int64_t size : sizes) {
        parts.push_back(all.substr(at, static_cast<std::size_t>(size)));
        at += static_cast<std::size_t>(size);
    }
    return parts;
}

void Communicator::all_to_all_v(std::span<std::byte const> send, std::span<std::int64_t const> send_bytes,
                                std::span<std::byte> receive, std::span<std::int64_t const> receive_bytes) const {
    if (!handle_) {
        std::copy(send.begin(), send.end(), receive.begin());
        return;
    }
    // Alltoallv counts are int; every rank takes part in the same number of rounds.
    std::int64_t largest = 0;
    for (int r = 0; r < size(); ++r)
        largest = std::max({largest, send_bytes[r], receive_bytes[r]});
    std::int64_t const piece = max_piece / size();
    std::int64_t rounds = (largest + piece - 1) / piece;
    if (size() > 1) rounds = all_reduce_max(rounds);
    std::vector<int> send_count(size()), send_at(size()), receive_count(size()), receive_at(size());
    for (std::int64_t round = 0; round < rounds; ++round) {
        // One round of pieces is packed so that displacements fit an int as well.
        std::vector<std::byte> out, in;
        bool const whole = rounds == 1;
        std::int64_t out_size = 0, in_size = 0;
        for (int r = 0; r < size(); ++r) {
            send_at[r] = static_cast<int>(out_size);
            receive_at[r] = static_cast<int>(in_size);
            send_count[r] = static_cast<int>(std::clamp<std::int64_t>(send_bytes[r] - round * piece, 0, piece));
            receive_count[r] = static_cast<int>(std::clamp<std::int64_t>(receive_bytes[r] - round * piece, 0, piece));
            out_size += send_count[r];
            in_size += receive_count[r];
        }
        std::byte const* from = send.data();
        std::byte* to = receive.data();
        if (!whole) {
            out.resize(static_cast<std::size_t>(out_size));
            in.resize(static_cast<std::size_t>(in_size));
            std::int64_t base = 0;
            for (int r = 0; r < size(); ++r) {
                std::copy_n(send.data() + base + round * piece, send_count[r], out.data() + send_at[r]);
                base += send_bytes[r];
            }
            from = out.data();
            to = in.data();
        }
        wait_in("MPI_Alltoallv", [&] {
            return MPI_Alltoallv(from, send_count.data(), send_at.data(), MPI_BYTE, to, receive_count.data(),
                                 receive_at.data(), MPI_BYTE, handle_->comm);
        });
        if (!whole) {
            std::int64_t base = 0;
            for (int r = 0; r < size(); ++r) {
                std::copy_n(in.data() + receive_at[r], receive_count[r], receive.data() + base + round * piece);
                base += receive_bytes[r];
            }
        }
    }
}

}  // namespace gatesweep
