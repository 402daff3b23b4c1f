// MPI as values: one session, communicators that free themselves, and a null communicator that acts serial, so that
// nothing above this layer asks whether there is more than one rank.
//
// Every failure of MPI is an Error (ExitCode::io: a peer was lost) that names the call. All collectives are on host
// memory; counts are elements, and a message of more than 2^31 - 1 elements is cut into pieces.
#pragma once

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "gatesweep/base/error.h"

namespace gatesweep {

class Communicator {
public:
    Communicator() = default;  // null: rank 0 of 1, collectives return their input

    int rank() const;
    int size() const;
    bool is_null() const { return handle_ == nullptr; }

    void barrier() const;
    // The communicator of the ranks that give the same colour, ordered by `key`.
    Communicator split(int color, int key) const;
    // The ranks that share this rank's node.
    Communicator split_by_node() const;

    void broadcast(std::span<std::byte> bytes, int root) const;
    // Element-wise sum of every rank's values, into the root's own; other ranks keep theirs. Sums of doubles are exact
    // only where at most one rank holds a value other than zero, which is how gatesweep uses it.
    void reduce_sum(std::span<std::int64_t> values, int root) const;
    void reduce_sum(std::span<double> values, int root) const;
    std::int64_t all_reduce_min(std::int64_t value) const;
    std::int64_t all_reduce_max(std::int64_t value) const;
    std::int64_t all_reduce_sum(std::int64_t value) const;
    // One value of every rank, in rank order.
    std::vector<std::int64_t> all_gather(std::int64_t value) const;
    // send holds size() blocks of `block` values, block r for rank r; so does the result, block r from rank r.
    std::vector<std::int64_t> all_to_all(std::span<std::int64_t const> send, std::int64_t block) const;
    // Blocks of send_bytes[r] bytes, in rank order, to rank r; receives receive_bytes[r] bytes from rank r, in rank
    // order.
    void all_to_all_v(std::span<std::byte const> send, std::span<std::int64_t const> send_bytes,
                      std::span<std::byte> receive, std::span<std::int64_t const> receive_bytes) const;

    // The root's value on every rank, for anything that Boost.Serialization can carry: the control plane.
    template <class T>
    void broadcast_value(T& value, int root) const;

    // Every rank's value, in rank order, on the root; others get nothing.
    template <class T>
    std::vector<T> gather_value(T const& value, int root) const;
    // The same for bytes.
    std::vector<std::string> gather_bytes(std::string const& bytes, int root) const;

    // The raw MPI_Comm, for the one function that makes an NCCL communicator from it.
    void const* mpi_handle() const;

private:
    friend class MpiSession;
    struct Handle;
    explicit Communicator(std::shared_ptr<Handle const> handle) : handle_(std::move(handle)) {}
    std::shared_ptr<Handle const> handle_;
};

template <class T>
std::string to_bytes(T const& value) {
    std::ostringstream out;
    boost::archive::binary_oarchive(out) << value;
    return out.str();
}

template <class T>
void from_bytes(std::string const& bytes, T& value) {
    std::istringstream in(bytes);
    boost::archive::binary_iarchive(in) >> value;
}

template <class T>
std::vector<T> Communicator::gather_value(T const& value, int root) const {
    if (is_null()) return {value};
    std::vector<T> values;
    for (std::string const& bytes : gather_bytes(to_bytes(value), root))
        from_bytes(bytes, values.emplace_back());
    return values;
}

template <class T>
void Communicator::broadcast_value(T& value, int root) const {
    if (is_null()) return;
    std::string bytes;
    if (rank() == root) bytes = to_bytes(value);
    std::int64_t size = static_cast<std::int64_t>(bytes.size());
    broadcast(std::as_writable_bytes(std::span(&size, 1)), root);
    bytes.resize(static_cast<std::size_t>(size));
    broadcast(std::as_writable_bytes(std::span(bytes)), root);
    if (rank() != root) from_bytes(bytes, value);
}

}  // namespace gatesweep
