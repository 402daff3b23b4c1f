// What a Communicator holds.
#pragma once

#include <mpi.h>

#include "gatesweep/comm/communicator.h"

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

}  // namespace gatesweep
