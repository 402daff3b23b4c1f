#include "numbers.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include "gatesweep/input/checkpoint.h"
#include "gatesweep/model/adapter_files.h"
#include "gatesweep/model/checkpoint_layout.h"
#include "gatesweep/model/model_size.h"
#include "gatesweep/signal/signals.h"
#include "generation.h"
#include "gradients.h"
#include "routing.h"
#include "sample.h"
#include "share_check.h"
#include "signals.h"

namespace boost::serialization {

template <class Archive>
void serialize(Archive& a, gatesweep::GateEntry& x, unsigned int) {
    a& x.layer& x.expert& x.column;
}

}  // namespace boost::serialization

namespace gatesweep {
namespace {

// Finite differences cost two passes an entry, so they take a short prompt, but one with something to route.
constexpr std::int64_t enough_tokens = 8;

class Verification {
public:
    Verification(VerifyInput const& input, std::function<void(Check const&)> const& show)
        : in_(input),
          show_(show),
          checkpoint_(input.model_folder),
          map_(std::make_shared<WeightMap const>(validate_checkpoint(checkpoint_, input.config))),
          adapter_(read_optional_adapter(input.adapter_folder, input.config)),
          allowed_(allowed_difference(input.machine.device, input.machine.dtype)) {
        for (auto const& prompt : in_.prompts)
            tokens_.push_back(static_cast<std::int64_t>(prompt.size()));
    }

    void run() const {
        Decoder const model = load(in_.layout, in_.machine.dtype);
        BatchPlan const plan = plan_batches(tokens_, in_.batch_tokens);
        Signals const signals = compute(model, plan, in_.machine.tape_memory);
        check_sharding(model, signals, plan);
        check_plan("one prompt at a time = packed batches", model, signals, plan_batches(tokens_, 1));
        check_plan("packed in shuffled order = packed by length", model, signals,
                   shuffled_plan(tokens_, in_.batch_tokens, 1));
        check_memory(model, signals, plan);
        check_threads(model, signals, plan);
        show(counts_check(signals, tokens_, in_.config.top_k));
        check_routing(model);
        check_generation(model);
        check_gradients(signals);
    }

private:
    std::int64_t max_tokens() const { return *std::max_element(tokens_.begin(), tokens_.end()); }

    Decoder load(ParallelLayout const& layout, at::ScalarType dtype) const {
        ExpertRange const mine = layout.local_experts(in_.config.num_experts);
        WeightSource const source{&checkpoint_, &in_.config, map_, mine, dtype, in_.machine.device, adapter_};
        return Decoder(in_.config, load_weights(source), layout, max_tokens() + verify_new_tokens);
    }

    // Complete on the final rank.
    Signals compute(Decoder const& model, BatchPlan const& plan, std::uint64_t tape_memory) const {
        Signals signals =
            compute_signals(model, in_.layout, in_.prompts, plan,
                            {.tape_memory = tape_memory, .in_halves = in_.machine.overlaps, .progress = {}});
        reduce_to_final_rank(signals, in_.layout);
        return signals;
    }

    // The final rank knows; the others hear.
    void show(Check check) const {
        share_check(check, in_.layout.world, in_.layout.final_rank());
        show_(check);
    }

    void check_sharding(Decoder const& model, Signals const& signals, BatchPlan const& plan) const {
        int const ranks = in_.layout.world.size();
        Check check{"sharding", "many ranks = one rank alone", "one rank; mpirun -n 2 to shard", "", Verdict::skipped};
        if (ranks > 1)
            check.compared = fmt::format("{} ranks, expert parallel {} = one rank alone", ranks, in_.layout.ep_size());
        if (ranks > 1 && in_.layout.is_final_rank()) check = compare_with_one_rank(check, model, signals, plan);
        show(check);
    }

    // The final rank computes everything once more, by itself, with all experts.
    Check compare_with_one_rank(Check const& check, Decoder const& model, Signals const& signals,
                                BatchPlan const& plan) const {
        ParallelLayout const alone;
        bool const has_all_experts = in_.layout.ep_size() == 1;
        std::uint64_t const needed =
            weight_bytes(in_.config, in_.config.num_experts, c10::elementSize(in_.machine.dtype));
        std::uint64_t const available = available_memory(in_.machine.device, 1);
        if (!has_all_experts && !fits(needed, available))
            return skipped_for_memory(check.name, check.compared, needed, available);
        Decoder const one = has_all_experts ? Decoder(in_.config, model.weights(), alone, max_tokens())
                                            : load(alone, in_.machine.dtype);
        Signals const reference =
            compute_signals(one, alone, in_.prompts, plan, {.tape_memory = in_.machine.tape_memory, .progress = {}});
        return compare_signals(check.name, check.compared, reference, signals, allowed_);
    }

    void check_plan(std::string compared, Decoder const& model, Signals const& signals, BatchPlan const& other) const {
        show(compare_signals("batching", std::move(compared), signals, compute(model, other, in_.machine.tape_memory),
                             allowed_));
    }

    void check_memory(Decoder const& model, Signals const& signals, BatchPlan const& plan) const {
        Check check{"memory", "layers computed twice = layers kept for backward", "", "", Verdict::skipped};
        std::uint64_t const kept =
            static_cast<std::uint64_t>(in_.config.num_layers) *
            LayerTape::num_bytes(in_.config, plan.max_batch_tokens, c10::elementSize(in_.machine.dtype));
        if (kept > in_.machine.tape_memory) {
            show(skipped_for_memory(check.name, check.compared, kept, in_.machine.tape_memory));
            return;
        }
        show(compare_signals(check.name, check.compared, signals, compute(model, plan, 0), allowed_));
    }

    void check_threads(Decoder const& model, Signals const& signals, BatchPlan const& plan) const {
        if (!in_.machine.device.is_cpu()) return;
        int const configured = in_.machine.threads, other = configured == 1 ? 2 : 1;
        at::set_num_threads(other);
        Signals const changed = compute(model, plan, in_.machine.tape_memory);
        at::set_num_threads(configured);
        show(compare_signals("threads", fmt::format("{} per rank = {} per rank", other, configured), signals, changed,
                             allowed_));
    }

    // The last copy looks; its last rank, the final rank, holds the prompts.
    bool takes_part() const { return in_.layout.copy == in_.layout.num_copies - 1; }
    Part part() const { return in_.layout.is_final_rank() ? Part::examiner : Part::helper; }

    void check_routing(Decoder const& model) const {
        RoutingExamination result;
        if (takes_part()) result = examine_routing(model, in_.prompts, part());
        for (auto const& check : routing_checks(result, allowed_))
            show(check);
    }

    void check_generation(Decoder const& model) const {
        if (max_tokens() + verify_new_tokens > in_.config.max_position_embeddings) return;
        RopeScaling const& rope = in_.config.rope_scaling;
        bool const changes = std::any_of(tokens_.begin(), tokens_.end(), [&](std::int64_t n) {
            return rope.changes_between(n, n + verify_new_tokens);
        });
        if (changes) return;
        show(generation_check(model, in_.layout, in_.prompts, in_.batch_tokens));
    }

    void check_gradients(Signals const& signals) const {
        std::uint64_t const needed =
            weight_bytes(in_.config, in_.layout.local_experts(in_.config.num_experts).count, sizeof(double));
        std::uint64_t const available =
            available_memory(in_.machine.device, std::min(in_.layout.ep_size(), in_.layout.node.size()));
        // One rank that lacks memory decides for all: they work together.
        if (in_.layout.world.all_reduce_min(fits(needed, available) ? 1 : 0) == 0) {
            show(skipped_for_memory("gate gradients", "finite differences of the loss in float64", needed, available));
            return;
        }
        std::vector<Check> checks(2);
        if (takes_part()) compare_with_differences(signals, checks);
        for (auto const& check : checks)
            show(check);
    }

    void compare_with_differences(Signals const& signals, std::vector<Check>& checks) const {
        std::int64_t const row = short_prompt(tokens_, enough_tokens), hidden_size = in_.config.hidden_size;
        auto const& prompt = in_.prompts[row];
        Decoder const model = load(in_.layout, at::kDouble);
        GateGradients const gradients = gate_gradients(model, prompt, part());
        std::vector<GateEntry> entries;
        if (part() == Part::examiner) entries = choose_entries(gradients, hidden_size, in_.num_entries);
        in_.layout.expert_parallel.broadcast_value(entries, in_.layout.ep_size() - 1);
        auto const differences = finite_differences(model, prompt, part(), entries);
        if (part() == Part::helper) return;
        checks = {gradient_check(agreement(gradients, hidden_size, entries, differences), tokens_[row]),
                  rounding_note(signals, row, gradients, in_.config, dtype_name(in_.machine.dtype))};
    }

    VerifyInput const& in_;
    std::function<void(Check const&)> const& show_;
    Checkpoint checkpoint_;
    std::shared_ptr<WeightMap const> map_;
    std::shared_ptr<Adapter const> adapter_;
    SignalsDifference allowed_;
    std::vector<std::int64_t> tokens_;
};

}  // namespace

void verify_numbers(VerifyInput const& input, std::function<void(Check const&)> const& show) {
    Verification(input, show).run();
}

}  // namespace gatesweep
