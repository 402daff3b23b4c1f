// Private to sweep: the records of one kind of work between a ledger and the ranks.
#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gatesweep/base/digest.h"
#include "gatesweep/store/ledger.h"
#include "record_serialization.h"

namespace gatesweep {

// What decides a result besides model and prompt: the edits themselves, not their place in a table.
std::string edit_digest(RouterEdits const& edits, std::int32_t variant);

// What a record is found by: digests of what the model reads, and of the edits.
inline std::string record_key(std::string_view text, std::string_view edits) {
    return FastDigest().add(text).add(edits).hex();
}

template <class Record>
class RecordBook {
public:
    // `texts`: by prompt, a digest of what the model reads for it. Without a ledger the book is empty.
    RecordBook(SweepContext const& context, std::string kind, std::map<std::int64_t, std::string> texts)
        : ledger_(context.ledger), layout_(context.layout), kind_(std::move(kind)), texts_(std::move(texts)) {
        if (!ledger_) return;
        for (std::int32_t v = 0; v < context.edits.num_variants(); ++v)
            variants_.push_back(edit_digest(context.edits, v) + context.model_name);
    }

    // Whether an earlier start committed it.
    bool holds(std::int64_t prompt, std::int32_t variant) const {
        return ledger_ && ledger_->holds(kind_, key(prompt, variant));
    }
    // Takes it over from there.
    void recall(std::int64_t prompt, std::int32_t variant) {
        if (!layout_.is_final_rank()) return;
        Record& record = recalled_.emplace_back();
        record.prompt = prompt;
        record.variant = variant;
        read_result(ledger_->payload(kind_, key(prompt, variant)), record);
    }

    void add(Record record) {
        if (ledger_) ledger_->add(kind_, key(record.prompt, record.variant), result_bytes(record));
        computed_.push_back(std::move(record));
    }
    std::size_t num_computed() const { return computed_.size(); }

    // Recalled and computed ones on the final rank, by variant, then prompt, each once (variant 0 is a part of many
    // units, with the same bits); nothing elsewhere. Collective.
    std::vector<Record> all() {
        std::vector<Record> all = std::move(recalled_);
        for (auto& part : layout_.world.gather_value(computed_, layout_.final_rank())) {
            all.insert(all.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
        }
        auto const place = [](Record const& r) { return std::pair(r.variant, r.prompt); };
        std::ranges::stable_sort(all, {}, place);
        auto const repeated = std::ranges::unique(all, {}, place);
        all.erase(repeated.begin(), repeated.end());
        return all;
    }

private:
    std::string key(std::int64_t prompt, std::int32_t variant) const {
        return record_key(texts_.at(prompt), variants_[static_cast<std::size_t>(variant)]);
    }

    Ledger* ledger_;
    ParallelLayout const& layout_;
    std::string kind_;
    std::map<std::int64_t, std::string> texts_;
    std::vector<std::string> variants_;
    std::vector<Record> recalled_, computed_;
};

}  // namespace gatesweep
