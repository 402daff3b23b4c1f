#include "gatesweep/sweep/refusal_margins.h"

#include <algorithm>
#include <cmath>

#include "text_work.h"

namespace gatesweep {
namespace {

double log_sum(double const* begin, double const* end) {
    double const largest = *std::max_element(begin, end);
    double sum = 0;
    for (double const* x = begin; x != end; ++x)
        sum += std::exp(*x - largest);
    return largest + std::log(sum);
}

// Texts of one prompt, an opener each: refusals first. Text index = prompt index x openers + opener.
struct OpenerTexts {
    std::vector<std::vector<std::int32_t>> ids;
    std::vector<std::int64_t> num_prompt_tokens;
    std::size_t num_openers = 0;

    OpenerTexts(SweepContext const& context, std::vector<std::int64_t> const& rows, Openers const& openers) {
        for (std::int64_t row : rows) {
            for (auto const* list : {&openers.refusals, &openers.compliances}) {
                for (auto const& opener : *list) {
                    auto text = context.prompts[static_cast<std::size_t>(row)];
                    num_prompt_tokens.push_back(static_cast<std::int64_t>(text.size()));
                    text.insert(text.end(), opener.begin(), opener.end());
                    ids.push_back(std::move(text));
                }
            }
        }
        num_openers = openers.refusals.size() + openers.compliances.size();
    }
};

// One pass: a stem for each opener of each unit, and the log-probability of each opener under each variant.
struct MarginPass {
    std::vector<TextUnit> const& units;
    OpenerTexts const& texts;
    std::vector<Stem> stems;
    std::vector<Branch> branches;
    std::vector<std::vector<std::vector<double>>> log_p;  // [unit][variant of the unit][opener]

    MarginPass(std::vector<TextUnit> const& pass_units, OpenerTexts const& opener_texts)
        : units(pass_units), texts(opener_texts) {
        for (TextUnit const& unit : units) {
            for (std::size_t o = 0; o < texts.num_openers; ++o) {
                std::size_t const text = static_cast<std::size_t>(unit.text) * texts.num_openers + o;
                for (std::int32_t variant : unit.variants)
                    branches.push_back({static_cast<std::int64_t>(stems.size()), variant});
                stems.push_back({texts.ids[text], texts.num_prompt_tokens[text]});
            }
            log_p.emplace_back(unit.variants.size(), std::vector<double>(texts.num_openers));
        }
    }

    void take(BranchedHidden const& hidden, LinearWeight const& lm_head) {
        for (std::size_t i = 0; i < hidden.lanes.size(); ++i) {
            Lane const& lane = hidden.lanes[i];
            auto const index = static_cast<std::size_t>(lane.stem);
            Stem const& stem = stems[index];
            // The row before a token predicts it.
            at::Tensor const rows =
                hidden.of_lane(i).slice(0, stem.num_prompt_tokens - 1, static_cast<std::int64_t>(stem.ids.size()) - 1);
            double sum = 0;
            for (double log :
                 target_log_probs(rows, lm_head, stem.ids.subspan(static_cast<std::size_t>(stem.num_prompt_tokens))))
                sum += log;
            std::size_t const unit = index / texts.num_openers, opener = index % texts.num_openers;
            auto const& variants = units[unit].variants;
            for (std::int64_t branch : lane.branches) {
                auto const at =
                    std::find(variants.begin(), variants.end(), branches[static_cast<std::size_t>(branch)].variant) -
                    variants.begin();
                log_p[unit][static_cast<std::size_t>(at)][opener] = sum;
            }
        }
    }
};

}  // namespace

std::vector<RefusalMargin> refusal_margins(SweepContext const& context, std::vector<std::int64_t> const& rows,
                                           Openers const& openers, std::int32_t num_variants) {
    OpenerTexts const texts(context, rows, openers);
    std::vector<std::int64_t> lengths;  // of all openers of a prompt together: a unit takes them as one
    std::map<std::int64_t, std::string> digests;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::int64_t sum = 0;
        std::string& digest = digests[rows[i]] = fmt::format("{} refusals", openers.refusals.size());
        for (std::size_t o = 0; o < texts.num_openers; ++o) {
            auto const& ids = texts.ids[i * texts.num_openers + o];
            sum += static_cast<std::int64_t>(ids.size());
            digest += fmt::format(" {} {}", texts.num_prompt_tokens[i * texts.num_openers + o], ids_digest(ids));
        }
        lengths.push_back(sum);
    }
    RecordBook<RefusalMargin> book(context, margin_record, std::move(digests));
    std::size_t const num_refusals = openers.refusals.size();
    run_text_passes(context, text_work(book, rows, lengths, num_variants), [&](std::vector<TextUnit> const& units) {
        MarginPass pass(units, texts);
        pass.take(context.model.forward_branches(pass.stems, pass.branches, context.edits),
                  context.model.weights().lm_head);
        for (std::size_t u = 0; u < units.size(); ++u) {
            for (std::size_t v = 0; v < units[u].variants.size(); ++v) {
                double const* const values = pass.log_p[u][v].data();
                double const margin =
                    log_sum(values, values + num_refusals) - log_sum(values + num_refusals, values + texts.num_openers);
                book.add({rows[static_cast<std::size_t>(units[u].text)], units[u].variants[v], margin});
            }
        }
    });
    return book.all();
}

}  // namespace gatesweep
