#include "gatesweep/comm/communicator.h"

#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <thread>
#include <utility>

#include "gatesweep/base/log.h"

namespace gatesweep {

struct Communicator::Handle {
    MPI_Comm comm = MPI_COMM_NULL;
    int rank = 0;
    int size = 1;
    bool owned = false;

    Handle(MPI_Comm c, bool owns) : comm(c), owned(owns) {
        MPI_Comm_rank(comm, &rank);
        MPI_Comm_size(comm, &size);
    }
    Handle(Handle const&) = delete;
    Handle& operator=(Handle const&) = delete;
    ~Handle() {
        int finalized = 0;
        MPI_Finalized(&finalized);
        if (owned && !finalized) MPI_Comm_free(&comm);
    }
};

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

bool has_environment(char const* name) { return std::getenv(name) != nullptr; }

bool started_by_launcher() {
    for (char const* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"}) {
        if (has_environment(name)) return true;
    }
    return false;
}

// srun without a PMI that this MPI understands starts N programs that each believe to be alone.
void refuse_lonely_slurm_tasks() {
    char const* const tasks = std::getenv("SLURM_STEP_NUM_TASKS");
    GATESWEEP_VALIDATE(!tasks || std::atoi(tasks) <= 1, ExitCode::unavailable,
                       "srun started {} tasks without an MPI connection between them (each would run the whole job): "
                       "use srun --mpi=pmix, or mpirun inside the allocation",
                       tasks ? tasks : "");
}

// Ranks that outnumber the cores must yield while they wait: spinning makes a collective a thousand times slower.
void yield_when_oversubscribed() {
    char const* const local = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    long const cores = ::sysconf(_SC_NPROCESSORS_ONLN);
    if (local && std::atol(local) > cores) ::setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
}

template <class T>
void reduce_in_pieces(std::span<T> values, MPI_Datatype type, int root, MPI_Comm comm, bool is_root) {
    for (std::size_t at = 0; at < values.size(); at += max_piece) {
        int const count = static_cast<int>(std::min<std::size_t>(max_piece, values.size() - at));
        T* const piece = values.data() + at;
        check(MPI_Reduce(is_root ? MPI_IN_PLACE : piece, piece, count, type, MPI_SUM, root, comm), "MPI_Reduce");
    }
}

}  // namespace

int Communicator::rank() const { return handle_ ? handle_->rank : 0; }
int Communicator::size() const { return handle_ ? handle_->size : 1; }
void const* Communicator::mpi_handle() const { return handle_ ? &handle_->comm : nullptr; }

void Communicator::barrier() const {
    if (handle_) check(MPI_Barrier(handle_->comm), "MPI_Barrier");
}

Communicator Communicator::split(int color, int key) const {
    if (!handle_) return {};
    MPI_Comm part = MPI_COMM_NULL;
    check(MPI_Comm_split(handle_->comm, color, key, &part), "MPI_Comm_split");
    return Communicator(std::make_shared<Handle const>(part, true));
}

Communicator Communicator::split_by_node() const {
    if (!handle_) return {};
    MPI_Comm part = MPI_COMM_NULL;
    check(MPI_Comm_split_type(handle_->comm, MPI_COMM_TYPE_SHARED, handle_->rank, MPI_INFO_NULL, &part), "MPI_Comm_split_type");
    return Communicator(std::make_shared<Handle const>(part, true));
}

void Communicator::broadcast(std::span<std::byte> bytes, int root) const {
    if (!handle_) return;
    for (std::size_t at = 0; at < bytes.size(); at += max_piece) {
        int const count = static_cast<int>(std::min<std::size_t>(max_piece, bytes.size() - at));
        check(MPI_Bcast(bytes.data() + at, count, MPI_BYTE, root, handle_->comm), "MPI_Bcast");
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
        check(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, op, *static_cast<MPI_Comm const*>(comm)), "MPI_Allreduce");
    }
    return value;
}

}  // namespace

std::int64_t Communicator::all_reduce_min(std::int64_t value) const { return all_reduce(value, MPI_MIN, mpi_handle()); }
std::int64_t Communicator::all_reduce_max(std::int64_t value) const { return all_reduce(value, MPI_MAX, mpi_handle()); }
std::int64_t Communicator::all_reduce_sum(std::int64_t value) const { return all_reduce(value, MPI_SUM, mpi_handle()); }

std::vector<std::int64_t> Communicator::all_gather(std::int64_t value) const {
    std::vector<std::int64_t> values(static_cast<std::size_t>(size()), value);
    if (handle_) {
        check(MPI_Allgather(&value, 1, MPI_INT64_T, values.data(), 1, MPI_INT64_T, handle_->comm), "MPI_Allgather");
    }
    return values;
}

std::vector<std::int64_t> Communicator::all_to_all(std::span<std::int64_t const> send, std::int64_t block) const {
    GATESWEEP_EXPECT(static_cast<std::int64_t>(send.size()) == block * size());
    std::vector<std::int64_t> received(send.begin(), send.end());
    if (handle_) {
        int const count = static_cast<int>(block);
        check(MPI_Alltoall(send.data(), count, MPI_INT64_T, received.data(), count, MPI_INT64_T, handle_->comm), "MPI_Alltoall");
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
    for (int r = 0; r < size(); ++r) largest = std::max({largest, send_bytes[r], receive_bytes[r]});
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
        check(MPI_Alltoallv(from, send_count.data(), send_at.data(), MPI_BYTE, to, receive_count.data(), receive_at.data(),
                            MPI_BYTE, handle_->comm),
              "MPI_Alltoallv");
        if (!whole) {
            std::int64_t base = 0;
            for (int r = 0; r < size(); ++r) {
                std::copy_n(in.data() + receive_at[r], receive_count[r], receive.data() + base + round * piece);
                base += receive_bytes[r];
            }
        }
    }
}

MpiSession::MpiSession(int& argc, char**& argv) {
    if (!started_by_launcher()) {
        refuse_lonely_slurm_tasks();
        return;
    }
    yield_when_oversubscribed();
    int provided = 0;
    GATESWEEP_VALIDATE(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided) == MPI_SUCCESS, ExitCode::unavailable,
                       "MPI could not be started (ranks could not meet): check the launcher and its MPI");
    started_ = true;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    world_ = Communicator(std::make_shared<Communicator::Handle const>(MPI_COMM_WORLD, false));
}

MpiSession::~MpiSession() {
    world_ = Communicator();
    if (started_) MPI_Finalize();
}

void MpiSession::abort(ExitCode code) const {
    // The launcher forwards this rank's last words, then says its own about the abort; without a pause sometimes first.
    if (started_) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    if (started_) MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
    std::_Exit(static_cast<int>(code));
}

std::string mpi_library_version() {
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
    int length = 0;
    MPI_Get_library_version(text, &length);
    std::string version(text, static_cast<std::size_t>(length));
    return version.substr(0, version.find(','));
}

}  // namespace gatesweep
