#include "gatesweep/store/completions.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"

namespace gatesweep {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;
constexpr std::size_t max_line_bytes = std::size_t{64} << 20;

std::string line_of(nlohmann::ordered_json const& object) {
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string completion_line(StoredCompletion const& completion) {
    nlohmann::ordered_json line;
    line["trial_id"] = completion.trial_id;
    line["group"] = completion.group;
    line["prompt_index"] = completion.prompt_index;
    line["prompt_id"] = completion.prompt_id;
    line["token_ids"] = completion.token_ids;
    line["text"] = completion.text;
    line["finish_reason"] = completion.finish_reason;
    line["label"] = completion.label;
    line["label_source"] = completion.label_source;
    if (completion.prompt) line["prompt"] = *completion.prompt;
    return line_of(line) + '\n';
}

std::optional<StoredCompletion> parse_completion(std::string_view line) {
    try {
        nlohmann::json const object = nlohmann::json::parse(line);
        StoredCompletion out;
        object.at("trial_id").get_to(out.trial_id);
        object.at("group").get_to(out.group);
        object.at("prompt_index").get_to(out.prompt_index);
        object.at("token_ids").get_to(out.token_ids);
        object.at("text").get_to(out.text);
        object.at("label").get_to(out.label);
        // Earlier runs, and files that people made smaller, lack some of the others.
        auto const read = [&](char const* key, std::string& to) {
            if (object.contains(key)) object[key].get_to(to);
        };
        read("prompt_id", out.prompt_id);
        read("finish_reason", out.finish_reason);
        read("label_source", out.label_source);
        if (object.contains("prompt")) out.prompt = object["prompt"].get<std::string>();
        return out;
    } catch (nlohmann::json::exception const&) {
        return std::nullopt;
    }
}

std::string relabelled_line(std::string_view line, std::string_view label, std::string_view source) {
    auto object = nlohmann::ordered_json::parse(line);
    object["label"] = label;
    object["label_source"] = source;
    return line_of(object);
}

void wrong_completion(std::filesystem::path const& file, std::int64_t number, std::string_view what) {
    fail(ExitCode::bad_data, "{}: line {}: {}: copy the run folder again, or remove COMPLETE and run the job again, {}",
         file.string(), number, what, "which writes the file anew from log/");
}

void for_each_line(std::filesystem::path const& file,
                   std::function<void(std::string_view, std::int64_t)> const& visit) {
    InputFile const input(file);
    std::string pending;
    std::int64_t number = 0;
    for (std::uint64_t offset = 0; offset < input.size();) {
        std::size_t const start = pending.size();
        auto const count = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes, input.size() - offset));
        pending.resize(start + count);
        input.read_at(offset, std::as_writable_bytes(std::span(pending).subspan(start)));
        offset += count;
        std::size_t line = 0;
        for (std::size_t end = pending.find('\n', start); end != std::string::npos; end = pending.find('\n', line)) {
            visit(std::string_view(pending).substr(line, end - line), ++number);
            line = end + 1;
        }
        pending.erase(0, line);
        if (pending.size() > max_line_bytes) {
            wrong_completion(file, number + 1, fmt::format("longer than {} bytes", max_line_bytes));
        }
    }
    if (!pending.empty()) wrong_completion(file, number + 1, "it has no end (the file was cut)");
}

void for_each_completion(std::filesystem::path const& file, std::function<void(StoredCompletion const&)> const& visit) {
    for_each_line(file, [&](std::string_view line, std::int64_t number) {
        auto const completion = parse_completion(line);
        if (!completion) wrong_completion(file, number, "not a completion of a sweep");
        visit(*completion);
    });
}

}  // namespace gatesweep
