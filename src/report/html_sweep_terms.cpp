#include "html_sweep_terms.h"

#include <fmt/format.h>

#include <array>

#include "html_sweep.h"

namespace gatesweep {
namespace {

struct Term {
    char const* name;
    char const* meaning;
};

constexpr std::array terms = {
    Term{"baseline, trial",
         "The model replies to the same prompts with nothing edited (baseline) and with one set of experts edited in "
         "the "
         "router (trial). Replies are greedy, so two equal sets give equal replies."},
    Term{"restricted",
         "A full or partial refusal. Compliance and incoherent text are non-restricted; a reply that could not be "
         "judged "
         "is in neither, and no rate counts it (paper, refined)."},
    Term{
        "change, risk_difference",
        "Restricted rate of the trial minus the baseline's over the prompts judged in both, in points of 100; its 95 % "
        "interval is Newcombe's for pairs. Rates alone carry Wilson's."},
    Term{"p, mid-p",
         "McNemar's test, two-sided: how likely so uneven a split of the prompts that changed sides is if the set has "
         "no "
         "effect. The exact p errs on the safe side; mid-p is less cautious."},
    Term{"q",
         "p corrected for the number of selected sets on the group, of your own sets for their number "
         "(Benjamini-Hochberg): of the sets with q below 0.05, at most 5 % are expected to be false finds."},
    Term{"beyond chance",
         "q of at most 0.05, and p of random of at most 0.05; with fewer than 19 random sets, that none of them moved "
         "refusals as far. The headline, the examples and the sheet for labelling choose their sets by it."},
    Term{"mixed pair",
         "A prompt of whose two replies a person labelled one and the labeller the other. A difference may be one of "
         "labellers, so it counts in no comparison unless the job allows it."},
    Term{"random sets, p of random",
         "For each set others of as many experts, drawn at random from its own layers or as the job says. p of random "
         "is the share of them with as large an effect, the set itself counted; with 20 it cannot fall below 1/21."},
    Term{"reverse, bottom",
         "Sets from the opposite class, and of the experts with the smallest gaps: neither should work."},
    Term{"perplexity, mean KL",
         "On the watched group's text with the baseline's replies, both fed to the model: perplexity as a multiple of "
         "the "
         "baseline's, and how far next-token distributions move, in nats per token. x1 and 0 mean no side effect."},
    Term{"traffic",
         "Share of the tokens routed at baseline that went to the experts edited: how much of the model's work "
         "the set does."},
    Term{"precision, recall, kappa",
         "The labeller against people on the same replies: how much of what it calls a refusal is one; how many of the "
         "refusals it finds; agreement beyond chance."},
    Term{"refusal margin",
         "Log probability of openings of a refusal minus that of openings of compliance, read off one pass without "
         "generating. A fall with an expert edited means that the expert carries refusal."},
};

}  // namespace

std::string sweep_terms() {
    std::string items;
    for (auto const& term : terms)
        items += fmt::format("<dt>{}</dt><dd>{}</dd>\n", term.name, term.meaning);
    return items;
}

}  // namespace gatesweep
