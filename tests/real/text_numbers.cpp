// text_numbers FOLDER NEW_TOKENS: loss and greedy continuation of texts by a checkpoint, dense ones too, in float32 on
// the CPU. Reads a JSON list of token ids a line, writes {"loss": ..., "greedy_ids": [...]} a line.
#include <nlohmann/json.hpp>

#include <iostream>
#include <numeric>
#include <string>

#include "gatesweep/sweep/generate_all.h"
#include "support/golden.h"

namespace gatesweep {
namespace {

void print_numbers(std::filesystem::path const& folder, std::int64_t new_tokens) {
    std::vector<std::vector<std::int32_t>> texts;
    for (std::string line; std::getline(std::cin, line);)
        texts.push_back(nlohmann::json::parse(line).get<std::vector<std::int32_t>>());
    std::size_t longest = 0;
    for (auto const& ids : texts)
        longest = std::max(longest, ids.size());
    ParallelLayout const layout = make_parallel_layout(Communicator(), 1);
    Decoder const model =
        load_model(folder, layout, at::kFloat, static_cast<std::int64_t>(longest) + new_tokens, at::kCPU);
    RouterEdits const edits(model.config().num_layers, model.config().num_experts);

    std::vector<std::int64_t> rows(texts.size());
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    GeneratorOptions const options{new_tokens, 16, 2048, model.config().eos_token_ids};
    auto const completions =
        generate_all({model, layout, edits, texts, options.prefill_tokens, {}}, rows, 0, 1, options).completions;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        Stem const stem{texts[i], static_cast<std::int64_t>(texts[i].size())};
        Branch const branch{0, 0};
        at::Tensor const hidden = model.forward_branches(std::span(&stem, 1), std::span(&branch, 1), edits).hidden;
        TextScore const score = TextScorer(hidden, model.weights().lm_head, texts[i]).reference();
        nlohmann::json const line = {{"loss", score.nll_sum / static_cast<double>(score.num_targets)},
                                     {"greedy_ids", completions[i].token_ids}};
        std::cout << line.dump() << "\n";
    }
}

}  // namespace
}  // namespace gatesweep

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "text_numbers FOLDER NEW_TOKENS < TEXTS\n";
        return 64;
    }
    gatesweep::print_numbers(argv[1], std::stoll(argv[2]));
}
