#include "stored_completions.h"

#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"

namespace gatesweep {
namespace {

constexpr char const* copy_again = "copy the run folder again, or run the job anew";

StoredCompletion parse_line(std::string_view line) {
    nlohmann::json const object = nlohmann::json::parse(line);
    StoredCompletion out;
    object.at("trial_id").get_to(out.trial_id);
    object.at("group").get_to(out.group);
    object.at("prompt_index").get_to(out.prompt_index);
    object.at("token_ids").get_to(out.token_ids);
    object.at("text").get_to(out.text);
    object.at("label").get_to(out.label);
    if (object.contains("label_source")) object["label_source"].get_to(out.label_source);
    if (object.contains("prompt")) out.prompt = object["prompt"].get<std::string>();
    return out;
}

}  // namespace

std::string relabelled_line(std::string_view line, std::string_view label, std::string_view source) {
    auto object = nlohmann::ordered_json::parse(line);
    object["label"] = label;
    object["label_source"] = source;
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void for_each_line(std::filesystem::path const& file,
                   std::function<void(std::string_view, std::int64_t)> const& visit) {
    std::string const bytes = read_file(file, std::uint64_t{1} << 36);
    std::string_view rest = bytes;
    for (std::int64_t number = 1; !rest.empty(); ++number) {
        std::size_t const end = rest.find('\n');
        GATESWEEP_VALIDATE(end != std::string_view::npos, ExitCode::bad_data,
                           "{}: line {} has no end (the file was cut): {}", file.string(), number, copy_again);
        visit(rest.substr(0, end), number);
        rest.remove_prefix(end + 1);
    }
}

void for_each_completion(std::filesystem::path const& file, std::function<void(StoredCompletion const&)> const& visit) {
    for_each_line(file, [&](std::string_view line, std::int64_t number) {
        StoredCompletion completion;
        try {
            completion = parse_line(line);
        } catch (nlohmann::json::exception const&) {
            fail(ExitCode::bad_data, "{}: line {} is not a completion of a sweep: {}", file.string(), number,
                 copy_again);
        }
        visit(completion);
    });
}

}  // namespace gatesweep
