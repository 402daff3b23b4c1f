#include "pair_rows.h"

#include "answer_list.h"
#include "gatesweep/base/error.h"
#include "pair_file.h"
#include "prompt_columns.h"
#include "prompt_table.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

std::string digest_line(fs::path const& file, std::string const& sha256) {
    return fmt::format("{} {}", file.string(), sha256);
}

// A column that the job names, as a text of the row.
class TextColumn {
public:
    TextColumn(PromptTable const& table, std::string name, std::string_view key) : name_(std::move(name)) {
        auto const found = std::ranges::find(table.columns, name_);
        GATESWEEP_VALIDATE(found != table.columns.end(), ExitCode::bad_data,
                           "{}: there is no column \"{}\" (the columns are {}): correct {} in the job", table.name,
                           printable(name_), list_of(table.columns), key);
        column_ = static_cast<int>(found - table.columns.begin());
    }

    std::string of(PromptRow const& row, std::string const& origin) const {
        Field const* field = row.field(column_);
        GATESWEEP_VALIDATE(field && field->kind == Field::text && !field->value.empty(), ExitCode::bad_data,
                           "{}: \"{}\" is {}: give a text, or leave the row out with where", origin, printable(name_),
                           !field                       ? "missing"
                           : field->kind == Field::text ? "empty"
                                                        : "no text");
        check_text(field->value, fmt::format("column \"{}\"", printable(name_)), origin);
        return field->value;
    }

private:
    std::string name_;
    int column_ = -1;
};

// The answers of one side, for each pair in turn.
class Answers {
public:
    Answers(ResponseSource const& source, PromptTable const& table, std::string_view key, PairRows& out) {
        if (source.list.empty())
            column_.emplace(table, source.column, key);
        else
            list_ = read_list(source.list, out);
    }
    std::string of(PromptRow const& row, std::size_t pair, std::string const& origin) const {
        return column_ ? column_->of(row, origin) : list_[pair % list_.size()];
    }

private:
    static std::vector<std::string> read_list(fs::path const& file, PairRows& out) {
        AnswerList list = read_answer_list(file);
        out.file_digests.push_back(std::move(list.file_digest));
        return std::move(list.answers);
    }

    std::optional<TextColumn> column_;
    std::vector<std::string> list_;
};

PairText with_answer(std::vector<Message> messages, std::string answer, std::optional<PairCount> count, int side) {
    PairText out;
    out.messages = std::move(messages);
    out.messages.push_back({"assistant", std::move(answer)});
    bool const counts_prompt = count == PairCount::prompt;
    out.counted_message = std::ssize(out.messages) - (counts_prompt ? 2 : 1);
    out.counted = out.messages[static_cast<std::size_t>(out.counted_message)].content;
    out.what = fmt::format("the {} of side {}", counts_prompt ? "prompt" : "response", side);
    return out;
}

PairText asked(std::string const& before, std::string const& question, std::optional<PairCount> count, int side) {
    PairText out;
    out.messages = {{"user", before + "Question: " + question}};
    out.counted = count == PairCount::prompt ? out.messages[0].content : question;
    out.counted_message = count == PairCount::prompt ? 0 : -1;
    out.what = fmt::format("the question of side {}", side);
    return out;
}

std::vector<Message> prompt_of(PromptTable const& table, PromptRow const& row, PromptColumns const& columns,
                               std::string const& origin) {
    GATESWEEP_VALIDATE(!row.token_ids, ExitCode::bad_data,
                       "{}: carries token_ids (a pair is built of texts): give a prompt", origin);
    std::vector<Message> messages;
    if (Conversation const* const conversation = conversation_of_row(row, columns, origin)) {
        messages = conversation->messages;
        for (auto const& message : messages) {
            check_text(message.role, "a role", origin);
            check_text(message.content, "the prompt", origin);
        }
    } else {
        std::string content = prompt_text(table, row, columns, origin);
        check_text(content, "the prompt", origin);
        messages.push_back({"user", std::move(content)});
    }
    bool const asks = !messages.empty() && messages.back().role == "user" && !messages.back().content.empty();
    GATESWEEP_VALIDATE(asks, ExitCode::bad_data,
                       "{}: the prompt is empty, or does not end with a user's turn: correct "
                       "it, or leave the row out with where",
                       origin);
    return messages;
}

PairRows build_pairs(PairSource const& source) {
    PairRows out;
    PromptTable const table = read_prompt_table(source.prompts);
    out.file_digests.push_back(digest_line(source.prompts, table.sha256));
    PromptSource prompts;
    prompts.file = source.prompts;
    prompts.column = source.column;
    prompts.where = source.where;
    PromptColumns const columns = find_columns(table, prompts);
    std::optional<TextColumn> document, question;
    std::vector<Answers> answers;
    if (!source.document.empty()) {
        document.emplace(table, source.document, "document");
        question.emplace(table, source.question, "question");
    } else {
        answers.emplace_back(source.responses[0], table, "response_0", out);
        answers.emplace_back(source.responses[1], table, "response_1", out);
    }
    for (PromptRow const& row : table.rows) {
        std::size_t const number = out.rows.size();
        if (source.limit > 0 && std::ssize(out.rows) == source.limit) break;
        if (!passes(row, columns)) continue;
        PairRow& pair = out.rows.emplace_back();
        pair.origin = fmt::format("{} row {}", table.name, row.number);
        if (Field const* id = columns.id >= 0 ? row.field(columns.id) : nullptr) {
            check_text(id->value, "the id", pair.origin);
            pair.id = id->value;
        }
        if (document) {
            std::string const asking = question->of(row, pair.origin);
            pair.sides[0] =
                asked(fmt::format("Document: {} ", document->of(row, pair.origin)), asking, source.count, 0);
            pair.sides[1] = asked("", asking, source.count, 1);
            continue;
        }
        std::vector<Message> const messages = prompt_of(table, row, columns, pair.origin);
        for (int side = 0; side < 2; ++side) {
            auto const s = static_cast<std::size_t>(side);
            pair.sides[s] = with_answer(messages, answers[s].of(row, number, pair.origin), source.count, side);
        }
    }
    GATESWEEP_VALIDATE(!out.rows.empty(), ExitCode::bad_data,
                       "{}: [[pairs]] \"{}\" takes no row of it: correct where in the job", table.name,
                       printable(source.name));
    return out;
}

}  // namespace

PairRows read_pair_rows(PairSource const& source) {
    return source.file.empty() ? build_pairs(source) : read_pair_file(source);
}

}  // namespace gatesweep
