#include "pair_file.h"

#include <nlohmann/json.hpp>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/input/strict_json.h"
#include "gzip.h"
#include "prompt_columns.h"

namespace gatesweep {
namespace {

using nlohmann::json;

constexpr int max_depth = 32;
constexpr std::size_t max_values = std::size_t{1} << 26;

std::string text_of(json const& value, std::string const& what, std::string const& origin) {
    GATESWEEP_VALIDATE(value.is_string(), ExitCode::bad_data, "{}: {} is no text: correct it", origin, what);
    auto text = value.get<std::string>();
    check_text(text, what, origin);
    return text;
}

std::vector<Message> messages_of(json const& list, std::string const& key, std::string const& origin) {
    std::vector<Message> out;
    for (json const& entry : list) {
        bool const is_message = entry.is_object() && entry.contains("role") && entry.contains("content");
        GATESWEEP_VALIDATE(is_message, ExitCode::bad_data,
                           "{}: {} is no list of {{\"role\": text, \"content\": text}}: correct it", origin, key);
        out.push_back({text_of(entry["role"], "a role of " + key, origin),
                       text_of(entry["content"], "a content of " + key, origin)});
    }
    GATESWEEP_VALIDATE(!out.empty(), ExitCode::bad_data, "{}: {} is empty: give at least a user's message", origin,
                       key);
    return out;
}

// The last message, whose author must be `role`, or the last one of that role.
std::int64_t counted_message(std::vector<Message> const& messages, PairCount count, std::string const& key,
                             std::string const& origin) {
    auto const last = std::ssize(messages) - 1;
    if (count == PairCount::response) {
        GATESWEEP_VALIDATE(
            messages.back().role == "assistant", ExitCode::bad_data,
            "{}: {} ends with a turn of \"{}\" (count = \"response\" counts the answer that ends it): end "
            "it with an assistant's, or set count",
            origin, key, printable(messages.back().role));
        return last;
    }
    for (std::int64_t i = last; i >= 0; --i)
        if (messages[static_cast<std::size_t>(i)].role == "user") return i;
    fail(ExitCode::bad_data, "{}: {} has no user's turn (count = \"prompt\" counts the last one): give it one", origin,
         key);
}

PairText side_of(json const& row, int side, std::optional<PairCount> wanted, std::string const& origin) {
    std::string const key = fmt::format("messages_{}", side), target_key = key + "_target";
    GATESWEEP_VALIDATE(row.contains(key), ExitCode::bad_data,
                       "{}: there is no {} (a row of a pair file has messages_0, messages_1 and, beside them, "
                       "messages_0_target and messages_1_target): add it",
                       origin, key);
    PairText out;
    bool const has_target = row.contains(target_key) && !row[target_key].is_null();
    PairCount const count = wanted.value_or(has_target ? PairCount::target : PairCount::response);
    if (row[key].is_string()) {
        out.text = text_of(row[key], key, origin);
        GATESWEEP_VALIDATE(count == PairCount::target, ExitCode::bad_data,
                           "{}: {} is a text without turns (what counts in it is a target): add {}, and count = "
                           "\"target\"",
                           origin, key, target_key);
    } else {
        GATESWEEP_VALIDATE(row[key].is_array(), ExitCode::bad_data,
                           "{}: {} is neither a list of messages nor a text: correct it", origin, key);
        out.messages = messages_of(row[key], key, origin);
    }
    if (count == PairCount::target) {
        GATESWEEP_VALIDATE(has_target, ExitCode::bad_data, "{}: there is no {} (count = \"target\" counts it): add it",
                           origin, target_key);
        out.counted = text_of(row[target_key], target_key, origin);
        out.what = target_key;
    } else {
        out.counted_message = counted_message(out.messages, count, key, origin);
        out.counted = out.messages[static_cast<std::size_t>(out.counted_message)].content;
        out.what = fmt::format("the {} of {}", count == PairCount::response ? "response" : "prompt", key);
    }
    return out;
}

std::string id_of(json const& row, std::string const& origin) {
    if (!row.contains("id") || row["id"].is_null()) return {};
    if (row["id"].is_number_integer()) return row["id"].dump();
    return text_of(row["id"], "the id", origin);
}

class Reader {
public:
    Reader(PairSource const& source, std::string name) : source_(source), name_(std::move(name)) {}

    bool is_full() const { return source_.limit > 0 && std::ssize(out_.rows) == source_.limit; }
    void add(json const& row, std::size_t number) {
        PairRow& pair = out_.rows.emplace_back();
        pair.origin = fmt::format("{} row {}", name_, number);
        GATESWEEP_VALIDATE(row.is_object(), ExitCode::bad_data,
                           "{}: is no object: give one with messages_0 and messages_1", pair.origin);
        pair.id = id_of(row, pair.origin);
        for (int side = 0; side < 2; ++side)
            pair.sides[static_cast<std::size_t>(side)] = side_of(row, side, source_.count, pair.origin);
    }
    PairRows finish() { return std::move(out_); }

private:
    PairSource const& source_;
    std::string name_;
    PairRows out_;
};

}  // namespace

PairRows read_pair_file(PairSource const& source) {
    std::string const name = source.file.string();
    std::string bytes = read_file(source.file);
    std::string const digest = fmt::format("{} {}", name, sha256_hex(bytes));
    std::string kind = source.file.filename().string();
    if (kind.ends_with(".gz")) {
        bytes = inflate_gzip(bytes, name);
        kind.resize(kind.size() - 3);
    }
    Reader reader(source, name);
    if (kind.ends_with(".json")) {
        json const list = parse_strict_json(bytes, name, max_depth, max_values);
        GATESWEEP_VALIDATE(list.is_array(), ExitCode::bad_data,
                           "{}: holds no list of objects: name it .jsonl if it has one object a line", name);
        for (std::size_t i = 0; i < list.size() && !reader.is_full(); ++i)
            reader.add(list[i], i + 1);
    } else {
        GATESWEEP_VALIDATE(kind.ends_with(".jsonl") || kind.ends_with(".ndjson"), ExitCode::bad_data,
                           "{}: unknown kind of pair file: convert it to .jsonl (or .ndjson) or .json, plain or .gz",
                           name);
        std::size_t number = 0;
        for (std::string_view text = bytes; !text.empty() && !reader.is_full();) {
            std::size_t const end = std::min(text.find('\n'), text.size());
            std::string_view const line = text.substr(0, end);
            text.remove_prefix(std::min(end + 1, text.size()));
            if (line.find_first_not_of(" \t\r") == line.npos) continue;
            ++number;
            reader.add(parse_strict_json(line, fmt::format("{} row {}", name, number), max_depth, max_values), number);
        }
    }
    PairRows out = reader.finish();
    GATESWEEP_VALIDATE(!out.rows.empty(), ExitCode::bad_data, "{}: holds no pair: give it rows", name);
    out.file_digests = {digest};
    return out;
}

}  // namespace gatesweep
