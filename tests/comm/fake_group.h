// TensorCollectives of the test's ranks over NcclBackend and the fake library.
#pragma once

#include <memory>
#include <utility>

#include "comm/fake_nccl.h"
#include "gatesweep/comm/nccl_backend.h"
#include "gatesweep/comm/tensor_collectives.h"

namespace gatesweep {

inline TensorCollectives make_fake_collectives(Communicator const& ranks, std::shared_ptr<FakeNccl> fake,
                                               NcclOptions options = {}) {
    return {ranks, make_nccl_backend(ranks, at::kCPU, std::move(fake), options)};
}

}  // namespace gatesweep
