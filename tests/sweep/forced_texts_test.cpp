// Teacher-forced scores and refusal margins of edited models: against Hugging Face transformers, and the slow way.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "gatesweep/sweep/refusal_margins.h"
#include "gatesweep/sweep/score_texts.h"
#include "gatesweep/sweep/sweep_context.h"
#include "interventions.h"
#include "mpi_main.h"

namespace gatesweep {
namespace {

struct Forced {
    Golden golden;
    std::vector<Intervention> interventions;
    RouterEdits edits;
    std::vector<ForcedText> texts;

    explicit Forced(std::string const& name)
        : golden(load_golden(name)),
          interventions(load_interventions(interventions_json(golden))),
          edits(no_edits(golden)) {
        for (auto const& one : interventions)
            edits.add(one.mode, one.scope, one.edits);
        for (std::size_t p = 0; p < golden.prompts.size(); ++p) {
            ForcedText text{static_cast<std::int64_t>(p), golden.prompts[p],
                            static_cast<std::int64_t>(golden.prompts[p].size())};
            auto const reply = golden.json.at("prompts")[p].at("greedy_ids").get<std::vector<std::int32_t>>();
            text.ids.insert(text.ids.end(), reply.begin(), reply.end());
            texts.push_back(std::move(text));
        }
    }
    std::int32_t variant(std::string const& name) const {
        auto const found =
            std::find_if(interventions.begin(), interventions.end(), [&](auto const& one) { return one.name == name; });
        return static_cast<std::int32_t>(found - interventions.begin()) + 1;
    }
};

using ByText = std::map<std::pair<std::int32_t, std::int64_t>, TextScore>;  // (variant, prompt)

ByText score(Forced const& forced, int expert_parallel, std::int64_t batch_tokens) {
    ParallelLayout const layout = make_parallel_layout(world(), expert_parallel);
    Decoder const model = load_model(forced.golden.model_folder(), layout, at::kFloat);
    SweepContext const context{model, layout, forced.edits, forced.golden.prompts, batch_tokens, {}};
    ByText scores;
    for (auto const& s : score_texts(context, forced.texts, static_cast<std::int32_t>(forced.edits.num_variants()))) {
        scores[{s.variant, s.prompt}] = s.score;
    }
    return scores;
}

bool is_final_rank() {
    return world().rank() == world().size() - 1;
}

TEST(ForcedTexts, EqualTransformers) {
    for (auto const& name : golden_names()) {
        Forced const forced(name);
        ByText const scores = score(forced, 1, 8192);
        if (!is_final_rank()) continue;
        ASSERT_EQ(scores.size(), forced.texts.size() * static_cast<std::size_t>(forced.edits.num_variants()));
        nlohmann::json const interventions = interventions_json(forced.golden);
        for (auto const& expected : interventions.at("teacher_forced")) {
            std::int64_t const prompt = expected.at("prompt");
            TextScore const s = scores.at({forced.variant(expected.at("name")), prompt});
            double const nll = expected.at("nll_sum"), kl = expected.at("kl_sum"),
                         baseline = expected.at("baseline_nll_sum");
            EXPECT_EQ(s.num_targets, expected.at("num_targets").get<std::int64_t>()) << name;
            EXPECT_NEAR(s.nll_sum, nll, 1e-5 * nll) << name << " " << expected.at("name");
            EXPECT_NEAR(s.kl_sum, kl, 1e-4 * kl + 1e-4) << name << " " << expected.at("name");
            EXPECT_NEAR(scores.at({0, prompt}).nll_sum, baseline, 1e-5 * baseline) << name;
        }
    }
}

TEST(ForcedTexts, SameNumbersFromAnyLayoutAndBatch) {
    Forced const forced("hub-bf16");
    ByText const reference = score(forced, 1, 8192);
    for (int degree : degrees()) {
        ByText const scores = score(forced, degree, 150);
        if (!is_final_rank()) continue;
        ASSERT_EQ(scores.size(), reference.size());
        for (auto const& [key, s] : reference) {
            EXPECT_EQ(scores.at(key).nll_sum, s.nll_sum);
            EXPECT_EQ(scores.at(key).kl_sum, s.kl_sum);
        }
    }
}

// The margin of one prompt under one variant, an opener at a time, from whole log-softmax rows.
double slow_margin(Decoder const& model, RouterEdits const& edits, std::vector<std::int32_t> const& prompt,
                   Openers const& openers, std::int32_t variant) {
    auto const probability = [&](std::vector<std::vector<std::int32_t>> const& list) {
        double sum = 0;
        for (auto const& opener : list) {
            std::vector<std::int32_t> text = prompt;
            text.insert(text.end(), opener.begin(), opener.end());
            Stem const stem{text, static_cast<std::int64_t>(prompt.size())};
            Branch const branch{0, variant};
            BranchedHidden const hidden = model.forward_branches(std::span(&stem, 1), std::span(&branch, 1), edits);
            at::Tensor const logits =
                at::matmul(hidden.hidden.to(at::kDouble), model.weights().lm_head.plain().to(at::kDouble).t());
            at::Tensor const log_p = at::log_softmax(logits, -1);
            double log_sum = 0;
            for (std::size_t i = 0; i < opener.size(); ++i) {
                log_sum += log_p[static_cast<std::int64_t>(prompt.size() + i) - 1][opener[i]].item<double>();
            }
            sum += std::exp(log_sum);
        }
        return sum;
    };
    return std::log(probability(openers.refusals)) - std::log(probability(openers.compliances));
}

TEST(RefusalMargins, EqualTheSlowWay) {
    Forced const forced("plain-f32");
    ParallelLayout const layout = make_parallel_layout(world(), 1);
    Decoder const model = load_model(forced.golden.model_folder(), layout, at::kFloat);
    SweepContext const context{model, layout, forced.edits, forced.golden.prompts, 300, {}};
    Openers const openers{{{5, 9, 12}, {30}}, {{7, 8}, {44, 2, 91}, {17}}};
    std::vector<std::int64_t> const rows = {0, 3, 4};
    auto const num_variants = static_cast<std::int32_t>(forced.edits.num_variants());
    auto const margins = refusal_margins(context, rows, openers, num_variants);
    if (!is_final_rank()) return;
    ASSERT_EQ(margins.size(), rows.size() * static_cast<std::size_t>(num_variants));
    for (RefusalMargin const& m : margins) {
        auto const& prompt = forced.golden.prompts[static_cast<std::size_t>(m.prompt)];
        EXPECT_NEAR(m.margin, slow_margin(model, forced.edits, prompt, openers, m.variant), 1e-4)
            << m.prompt << " " << m.variant;
    }
}

}  // namespace
}  // namespace gatesweep
