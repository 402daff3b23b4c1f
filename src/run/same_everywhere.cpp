#include "gatesweep/run/same_everywhere.h"

#include <ATen/Version.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "gatesweep/base/build_config.h"
#include "gatesweep/base/digest.h"
#include "gatesweep/comm/agreement.h"
#include "gatesweep/model/adapter_files.h"
#include "gatesweep/ops/gpu_kernels.h"
#include "gatesweep/ops/linear.h"

namespace gatesweep {
namespace {

// Settings of the program, but the two that let one rank fail on purpose.
std::string own_settings() {
    std::vector<std::string> settings;
    for (char** entry = environ; *entry; ++entry) {
        std::string_view const text = *entry;
        if (text.starts_with("GATESWEEP_") && !text.starts_with("GATESWEEP_FAIL=") &&
            !text.starts_with("GATESWEEP_FAULTS="))
            settings.emplace_back(text);
    }
    std::sort(settings.begin(), settings.end());
    return settings.empty() ? "none" : fmt::format("{}", fmt::join(settings, " "));
}

std::string digest_or_missing(std::filesystem::path const& file) {
    return std::filesystem::exists(file) ? "sha256 " + sha256_hex_of_file(file).substr(0, 16) : "no such file";
}

}  // namespace

void require_same_build(Communicator const& world, JobRequest const& request) {
    std::string const build = "start the same program on every rank";
    std::vector<std::string> const words(request.arguments.begin() + 1,
                                         request.arguments.end());  // paths of one program may differ
    require_agreement(
        world, {{"the version", GATESWEEP_VERSION, ExitCode::unavailable, build},
                {"the revision", GATESWEEP_GIT_REVISION, ExitCode::unavailable, build},
                {"the build", GATESWEEP_BUILD_TYPE " " GATESWEEP_COMPILER, ExitCode::unavailable, build},
                {"libtorch", GATESWEEP_LIBTORCH_VERSION " " + FastDigest().add(at::show_config()).hex().substr(0, 16),
                 ExitCode::unavailable, "give every rank the same libraries"},
                {"the command line", fmt::format("{}", fmt::join(words, " ")), ExitCode::usage,
                 "give every rank the same words"},
                {"the environment's GATESWEEP_ settings", own_settings(), ExitCode::unavailable,
                 "set them alike on every node (mpirun -x NAME)"}});
}

void require_same_model(Communicator const& world, ModelSpec const& model) {
    std::vector<NamedValue> values;
    auto const add = [&](std::filesystem::path const& file, std::string const& what) {
        values.push_back({file.string(), digest_or_missing(file), ExitCode::bad_data,
                          fmt::format("give every node the same copy of the {}", what)});
    };
    for (char const* name : {"config.json", "model.safetensors.index.json"})
        add(model.path / name, "checkpoint");
    if (!model.adapter.empty()) {
        for (char const* name : {adapter_config_name, adapter_weights_name})
            add(model.adapter / name, "adapter");
    }
    require_agreement(world, values);
}

void require_same_numerics(Communicator const& world, Machine const& machine) {
    std::string const remedy =
        "use nodes of one kind, or set ATEN_CPU_CAPABILITY, and gemm and gpu_kernels in [parallel], to what all of "
        "them "
        "have";
    std::string const kernel = machine.device.is_cuda() ? cuda::kernels_name() : gemm_kernel_name();
    require_agreement(
        world,
        {{"the device", machine.device.is_cuda() ? "cuda" : "cpu", ExitCode::unavailable, "give every rank a device"},
         {"the instruction set", at::get_cpu_capability(), ExitCode::unavailable, remedy},
         {machine.device.is_cuda() ? "the GPU kernels" : "the matrix product", kernel, ExitCode::unavailable, remedy},
         {"the numerics id", numerics_id(machine), ExitCode::unavailable, remedy}});
}

void require_same_weights(ParallelLayout const& layout, WeightDigests const& digests) {
    std::string const remedy = "give every node the same copy of the checkpoint";
    auto const experts =
        static_cast<std::uint64_t>(layout.expert_parallel.all_reduce_sum(static_cast<std::int64_t>(digests.experts)));
    require_agreement(layout.world,
                      {{"the dense weights", fmt::format("digest {:016x}", digests.dense), ExitCode::bad_data, remedy},
                       {"the experts' weights", fmt::format("digest {:016x}", experts), ExitCode::bad_data, remedy}});
}

}  // namespace gatesweep
