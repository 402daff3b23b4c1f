#include "published.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "gatesweep/input/checkpoint.h"
#include "gatesweep/model/checkpoint_layout.h"
#include "gatesweep/ops/linear.h"
#include "gatesweep/sweep/generate_all.h"
#include "share_check.h"

namespace gatesweep {
namespace {

using Texts = std::vector<std::vector<std::int32_t>>;

Decoder load(VerifyInput const& in, std::int64_t max_tokens) {
    Checkpoint const checkpoint(in.model_folder);
    auto const map = std::make_shared<WeightMap const>(validate_checkpoint(checkpoint, in.config));
    ExpertRange const mine = in.layout.local_experts(in.config.num_experts);
    return Decoder(in.config, load_weights({&checkpoint, &in.config, map, mine, in.machine.dtype, in.machine.device}),
                   in.layout, max_tokens);
}

// Float64 on the host, [T,V]. Every rank of a copy brings the same tokens.
at::Tensor logits_of(Decoder const& model, std::vector<std::int32_t> const& ids) {
    RouterEdits const edits(model.config().num_layers, model.config().num_experts);
    Stem const stem{ids, static_cast<std::int64_t>(ids.size())};
    Branch const branch{0, 0};
    at::Tensor const hidden = model.forward_branches(std::span(&stem, 1), std::span(&branch, 1), edits).hidden;
    return token_linear(hidden, model.weights().lm_head).to(at::kCPU, at::kDouble);
}

std::vector<double> values_of(at::Tensor const& row) {
    at::Tensor const values = row.contiguous();
    return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

Check encodings_check(Tokenizer const& tokenizer, PublishedNumbers const& published) {
    std::int64_t differing = 0;
    for (auto const& [text, ids] : published.encodings)
        differing += tokenizer.encode_plain(text) != ids;
    Check check{"token ids", fmt::format("of {} texts = published", published.encodings.size()),
                fmt::format("{} differ", differing), "0", judge(differing == 0)};
    if (published.encodings.empty()) {
        check.figure = "none were published";
        check.verdict = Verdict::skipped;
    }
    return check;
}

// Known on the final rank.
Check greedy_check(VerifyInput const& in, Decoder const& model, Tokenizer const& tokenizer,
                   PublishedNumbers const& published, bool judged) {
    RouterEdits const edits(in.config.num_layers, in.config.num_experts);
    Texts const prompts = {tokenizer.encode_plain(published.prompt)};
    GeneratorOptions const options{published.new_tokens, 1, in.batch_tokens, in.config.eos_token_ids};
    auto const completions =
        generate_all({model, in.layout, edits, prompts, in.batch_tokens, {}}, {0}, 0, 1, options).completions;
    std::vector<std::int32_t> ids = prompts[0];
    if (!completions.empty()) ids.insert(ids.end(), completions[0].token_ids.begin(), completions[0].token_ids.end());
    std::string const text = tokenizer.decode(ids);
    auto const [ours, theirs] = std::ranges::mismatch(text, published.continued);
    bool const is_equal = ours == text.end() && theirs == published.continued.end();
    return {"greedy text", fmt::format("{} tokens behind \"{}\" = published", published.new_tokens, published.prompt),
            is_equal ? "equal" : fmt::format("differs from byte {} on", ours - text.begin()), judged ? "equal" : "",
            judged ? judge(is_equal) : Verdict::note};
}

}  // namespace

Check compare_published(std::string name, std::string compared, std::vector<double> const& computed,
                        std::vector<double> const& published, bool judged) {
    double worst = computed.size() == published.size() ? 0.0 : NAN;
    for (std::size_t i = 0; i < std::min(computed.size(), published.size()); ++i)
        raise(worst, std::abs(computed[i] - published[i]) / (1 + std::abs(published[i])));
    return {std::move(name), std::move(compared), fmt::format("differ by {:.1e} of 1 + |value| at most", worst),
            judged ? fmt::format("{:.0e}", published_tolerance) : "",
            judged ? judge(worst <= published_tolerance) : Verdict::note};
}

void verify_published(VerifyInput const& in, Tokenizer const& tokenizer, PublishedNumbers const& published,
                      std::function<void(Check const&)> const& show) {
    show(encodings_check(tokenizer, published));
    bool const judged = in.machine.dtype == at::kFloat;
    std::int64_t const longest = std::max(std::ssize(published.token_ids),
                                          std::ssize(tokenizer.encode_plain(published.prompt)) + published.new_tokens);
    Decoder const model = load(in, longest);
    at::Tensor const logits = logits_of(model, published.token_ids);
    std::vector<Check> checks = {
        compare_published("mean logits", fmt::format("at {} tokens = published", published.mean_logits.size()),
                          values_of(logits.mean(1)), published.mean_logits, judged),
        compare_published(
            "logits", fmt::format("the first {} at the first token = published", published.first_logits.size()),
            values_of(logits[0].slice(0, 0, std::ssize(published.first_logits))), published.first_logits, judged),
        greedy_check(in, model, tokenizer, published, judged)};
    for (Check& check : checks) {
        share_check(check, in.layout.world, in.layout.final_rank());
        show(check);
    }
}

}  // namespace gatesweep
