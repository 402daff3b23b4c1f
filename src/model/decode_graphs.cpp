#include "gatesweep/model/decode_graphs.h"

#include <algorithm>
#include <utility>

#include "gatesweep/base/error.h"
#include "gatesweep/base/settings.h"
#include "gatesweep/model/token_dispatcher.h"
#include "gatesweep/ops/batch_invariance.h"
#include "gatesweep/ops/gpu_kernels.h"
#include "gatesweep/ops/output_head.h"
#include "record_graph.h"

namespace gatesweep {
namespace {

// In place: recorded work reads where these stand.
void overwrite(DecodeInputs& old, DecodeInputs const& now) {
    old.ids.copy_(now.ids);
    old.slots.copy_(now.slots);
    old.positions.copy_(now.positions);
    std::copy(now.entries.begin(), now.entries.end(), old.entries.begin());
    if (!now.entries_on_device.defined()) return;
    old.entries_on_device.copy_(now.entries_on_device);
    GATESWEEP_EXPECT(old.table.values.sizes() == now.table.values.sizes());  // edits do not change between steps
}

void overwrite(DecodeBatch& old, DecodeBatch const& now) {
    std::copy(now.ids.begin(), now.ids.end(), old.ids.begin());
    std::copy(now.positions.begin(), now.positions.end(), old.positions.begin());
    std::copy(now.slots.begin(), now.slots.end(), old.slots.begin());
    std::copy(now.variants.begin(), now.variants.end(), old.variants.begin());
}

}  // namespace

bool decode_graph_wanted() {
    return is_on(Setting::graphs);
}

Recorder choose_recorder(Decoder const& model, int expert_parallel) {
    if (!decode_graph_wanted()) return {};
    at::Device const device = model.weights().device();
    auto const first_router = static_cast<std::size_t>(model.config().sparse_layers().front());
    for (auto const& [excludes, setting] :
         {std::pair{batch_invariance_wanted(), "batch_invariant = \"on\""},
          {choose_decode_dispatch(device) == DecodeDispatch::counted && device.is_cuda(), "dispatch = \"counted\""}}) {
        GATESWEEP_VALIDATE(!excludes, ExitCode::usage,
                           "graphs = \"on\" and {} exclude each other (the latter waits for the host in every layer, "
                           "which no graph can hold): leave out one of the two in [parallel], or unset its variable",
                           setting);
    }
    GATESWEEP_VALIDATE(
        expert_parallel == 1 && cuda::has_kernels(model.weights().embedding), ExitCode::unavailable,
        "graphs = \"on\" needs all experts of a copy on one GPU (expert_parallel is {}, the device {}) and "
        "gpu_kernels = \"own\": leave it out in [parallel], or unset GATESWEEP_DECODE_GRAPH",
        expert_parallel, device.is_cuda() ? "cuda" : "cpu");
    GATESWEEP_VALIDATE(
        experts_group_on_device(model.weights().layers[first_router].experts, model.weights().embedding),
        ExitCode::unavailable,
        "graphs = \"on\" needs bfloat16 weights (dtype is {}), sizes that 8 divides and a GPU of compute capability 9 "
        "or 10: elsewhere the host waits for the experts' rows in every layer, which no graph can hold: leave it out "
        "in [parallel], or unset GATESWEEP_DECODE_GRAPH",
        c10::toString(model.weights().embedding.scalar_type()));
    if constexpr (cuda::is_built) return graph_recorder();
    return {};
}

DecodeGraphs::DecodeGraphs(Decoder const& model, RouterEdits const& edits, KvCache& cache, Recorder recorder,
                           std::int64_t granularity)
    : model_(model), edits_(edits), cache_(cache), recorder_(std::move(recorder)), granularity_(granularity) {
    GATESWEEP_EXPECT(granularity_ > 0 && cache_.num_slots() > 0);
}

DecodeBatch DecodeGraphs::filled_up(DecodeBatch const& batch) const {
    auto const step = static_cast<std::size_t>(granularity_);
    std::size_t const rows = (batch.ids.size() + step - 1) / step * step;
    DecodeBatch filled = batch;
    filled.ids.resize(rows, 0);
    filled.positions.resize(rows, 0);
    filled.slots.resize(rows, cache_.num_slots() - 1);
    filled.variants.resize(rows, 0);
    return filled;
}

void DecodeGraphs::record(Step& step) {
    step.inputs = model_.decode_inputs(step.batch, edits_);
    step.all_finite = at::ones({}, model_.weights().embedding.options().dtype(at::kBool));
    step.tokens = at::empty({std::ssize(step.batch.ids)}, step.inputs.ids.options().dtype(at::kLong));
    step.work = recorder_([this, &step] {
        at::Tensor const hidden = model_.decode_hidden(step.batch, step.inputs, edits_, cache_, step.all_finite);
        step.tokens.copy_(greedy_tokens_there(hidden, model_.weights().lm_head));
    });
}

std::vector<std::int32_t> DecodeGraphs::step(DecodeBatch const& batch) {
    if (batch.ids.empty()) return {};
    DecodeBatch filled = filled_up(batch);
    auto const [place, is_new] = steps_.try_emplace(filled.ids.size());
    Step& step = place->second;
    if (is_new) {
        step.batch = std::move(filled);
        record(step);
    } else {
        overwrite(step.batch, filled);
        overwrite(step.inputs, model_.decode_inputs(step.batch, edits_));
    }
    step.work->replay();
    validate_finite(step.all_finite);
    at::Tensor const tokens = step.tokens.slice(0, 0, std::ssize(batch.ids)).to(at::kCPU, at::kInt).contiguous();
    return {tokens.const_data_ptr<std::int32_t>(), tokens.const_data_ptr<std::int32_t>() + tokens.numel()};
}

}  // namespace gatesweep
