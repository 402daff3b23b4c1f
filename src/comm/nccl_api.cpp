#include "gatesweep/comm/nccl_api.h"

#include "gatesweep/base/error.h"
#include "gatesweep/comm/tensor_collectives.h"

namespace gatesweep {

#ifndef GATESWEEP_WITH_CUDA
std::shared_ptr<NcclApi> nccl_library() {
    return nullptr;
}
#endif

std::string nccl_version() {
    auto const library = nccl_library();
    return library ? nccl_version_text(library->loaded_version()) : "none";
}

std::string nccl_version_text(int version) {
    return version > 0 ? fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100) : "unknown";
}

void validate_nccl_version(int built, int loaded) {
    GATESWEEP_VALIDATE(
        loaded >= built && loaded / 10000 == built / 10000, ExitCode::unavailable,
        "this gatesweep was built for NCCL {}, but NCCL {} was loaded (calls between the GPUs would not fit): "
        "take the folder with the other libnccl.so.2 out of LD_LIBRARY_PATH, or build again",
        nccl_version_text(built), nccl_version_text(loaded));
}

}  // namespace gatesweep
