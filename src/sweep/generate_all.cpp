#include "gatesweep/sweep/generate_all.h"

#include "gatesweep/comm/stop_together.h"
#include "gatesweep/sweep/sweep_context.h"
#include "gatesweep/sweep/work_plan.h"
#include "record_book.h"

namespace gatesweep {
namespace {

// An answer depends on the prompt's ids and on where generation ends.
std::map<std::int64_t, std::string> answer_digests(std::vector<std::vector<std::int32_t>> const& prompts,
                                                   std::vector<std::int64_t> const& rows,
                                                   GeneratorOptions const& options) {
    std::string const limits = fmt::format("{} {}", options.max_new_tokens, ids_digest(options.eos_token_ids));
    std::map<std::int64_t, std::string> digests;
    for (std::int64_t row : rows)
        digests[row] = ids_digest(prompts[static_cast<std::size_t>(row)]) + limits;
    return digests;
}

}  // namespace

std::int64_t count_recorded(RouterEdits const& edits, std::vector<std::vector<std::int32_t>> const& prompts,
                            std::vector<std::int64_t> const& rows, GeneratorOptions const& options,
                            std::function<bool(std::string const& key)> const& holds) {
    auto const answers = answer_digests(prompts, rows, options);
    std::int64_t count = 0;
    for (std::int32_t v = 0; v < edits.num_variants(); ++v) {
        std::string const edit = edit_digest(edits, v);
        for (auto const& [row, answer] : answers)
            count += holds(record_key(answer, edit)) ? 1 : 0;
    }
    return count;
}

GenerationResult generate_all(SweepContext const& context, std::vector<std::int64_t> const& rows,
                              std::int32_t first_variant, std::int32_t num_variants, GeneratorOptions const& options) {
    std::vector<std::int64_t> lengths;
    for (auto const& prompt : context.prompts)
        lengths.push_back(static_cast<std::int64_t>(prompt.size()));
    RecordBook<Completion> book(context, completion_record, answer_digests(context.prompts, rows, options));
    std::vector<Request> wanted;
    for (Request const& request : plan_requests(rows, lengths, first_variant, num_variants)) {
        if (book.holds(request.prompt, request.variant)) {
            book.recall(request.prompt, request.variant);
        } else {
            wanted.push_back(request);
        }
    }
    std::vector<Request> const mine =
        requests_of_rank(wanted, context.layout.world.rank(), context.layout.world.size());
    auto const tell = [&](std::size_t num_done) {
        if (context.progress) context.progress(static_cast<std::int64_t>(num_done), std::ssize(mine));
    };
    tell(0);
    Generator generator(context.model, context.layout, context.edits, context.prompts, options);
    bool const finished = generator.run(
        mine,
        [&](Completion completion) {
            book.add(std::move(completion));
            if (context.ledger) context.ledger->commit_when_due();
            tell(book.num_computed());
        },
        context.stop);
    if (context.ledger) context.ledger->commit();
    stop_together(context.layout.world, !finished);
    return {book.all(), generator.stats()};
}

}  // namespace gatesweep
