#include "gatesweep/store/table_catalogue.h"

#include <algorithm>
#include <array>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

constexpr std::array catalogue = {
    TableFacts{"prompts", "prompt_index,prompt_id,group,num_tokens,loss", Presence::always,
               "the prompts, their length and loss"},
    TableFacts{"expert_scores", "signal,group,layer,expert,mean,std", Presence::always,
               "every expert's mean score and its spread over prompts"},
    TableFacts{"top_experts", "signal,group,rank,layer,expert,score,cumulative_score,cumulative_fraction",
               Presence::always, "the highest experts of each group"},
    TableFacts{"top_frequency", "signal,group,layer,expert,num_prompts_in_top,fraction", Presence::sometimes,
               "in how many prompts an expert is among the highest"},
    TableFacts{"coverage", "signal,level,group,prompt_index,k80,k90,k95,k_elbow,top1,top5", Presence::always,
               "experts needed for a share of the score, for prompts and groups"},
    TableFacts{"classes_activation", "layer,expert,benign_avg_score,malicious_avg_score,safety_gap,abs_gap,label",
               Presence::always, "gap and class of every expert by activation"},
    TableFacts{"classes_gradient", "layer,expert,benign_avg_grad,malicious_avg_grad,safety_gap,abs_gap,label",
               Presence::always, "gap and class of every expert by gradient"},
    TableFacts{"classes_gradient_share", "layer,expert,benign_avg_score,malicious_avg_score,safety_gap,abs_gap,label",
               Presence::sometimes, "gap and class of every expert by its share of the layer's gradient"},
    TableFacts{"class_counts", "signal,label,count", Presence::always, "experts by class"},
    TableFacts{"threshold_sensitivity", "signal,gap_threshold,min,label,count", Presence::sometimes,
               "experts by class for other limits of the gap"},
    TableFacts{"overlap", "signal,top_n,overlap,experts", Presence::always,
               "highest experts that two groups have in common"},
    TableFacts{"layers",
               "signal,aggregator,group,layer,dominant_expert,dominant,top2_sum,entropy,effective_experts,"
               "active_experts",
               Presence::always, "concentration and spread, layer by layer"},
    TableFacts{"layer_summary",
               "signal,aggregator,group,block,first_layer,last_layer,mean_dominant,max_dominant,argmax_layer,"
               "mean_top2_sum,mean_entropy,mean_effective_experts,min_effective_experts,mean_active_experts",
               Presence::sometimes, "the same over all layers and over the last quarter"},
    TableFacts{"marked_experts", "signal,layer,expert,benign_mean,malicious_mean,gap,rank_by_abs_gap,label",
               Presence::sometimes, "the experts named in advance"},
    TableFacts{"pairs", "pair_index,pair_id,name,num_tokens_0,counted_0,num_tokens_1,counted_1,loss_0,loss_1",
               Presence::sometimes, "the pairs of conversations, their length, counted tokens and loss"},
    TableFacts{"risk_difference",
               "layer,expert,a1,a2,d1,d2,a1_n,a2_n,risk_diff,Layer_Expert,risk_diff_abs,pairs_name,pair_mean,pair_low,"
               "pair_high,log_odds_ratio",
               Presence::sometimes, "experts by how differently the two sides of pairs use them"},
    TableFacts{"risk_difference_controls", "pairs_name,control,layer,expert,rate_0,rate_1,risk_diff",
               Presence::sometimes, "the same of equal lengths, of equal tokens, and of halves of one side"},
    TableFacts{"pair_controls", "pairs_name,control,tokens_0,tokens_1,mean_abs_risk_diff,max_abs_risk_diff,spearman",
               Presence::sometimes, "how large these differences are, and how alike to that of all tokens"},
    TableFacts{"pair_layers", "pairs_name,layer,mean_abs_risk_diff,max_abs_risk_diff,mean_abs_by_chance,flat",
               Presence::sometimes, "layers of the pairs, and whether they differ by more than chance"},
    TableFacts{"pair_tokens", "pairs_name,token_id,piece,counted_0,counted_1", Presence::sometimes,
               "which tokens the two sides of pairs are made of"},
    TableFacts{"audit", "condition,layer,num_pairs,js,js_low,js_high,overlap,overlap_low,overlap_high",
               Presence::sometimes, "how far routing changes with topic, with harm and with refusing, layer by layer"},
    TableFacts{"audit_pairs",
               "pair_index,condition,prompt_index_a,prompt_id_a,prompt_index_b,prompt_id_b,counted_a,counted_b,js,"
               "overlap",
               Presence::sometimes, "the pairs of texts of the audit, and how differently each is routed"},
    TableFacts{"routing_sensitivity", "layer,expert,contrast,z,topic_change,crs,top_n,share_in_top,is_stable",
               Presence::sometimes, "what the routing sensitivity of every expert is made of"},
    TableFacts{"phases", "phase,group,layer,expert,num_tokens,count,share", Presence::sometimes,
               "choices for prompt tokens and for the baseline's generated tokens, apart"},
    TableFacts{"providers", "provider,layer,expert,score,low,high,rank,importance", Presence::sometimes,
               "what each score provider says of every expert"},
    TableFacts{"group_layers", "layer,mean_abs_difference,max_abs_difference,mean_abs_by_chance,flat",
               Presence::sometimes,
               "whether the routing of a layer differs between the two groups by more than chance"},
    TableFacts{"provider_agreement",
               "provider_a,provider_b,spearman,spearman_low,spearman_high,kendall,top_n,top_overlap,kendall_low,"
               "kendall_high,top_overlap_low,top_overlap_high",
               Presence::sometimes, "whether score providers agree"},
    TableFacts{"provider_screen",
               "provider,group,spearman,low,high,top_n,share_of_largest_effects,share_low,share_high,"
               "signed_spearman,signed_low,signed_high",
               Presence::sometimes, "score providers against the screen of single experts"},
    TableFacts{"near_ties", "layer,choices,near_bfloat16,near_float32", Presence::sometimes,
               "choices of the router that rounding could turn"},
    TableFacts{"trials",
               "trial_id,name,kind,signal,class,size,gap_threshold,mode,seed,experts,group,num_prompts,restricted,"
               "non_restricted,r_to_r,r_to_n,n_to_r,n_to_n,risk_difference,ci_low,ci_high,p_exact,p_mid,q_value,"
               "perplexity_ratio,scope,dose,num_experts,cells,matched_to,rate_low,rate_high,p_empirical,full_refusal,"
               "partial_refusal,full_compliance,incoherent,unscored,empty,repetitive,mean_kl,traffic_removed,"
               "experts_with_values,num_human,num_mixed,rate_corrected,rate_corrected_low,rate_corrected_high,"
               "tokens_affected",
               Presence::sometimes, "every trial of the sweep on every group", 25},
    TableFacts{"trial_cells", "kind,signal,class,gap_threshold,size,mode,scope,dose,trial_id,outcome,name",
               Presence::sometimes, "the job's grid, cell by cell", 10},
    TableFacts{"trial_experts", "trial_id,layer,expert,value", Presence::sometimes,
               "the experts of every trial, a row each"},
    TableFacts{"trial_controls", "trial_id,control_id", Presence::sometimes,
               "which random sets each set is compared with"},
    TableFacts{"category_effects",
               "by,category,trial_id,group,num_prompts,restricted,non_restricted,r_to_r,r_to_n,n_to_r,n_to_n,"
               "risk_difference,ci_low,ci_high,p_exact",
               Presence::sometimes, "effects by a column of the prompt files"},
    TableFacts{"controls",
               "group,num_experts,mode,scope,dose,num_random,mean_rate,lowest_rate,highest_rate,mean_difference,"
               "lowest_difference,highest_difference",
               Presence::sometimes, "the random sets, by size"},
    TableFacts{"transitions", "trial_id,group,baseline,trial,count", Presence::sometimes,
               "replies by label at baseline and in the trial"},
    TableFacts{"label_quality",
               "method,version,source,num,true_positive,false_positive,false_negative,true_negative,precision,"
               "precision_low,precision_high,recall,recall_low,recall_high,kappa,kappa_low,kappa_high,"
               "exact_agreement,num_unscored",
               Presence::sometimes, "the labeller against people", 17},
    TableFacts{"harden_arms",
               "arm,rank,alpha,num_parameters,share_of_expert_parameters,num_experts,experts,steps,best_step",
               Presence::sometimes, "what each arm of the hardening trained"},
    TableFacts{"harden_steps", "arm,step,loss,refusal_loss,kl,drift,grad_norm,learning_rate,tokens,validation_loss",
               Presence::sometimes, "the hardening, step by step"},
    TableFacts{"harden_gates", "arm,gate,value,low,high,limit,passed", Presence::sometimes,
               "what hardening reached and what it cost, against the limits"},
    TableFacts{"harden_robustness", "arm,num_suppressed,experts,refusal,low,high", Presence::sometimes,
               "refusals left when the experts that carried them are suppressed, before and after hardening"},
    TableFacts{"screen", "layer,expert,group,margin,change", Presence::sometimes,
               "refusal margin with each expert edited alone"},
};

}  // namespace

std::vector<std::string> TableFacts::header() const {
    std::vector<std::string> names;
    for (std::size_t begin = 0; begin <= columns.size();) {
        std::size_t const end = std::min(columns.find(',', begin), columns.size());
        names.emplace_back(columns.substr(begin, end - begin));
        begin = end + 1;
    }
    return names;
}

std::span<TableFacts const> table_catalogue() {
    return catalogue;
}

TableFacts const* find_table(std::string_view stem) {
    auto const found = std::ranges::find(catalogue, stem, &TableFacts::stem);
    return found == catalogue.end() ? nullptr : &*found;
}

CsvTable new_table(std::string_view stem) {
    TableFacts const* const facts = find_table(stem);
    GATESWEEP_EXPECT(facts != nullptr);
    return {std::string(stem), facts->header(), {}};
}

void validate_columns(CsvTable const& table, TableFacts const& facts) {
    std::vector<std::string> const names = facts.header();
    std::size_t const num = facts.num_first > 0 ? static_cast<std::size_t>(facts.num_first) : names.size();
    for (std::size_t i = 0; i < num; ++i)
        table.column(names[i]);
}

}  // namespace gatesweep
