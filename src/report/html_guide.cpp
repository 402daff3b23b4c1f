#include "html_guide.h"

#include <fmt/format.h>

#include <array>

#include "html_parts.h"
#include "html_sweep.h"
#include "html_sweep_terms.h"

namespace gatesweep {
namespace {

struct Term {
    char const* name;
    char const* meaning;
};

// "(paper)": defined in the routing paper, arXiv 2605.24270.
constexpr std::array terms = {
    Term{"expert, layer:expert",
         "One of the feed-forward networks that stand side by side in a layer; 7:5 is expert 5 of layer 7, both from "
         "0."},
    Term{"router, gate, top-k",
         "The router scores all experts of its layer for each token and sends the token to the k highest. The gate is "
         "its weight "
         "matrix, one row for each expert."},
    Term{"activation score",
         "Tokens of a prompt whose top-k holds the expert, divided by the same sum over all experts of the layer: "
         "every layer adds up to 1, "
         "and no score exceeds 1/k. A group's score is the mean over its prompts, each prompt with equal weight "
         "(paper)."},
    Term{"gradient score",
         "Mean absolute derivative of the prompt's loss with respect to the expert's row of the gate. The loss is the "
         "mean next-token "
         "cross-entropy of the prompt; only the gate is differentiated. Scores of a group are the mean of its prompts' "
         "scores (paper; the loss is "
         "our reading)."},
    Term{"gradient share",
         "Gradient score divided by the sum over its layer, prompt by prompt, then averaged: compares experts across "
         "layers although raw "
         "gradients grow with depth."},
    Term{"k80, k90, k95",
         "Fewest experts, from the highest score down, that together hold 80, 90 or 95 % of the sum over all experts "
         "of all layers (paper)."},
    Term{"k_elbow",
         "Rank before the largest drop between two neighbours in the sorted scores; the first such rank where drops "
         "are equal (paper)."},
    Term{"top1, top5", "The highest score, and the sum of the five highest (paper)."},
    Term{"dominant score", "Highest score within a layer. For gradients it is the raw gradient (paper)."},
    Term{"entropy, effective experts",
         "Entropy is minus the sum of p ln p over the layer's experts, with p the score as a share of its layer; "
         "effective experts "
         "is exp(entropy): 1 when one expert takes all, the number of experts when all are equal (paper)."},
    Term{"top2_sum, active experts",
         "Sum of a layer's two highest shares; number of experts with a score above 0 (paper)."},
    Term{"mean_of_prompts, of_mean_map",
         "Two ways to give a group one number for a layer: the metric of each prompt, then the mean; or the mean map, "
         "then the "
         "metric. Averaging first flattens, so the second shows less concentration. The figures use the first."},
    Term{"gap (safety_gap)", "Mean score of the malicious group minus mean score of the benign group (paper)."},
    Term{"malicious-dominant, benign-dominant",
         "The gap reaches the limit in that direction, and the larger mean reaches the minimum (paper)."},
    Term{"weak-malicious, weak-benign", "The gap reaches the limit, the larger mean stays below the minimum (paper)."},
    Term{"shared, uncertain", "Shared: the gap stays below the limit. Uncertain: the gap is not a number (paper)."},
    Term{"overlap", "How many experts stand in the first n ranks of both groups' mean maps (paper)."},
    Term{"mean loss",
         "Mean over prompts of the mean next-token cross-entropy, in nats: how surprising the prompts are to the "
         "model."},
};

struct Lab {
    char const* number;
    char const* content;
    char const* outputs;
};

constexpr std::array labs = {
    Lab{"1", "Activation map of each prompt, raw and normalised",
        "arrays/activation_counts.npy (row p is row p of tables/prompts.csv)"},
    Lab{"2", "Ranking of experts for each prompt",
        "arrays/activation_counts.npy, sorted; top1 and top5 in tables/coverage.csv, level prompt"},
    Lab{"3", "Significant experts of each prompt: k80, k90, k95, elbow", "tables/coverage.csv, level prompt"},
    Lab{"4", "How often an expert is among a prompt's highest", "tables/top_frequency.csv"},
    Lab{"5", "Group maps: mean and spread over prompts", "tables/expert_scores.csv; figures/heatmap_activation_*"},
    Lab{"6", "Group ranking and overlap of the highest experts", "tables/top_experts.csv, tables/overlap.csv"},
    Lab{"7", "Classes of experts", "tables/classes_activation.csv; figures/heatmap_activation_gap"},
    Lab{"8", "Class counts and other thresholds", "tables/class_counts.csv, tables/threshold_sensitivity.csv"},
    Lab{"9", "Full score distribution of each prompt", "tables/coverage.csv, level prompt and prompt_mean"},
    Lab{"10", "Full score distribution of each group",
        "figures/lab10_group_score_distribution, figures/lab10_group_cumulative_score; tables/coverage.csv, level "
        "group"},
    Lab{"11", "Layers, prompt by prompt", "tables/layers.csv, aggregator mean_of_prompts"},
    Lab{"12", "Layers, group by group",
        "figures/lab12_group_layerwise_dominant_score, figures/lab12_group_layerwise_effective_experts; "
        "tables/layers.csv, tables/layer_summary.csv"},
    Lab{"13", "Gradient map and ranking of each prompt",
        "arrays/gradient_scores.npy; tables/coverage.csv, level prompt"},
    Lab{"14", "Group gradient maps, ranking and overlap",
        "tables/expert_scores.csv, tables/top_experts.csv, tables/overlap.csv; figures/heatmap_gradient_*"},
    Lab{"15", "Classes of experts by gradient",
        "tables/classes_gradient.csv, tables/class_counts.csv; figures/heatmap_gradient_gap"},
    Lab{"16", "Full gradient distribution of each prompt", "tables/coverage.csv, level prompt and prompt_mean"},
    Lab{"17", "Full gradient distribution of each group",
        "figures/lab17_group_gradient_score_distribution, figures/lab17_group_gradient_cumulative_score; "
        "tables/coverage.csv, level group"},
    Lab{"18", "Gradient layers, prompt by prompt", "tables/layers.csv, aggregator mean_of_prompts"},
    Lab{"19", "Gradient layers, group by group",
        "figures/lab19_group_layerwise_dominant_gradient_score, figures/lab19_group_layerwise_effective_experts; "
        "tables/layers.csv, tables/layer_summary.csv"},
};

}  // namespace

std::string reading_guide(RunView const& run) {
    std::string body =
        "<p>Definitions follow the routing paper, M. N. A. Siddiky, <cite>Safety-Oriented Routing Analysis of Mixtral "
        "MoE</cite>, arXiv "
        "2605.24270, where marked.</p>\n<dl class=\"terms\">\n";
    for (auto const& term : terms)
        body += fmt::format("<dt>{}</dt><dd>{}</dd>\n", term.name, term.meaning);
    if (run.sweep) body += sweep_terms();
    return section("guide", "How to read this", body + "</dl>\n");
}

std::string lab_map() {
    HtmlTable table{
        "The paper's labs and where their results stand", {{"lab"}, {"content"}, {"in this run"}}, {}, Sorting::fixed};
    for (auto const& lab : labs)
        table.rows.push_back({lab.number, lab.content, lab.outputs});
    return section(
        "labs", "The nineteen labs of the paper",
        "<p>The paper names its results by lab. The names of labs 10, 12, 17 and 19 come from its figures; it says "
        "that labs 1 to 12 treat "
        "activation and 13 to 19 gradients. What each of the others holds is our reading of its text.</p>\n" +
            table.html());
}

}  // namespace gatesweep
