#include "gatesweep/sweep/score_texts.h"

#include "text_work.h"

namespace gatesweep {
namespace {

// One pass as the model takes it: a stem a unit.
struct Pass {
    std::vector<Stem> stems;
    std::vector<Branch> branches;

    Pass(std::vector<TextUnit> const& units, std::vector<ForcedText> const& texts) {
        for (TextUnit const& unit : units) {
            ForcedText const& text = texts[static_cast<std::size_t>(unit.text)];
            for (std::int32_t variant : unit.variants)
                branches.push_back({static_cast<std::int64_t>(stems.size()), variant});
            stems.push_back({text.ids, text.num_prompt_tokens});
        }
    }
};

void score_pass(Pass const& pass, std::vector<TextUnit> const& units, BranchedHidden const& result,
                Decoder const& model, std::vector<ForcedText> const& texts, RecordBook<ForcedScore>& book) {
    for (std::size_t s = 0; s < pass.stems.size(); ++s) {
        std::vector<std::size_t> lanes;
        std::size_t reference = result.lanes.size();
        for (std::size_t i = 0; i < result.lanes.size(); ++i) {
            if (result.lanes[i].stem != static_cast<std::int64_t>(s)) continue;
            lanes.push_back(i);
            if (pass.branches[static_cast<std::size_t>(result.lanes[i].branches.front())].variant == 0) reference = i;
        }
        TextScorer const scorer(result.of_lane(reference), model.weights().lm_head, pass.stems[s].ids);
        for (std::size_t lane : lanes) {
            TextScore const score = lane == reference ? scorer.reference() : scorer.score(result.of_lane(lane));
            for (std::int64_t branch : result.lanes[lane].branches) {
                std::int32_t const variant = pass.branches[static_cast<std::size_t>(branch)].variant;
                book.add({texts[static_cast<std::size_t>(units[s].text)].prompt, variant, score});
            }
        }
    }
}

}  // namespace

std::vector<ForcedText> forced_texts(std::vector<Completion> const& baseline,
                                     std::vector<std::vector<std::int32_t>> const& prompts,
                                     std::vector<std::string> const& groups, std::vector<std::string> const& watched) {
    std::vector<ForcedText> texts;
    for (Completion const& c : baseline) {
        auto const prompt = static_cast<std::size_t>(c.prompt);
        if (std::find(watched.begin(), watched.end(), groups[prompt]) == watched.end()) continue;
        ForcedText text{c.prompt, prompts[prompt], 0};
        text.num_prompt_tokens = static_cast<std::int64_t>(text.ids.size());
        text.ids.insert(text.ids.end(), c.token_ids.begin(), c.token_ids.end());
        texts.push_back(std::move(text));
    }
    return texts;
}

std::vector<ForcedScore> score_texts(SweepContext const& context, std::vector<ForcedText> const& texts,
                                     std::int32_t num_variants) {
    std::vector<std::int64_t> prompts, lengths;
    std::map<std::int64_t, std::string> digests;
    for (ForcedText const& text : texts) {
        prompts.push_back(text.prompt);
        lengths.push_back(static_cast<std::int64_t>(text.ids.size()));
        digests[text.prompt] = fmt::format("{} {}", text.num_prompt_tokens, ids_digest(text.ids));
    }
    RecordBook<ForcedScore> book(context, text_record, std::move(digests));
    run_text_passes(context, text_work(book, prompts, lengths, num_variants), [&](std::vector<TextUnit> const& units) {
        Pass const pass(units, texts);
        score_pass(pass, units, context.model.forward_branches(pass.stems, pass.branches, context.edits), context.model,
                   texts, book);
    });
    return book.all();
}

}  // namespace gatesweep
