#include "json_reader.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "conversation.h"
#include "gatesweep/base/error.h"
#include "prompt_table.h"

namespace gatesweep {
namespace {

constexpr int max_depth = 64;

// One value out of a stream of events.
class ValueBuilder {
public:
    void open(nlohmann::json value) { open_.push_back(&place(std::move(value))); }
    void close() { open_.pop_back(); }
    void key(std::string name) { key_ = std::move(name); }
    void add(nlohmann::json value) { place(std::move(value)); }
    nlohmann::json take() { return std::exchange(root_, nullptr); }

private:
    nlohmann::json& place(nlohmann::json value) {
        if (open_.empty()) return root_ = std::move(value);
        nlohmann::json& parent = *open_.back();
        if (parent.is_object()) return parent[key_] = std::move(value);
        parent.push_back(std::move(value));
        return parent.back();
    }

    nlohmann::json root_;
    std::vector<nlohmann::json*> open_;  // while a value is open nothing is added beside it, so pointers stay good
    std::string key_;
};

// Takes rows out of a stream of JSON events: of what is nested only conversations are kept, so depth costs nothing.
class RowReader : public nlohmann::json_sax<nlohmann::json> {
public:
    enum class Layout { one_object, list_of_objects };

    RowReader(PromptTable& table, Layout layout) : table_(table), row_depth_(layout == Layout::one_object ? 1 : 2) {}

    void begin_line(std::int64_t line) {
        line_ = line;
        depth_ = 0;
        inside_ = Inside::field;
        conversation_ = {};
        rows_before_ = table_.rows.size();
    }

    bool null() override { return value(Field::null, ""); }
    bool boolean(bool flag) override { return value(Field::scalar, flag ? "true" : "false"); }
    bool number_integer(std::int64_t number) override { return integer(number); }
    bool number_unsigned(std::uint64_t number) override {
        if (number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            return integer(static_cast<std::int64_t>(number));
        return value(Field::scalar, std::to_string(number));
    }
    bool number_float(double, std::string const& digits) override { return value(Field::scalar, digits); }
    bool string(std::string& text) override { return value(Field::text, std::move(text)); }
    bool binary(nlohmann::json::binary_t&) override { return false; }

    bool start_object(std::size_t) override {
        descend();
        if (inside_ == Inside::conversation)
            conversation_.open(nlohmann::json::object());
        else if (depth_ == row_depth_)
            begin_row();
        else if (depth_ < row_depth_)
            refuse("the file holds an object, not a list of objects: name it .jsonl if it has one object a line");
        else if (depth_ == row_depth_ + 1)
            add_table();
        return true;
    }

    bool start_array(std::size_t) override {
        if (depth_ + 1 == row_depth_) refuse("an entry is a list: give an object with a prompt");
        descend();
        if (inside_ == Inside::conversation) conversation_.open(nlohmann::json::array());
        if (depth_ != row_depth_ + 1) return true;
        add_field(Field::nested, "");
        if (key_ == "token_ids") row().token_ids.emplace(), inside_ = Inside::token_ids;
        if (is_conversation()) conversation_.open(nlohmann::json::array()), inside_ = Inside::conversation;
        return true;
    }

    bool end_object() override {
        if (inside_ == Inside::conversation) conversation_.close();
        --depth_;
        return true;
    }

    bool end_array() override {
        if (inside_ == Inside::conversation) conversation_.close();
        if (depth_ == row_depth_ + 1) {
            if (inside_ == Inside::conversation) add_conversation(conversation_of(conversation_.take(), key_));
            inside_ = Inside::field;
        }
        --depth_;
        return true;
    }

    bool key(std::string& name) override {
        if (depth_ == row_depth_)
            key_ = std::move(name);
        else if (inside_ == Inside::conversation)
            conversation_.key(std::move(name));
        return true;
    }

    bool parse_error(std::size_t, std::string const&, nlohmann::json::exception const& error) override {
        std::string_view what = error.what();
        if (auto const end = what.find("] "); end != what.npos) what.remove_prefix(end + 2);
        std::string const place = row_depth_ == 1
                                      ? fmt::format("row {}, line {}", number(), line_)
                                      : fmt::format("after {} whole rows", table_.rows.size() - (depth_ >= 2 ? 1 : 0));
        fail(ExitCode::bad_data, "{}: {}: not valid JSON: {}: correct it", table_.name, place, printable(what, 300));
    }

private:
    enum class Inside { field, token_ids, conversation };

    PromptRow& row() { return table_.rows.back(); }

    [[noreturn]] void refuse(std::string_view what) const {
        if (row_depth_ == 1) fail(ExitCode::bad_data, "{}: row {}, line {}: {}", table_.name, number(), line_, what);
        fail(ExitCode::bad_data, "{}: row {}: {}", table_.name, number(), what);
    }
    std::size_t number() const {
        if (row_depth_ == 1) return rows_before_ + 1;
        return table_.rows.size() + (depth_ < row_depth_ ? 1 : 0);
    }
    bool is_conversation() const {
        return std::ranges::find(conversation_keys, std::string_view(key_)) != conversation_keys.end();
    }

    void descend() {
        if (++depth_ > max_depth) refuse("JSON nested more than 64 deep: is it the right file?");
        if (inside_ == Inside::token_ids) refuse("token_ids is no list of whole numbers: correct it");
    }

    void begin_row() {
        table_.rows.emplace_back();
        row().number = static_cast<std::int64_t>(table_.rows.size());
        inside_ = Inside::field;
    }

    void add_table() {
        add_field(Field::nested, "");
        refuse_no_list();
    }

    // Of messages it matters only where they are used.
    void refuse_no_list() {
        if (key_ == "token_ids") refuse("token_ids is no list: correct it");
        if (key_ != "messages") return;
        Conversation none;
        none.problem = "messages is no list: correct it";
        add_conversation(std::move(none));
    }

    void add_conversation(Conversation conversation) {
        conversation.column = column();
        row().conversations.push_back(std::move(conversation));
    }

    int column() {
        auto const [entry, is_new] = columns_.try_emplace(key_, static_cast<int>(table_.columns.size()));
        if (is_new) table_.columns.push_back(key_);
        return entry->second;
    }

    // A key that comes twice counts with its last value, as in Python.
    void add_field(Field::Kind kind, std::string text) {
        Field field{column(), kind, std::move(text)};
        if (key_ == "token_ids") row().token_ids.reset();
        std::erase_if(row().conversations, [&](Conversation const& c) { return c.column == field.column; });
        for (auto& there : row().fields) {
            if (there.column == field.column) {
                there = std::move(field);
                return;
            }
        }
        GATESWEEP_VALIDATE(row().fields.size() < 4096, ExitCode::bad_data,
                           "{}: row {} has more than 4096 keys: is it the right file?", table_.name, row().number);
        row().fields.push_back(std::move(field));
    }

    bool integer(std::int64_t number) {
        if (inside_ != Inside::token_ids) return value(Field::scalar, std::to_string(number));
        if (number < 0 || number > std::numeric_limits<std::int32_t>::max())
            refuse(fmt::format("{} is no token id: correct token_ids", number));
        row().token_ids->push_back(static_cast<std::int32_t>(number));
        return true;
    }

    bool value(Field::Kind kind, std::string text) {
        if (depth_ < row_depth_) refuse("an entry is no object: give an object with a prompt");
        if (inside_ == Inside::token_ids) refuse("token_ids is no list of whole numbers: correct it");
        if (inside_ == Inside::conversation) {
            conversation_.add(kind == Field::text ? nlohmann::json(std::move(text)) : nlohmann::json(nullptr));
        } else if (depth_ == row_depth_) {
            add_field(kind, std::move(text));
            if (kind != Field::null) refuse_no_list();
        }
        return true;
    }

    PromptTable& table_;
    int row_depth_;
    int depth_ = 0;
    std::int64_t line_ = 0;        // of JSONL
    std::size_t rows_before_ = 0;  // that line
    Inside inside_ = Inside::field;
    std::string key_;
    ValueBuilder conversation_;
    std::unordered_map<std::string, int> columns_;
};

}  // namespace

void read_json_lines(std::string_view text, PromptTable& table) {
    RowReader reader(table, RowReader::Layout::one_object);
    std::int64_t number = 0;
    while (!text.empty()) {
        std::size_t const end = std::min(text.find('\n'), text.size());
        std::string_view const line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (line.find_first_not_of(" \t\r") == line.npos) continue;
        reader.begin_line(number);
        nlohmann::json::sax_parse(line.begin(), line.end(), &reader);
    }
}

void read_json_list(std::string_view text, PromptTable& table) {
    RowReader reader(table, RowReader::Layout::list_of_objects);
    nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
}

}  // namespace gatesweep
