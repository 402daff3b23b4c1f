#include "gatesweep/input/audit_texts.h"

#include <algorithm>
#include <span>

#include "answer_list.h"
#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/input/prompt_tokens.h"

namespace gatesweep {
namespace {

using Lines = std::vector<std::vector<std::int32_t>>;

template <class BuiltIn>
Lines lines_of(std::filesystem::path const& file, BuiltIn const& built_in, Tokenizer const& tokenizer,
               std::int64_t vocab_size) {
    std::vector<std::string> const texts =
        file.empty() ? std::vector<std::string>(built_in.begin(), built_in.end()) : read_answer_list(file).answers;
    Lines out;
    for (std::string const& text : texts) {
        out.push_back(tokenizer.encode(text));
        bool const is_known =
            std::ranges::all_of(out.back(), [&](std::int32_t id) { return id >= 0 && id < vocab_size; });
        GATESWEEP_VALIDATE(!out.back().empty() && is_known, ExitCode::bad_data,
                           "{}: \"{}\" {} (it is to stand behind prompts): correct the line",
                           file.empty() ? std::string("[audit]") : file.string(), printable(text, 100),
                           out.back().empty() ? "has no token" : "has tokens outside the model's vocabulary");
    }
    return out;
}

void add(FastDigest& digest, Lines const& lines) {
    digest.add(fmt::format("{}", lines.size()));
    for (auto const& ids : lines) {
        auto const bytes = std::as_bytes(std::span(ids));
        digest.add(std::string_view(reinterpret_cast<char const*>(bytes.data()), bytes.size()));
    }
}

}  // namespace

std::string AuditTexts::digest() const {
    FastDigest digest;
    add(digest, refusals);
    add(digest, compliances);
    return digest.hex();
}

AuditTexts load_audit_texts(Job const& job, std::int64_t vocab_size) {
    AuditParameters const& audit = job.audit;
    bool const has_answers = audit.has(AuditCondition::continuation);
    bool const has_refusals = has_answers || audit.has(AuditCondition::refusal_prefix);
    if (!has_refusals) return {};
    GATESWEEP_VALIDATE(has_tokenizer(job.model), ExitCode::input_missing,
                       "{}: has no tokenizer (the [audit] conditions {} and {} put texts behind prompts): add the "
                       "tokenizer's files, or leave the two out",
                       job.model.path.string(), facts_of(AuditCondition::refusal_prefix).word,
                       facts_of(AuditCondition::continuation).word);
    Tokenizer const tokenizer = load_tokenizer(job.model);
    AuditTexts out;
    out.refusals = lines_of(audit.refusals, built_in_refusals, tokenizer, vocab_size);
    if (has_answers) out.compliances = lines_of(audit.compliances, built_in_compliances, tokenizer, vocab_size);
    return out;
}

}  // namespace gatesweep
