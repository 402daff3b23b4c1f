#include "gatesweep/input/prompts.h"

#include <algorithm>
#include <map>
#include <set>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/utf8.h"
#include "prompt_columns.h"
#include "prompt_table.h"

namespace gatesweep {
namespace {

// Rows for a notice: all are counted, the first few named.
class RowList {
public:
    void add(std::int64_t number) {
        if (++count_ <= 5) numbers_ += fmt::format("{}{}", numbers_.empty() ? "" : ", ", number);
    }
    std::int64_t count() const { return count_; }
    std::string text() const {
        return fmt::format("{} {}{}", count_ == 1 ? "row" : "rows", numbers_, count_ > 5 ? ", ..." : "");
    }

private:
    std::int64_t count_ = 0;
    std::string numbers_;
};

// What tells one prompt from another, whatever its id.
std::string content_of(Prompt const& prompt) {
    if (prompt.messages.size() == 1 && prompt.messages[0].role == "user") return prompt.messages[0].content;
    std::string out;
    for (auto const& message : prompt.messages)
        out += message.role + '\0' + message.content + '\0';
    for (auto id : prompt.token_ids)
        out += fmt::format("{},", id);
    return '\0' + out;  // no plain prompt holds NUL
}

class Loader {
public:
    void add(PromptSource const& source) {
        PromptTable const& table = read(source.file);
        PromptColumns const columns = find_columns(table, source);
        std::vector<int> const metadata = metadata_columns(table, columns);
        notice_once(table.notices);
        notice_once(column_notices(table, columns));
        RowList empty, copyright, left_out;
        std::int64_t kept = 0, answers = 0;
        std::vector<Prompt> prompts;
        for (auto const& row : table.rows) {
            if (source.limit > 0 && kept == source.limit) break;
            if (!passes(row, columns)) continue;
            if (is_copyright(row, columns)) {
                copyright.add(row.number);
                continue;
            }
            Prompt prompt = make_prompt(table, row, columns, source);
            if (prompt.token_ids.empty() && prompt.messages.empty()) {
                empty.add(row.number);
                continue;
            }
            answers += begins_like_an_answer(prompt);
            ++kept;
            Conversation const* const conversation = row.conversation(columns.conversation);
            if (conversation && conversation->num_left_out > 0) left_out.add(row.number);
            prompt.metadata = metadata_of(table, row, metadata, prompt.origin);
            prompts.push_back(std::move(prompt));
        }
        tell_files_apart(source, prompts);
        for (Prompt& prompt : prompts)
            keep(std::move(prompt));
        if (left_out.count() > 0) {
            notice(
                "{}: of {} {} what follows the last user's turn is left out (the model is asked, not the data set): "
                "{} {}",
                printable(source.group), left_out.count(), left_out.count() == 1 ? "conversation" : "conversations",
                table.name, left_out.text());
        }
        notice_skipped(source, table, empty, "empty");
        notice_skipped(source, table, copyright, "about copyrighted text (judged by a hash check, not by refusal)");
        if (kept == 0) refuse_empty(source, table, columns);
        GATESWEEP_VALIDATE(answers * 2 <= kept, ExitCode::bad_data,
                           "{}: column \"{}\" holds answers (\"Sure, here ...\"), not requests: the header is swapped; "
                           "correct it or set column in the job",
                           table.name, printable(table.columns[static_cast<std::size_t>(std::max(columns.prompt, 0))]));
    }

    PromptSet finish() {
        for (auto const& [group, state] : groups_) {
            if (state.repeated > 0) {
                notice("{}: {} {} an earlier prompt and {} kept (first: {})", printable(group), state.repeated,
                       state.repeated == 1 ? "repeats" : "repeat", state.repeated == 1 ? "is" : "are",
                       state.first_repeat);
            }
        }
        notice_shared();
        return std::move(set_);
    }

private:
    struct Group {
        std::map<std::string, std::size_t> by_id;       // index into prompts
        std::map<std::string, std::size_t> by_content;  // by SHA-256
        std::set<std::filesystem::path> files;
        std::int64_t repeated = 0;
        std::string first_repeat;
    };

    template <class... Args>
    void notice(fmt::format_string<Args...> format, Args&&... args) {
        set_.notices.push_back(fmt::format(format, std::forward<Args>(args)...));
    }

    // One file may feed several groups: what is said of the file is said once.
    void notice_once(std::vector<std::string> const& notices) {
        for (auto const& text : notices) {
            if (std::ranges::find(set_.notices, text) == set_.notices.end()) set_.notices.push_back(text);
        }
    }

    // Files that number their rows share ids. The later file's get its name in front, so that what was committed under
    // the earlier ones stays. Within one file two rows with an id are a mistake, and so is a file that comes twice.
    void tell_files_apart(PromptSource const& source, std::vector<Prompt>& prompts) {
        Group& group = groups_[source.group];
        bool const is_new_file = group.files.insert(source.file).second;
        bool const is_shared = std::ranges::any_of(
            prompts, [&](Prompt const& prompt) { return !prompt.id.empty() && group.by_id.contains(prompt.id); });
        if (!is_shared || !is_new_file) return;
        std::string const prefix = printable(source.file.stem().string());
        for (Prompt& prompt : prompts) {
            if (!prompt.id.empty()) prompt.id = fmt::format("{}/{}", prefix, prompt.id);
        }
        notice("{}: {} has ids that an earlier file of the group has too: its prompts are called \"{}/...\"",
               printable(source.group), source.file.filename().string(), prefix);
    }

    PromptTable const& read(std::filesystem::path const& file) {
        auto const [entry, is_new] = tables_.try_emplace(file);
        if (is_new) {
            entry->second = read_prompt_table(file);
            set_.file_digests.push_back(fmt::format("{} {}", file.string(), entry->second.sha256));
        }
        return entry->second;
    }

    // Columns that play no part in the prompt, each name once.
    std::vector<int> metadata_columns(PromptTable const& table, PromptColumns const& columns) {
        std::vector<int> out;
        for (int c = 0; c < static_cast<int>(table.columns.size()); ++c) {
            auto const& name = table.columns[static_cast<std::size_t>(c)];
            bool const plays_a_part =
                c == columns.prompt || c == columns.below || c == columns.before || c == columns.id;
            bool const is_new =
                std::find(table.columns.begin(), table.columns.begin() + c, name) == table.columns.begin() + c;
            if (plays_a_part || !is_new || name.empty()) continue;
            out.push_back(c);
            auto& known = set_.metadata_columns;
            if (std::find(known.begin(), known.end(), name) == known.end()) known.push_back(name);
        }
        return out;
    }

    static std::vector<std::pair<std::string, std::string>> metadata_of(PromptTable const& table, PromptRow const& row,
                                                                        std::vector<int> const& columns,
                                                                        std::string const& origin) {
        std::vector<std::pair<std::string, std::string>> out;
        for (int const c : columns) {
            Field const* field = row.field(c);
            if (!field || (field->kind != Field::text && field->kind != Field::scalar)) continue;
            auto const& name = table.columns[static_cast<std::size_t>(c)];
            check_text(field->value, fmt::format("column \"{}\"", printable(name)), origin);
            out.emplace_back(name, field->value);
        }
        return out;
    }

    // Without messages and token ids when the row's prompt is empty.
    static Prompt make_prompt(PromptTable const& table, PromptRow const& row, PromptColumns const& columns,
                              PromptSource const& source) {
        Prompt out;
        out.group = source.group;
        out.prompt_template = source.prompt_template;
        out.origin = fmt::format("{} row {}", table.name, row.number);
        Conversation const* const conversation = conversation_of_row(row, columns, out.origin);
        bool const names_ids =
            columns.is_named && table.columns[static_cast<std::size_t>(columns.prompt)] == "token_ids";
        if (row.token_ids && (!columns.is_named || names_ids)) {
            out.token_ids = *row.token_ids;
            GATESWEEP_VALIDATE(!out.token_ids.empty(), ExitCode::bad_data, "{}: token_ids is empty: give at least two",
                               out.origin);
        } else if (conversation) {
            out.messages = conversation->messages;
        } else {
            std::string content = prompt_text(table, row, columns, out.origin);
            if (!content.empty()) out.messages.push_back({"user", std::move(content)});
        }
        for (auto const& message : out.messages) {
            check_text(message.role, "a role", out.origin);
            check_text(message.content, "the prompt", out.origin);
        }
        if (Field const* id = columns.id >= 0 ? row.field(columns.id) : nullptr) {
            check_text(id->value, "the id", out.origin);
            out.id = id->value;
        }
        return out;
    }

    static bool begins_like_an_answer(Prompt const& prompt) {
        static constexpr std::string_view start = "sure, here";
        if (prompt.messages.size() != 1 || prompt.messages[0].content.size() < start.size()) return false;
        return std::equal(start.begin(), start.end(), prompt.messages[0].content.begin(),
                          [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
    }

    void keep(Prompt prompt) {
        Group& group = groups_[prompt.group];
        std::size_t const index = set_.prompts.size();
        std::string content = sha256_hex(content_of(prompt));
        bool const has_own_id = !prompt.id.empty();
        if (!has_own_id) {
            std::string const base = content.substr(0, 12);
            prompt.id = base;
            for (int i = 2; group.by_id.contains(prompt.id); ++i)
                prompt.id = fmt::format("{}-{}", base, i);
        }
        auto const [holder, is_new] = group.by_id.try_emplace(prompt.id, index);
        GATESWEEP_VALIDATE(
            is_new, ExitCode::bad_data,
            "{} and {}: two rows of group \"{}\" have the id \"{}\" (results name a prompt by it): change one",
            set_.prompts[holder->second].origin, prompt.origin, printable(prompt.group), printable(prompt.id));
        auto const [first, is_unseen] = group.by_content.try_emplace(std::move(content), index);
        if (!is_unseen && ++group.repeated == 1)
            group.first_repeat = fmt::format("{} repeats {}", prompt.origin, set_.prompts[first->second].origin);
        set_.prompts.push_back(std::move(prompt));
    }

    void notice_skipped(PromptSource const& source, PromptTable const& table, RowList const& rows,
                        std::string_view why) {
        if (rows.count() == 0) return;
        notice("{}: {} {} skipped, {}: {} {}", printable(source.group), rows.count(),
               rows.count() == 1 ? "prompt" : "prompts", why, table.name, rows.text());
    }

    void notice_shared() {
        for (auto a = groups_.begin(); a != groups_.end(); ++a) {
            for (auto b = std::next(a); b != groups_.end(); ++b) {
                auto const shared =
                    std::count_if(b->second.by_content.begin(), b->second.by_content.end(),
                                  [&](auto const& entry) { return a->second.by_content.contains(entry.first); });
                if (shared > 0) {
                    notice("{} and {} share {} {} (a comparison of the two counts it on both sides)",
                           printable(a->first), printable(b->first), shared, shared == 1 ? "prompt" : "prompts");
                }
            }
        }
    }

    [[noreturn]] static void refuse_empty(PromptSource const& source, PromptTable const& table,
                                          PromptColumns const& columns) {
        if (columns.where.empty()) {
            fail(
                ExitCode::bad_data,
                "{}: group \"{}\" is empty: the file has {} rows and none of them has a usable prompt: give it prompts",
                table.name, printable(source.group), table.rows.size());
        }
        std::string conditions;
        for (auto const& [column, wanted] : columns.where) {
            std::vector<std::string> values;
            for (auto const& row : table.rows) {
                Field const* field = row.field(column);
                bool const is_new = field && std::find(values.begin(), values.end(), field->value) == values.end();
                if (is_new && values.size() < 100) values.push_back(field->value);
            }
            conditions += fmt::format("{}{} = \"{}\" (its values: {})", conditions.empty() ? "" : " and ",
                                      printable(table.columns[static_cast<std::size_t>(column)]), printable(wanted),
                                      list_of(values));
        }
        fail(ExitCode::bad_data, "{}: group \"{}\" is empty: no usable row has {}: correct where in the job",
             table.name, printable(source.group), conditions);
    }

    PromptSet set_;
    std::map<std::filesystem::path, PromptTable> tables_;  // one file may feed several groups
    std::map<std::string, Group> groups_;
};

}  // namespace

PromptSet load_prompts(Job const& job) {
    Loader loader;
    for (auto const& source : job.prompts)
        loader.add(source);
    return loader.finish();
}

}  // namespace gatesweep
