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
    if (object.contains("prompt")) out.prompt = object["prompt"].get<std::string>();
    return out;
}

}  // namespace

void for_each_completion(std::filesystem::path const& file, std::function<void(StoredCompletion const&)> const& visit) {
    std::string const bytes = read_file(file, std::uint64_t{1} << 36);
    std::string_view rest = bytes;
    for (std::int64_t number = 1; !rest.empty(); ++number) {
        std::size_t const end = rest.find('\n');
        GATESWEEP_VALIDATE(end != std::string_view::npos, ExitCode::bad_data,
                           "{}: line {} has no end (the file was cut): {}", file.string(), number, copy_again);
        StoredCompletion completion;
        try {
            completion = parse_line(rest.substr(0, end));
        } catch (nlohmann::json::exception const&) {
            fail(ExitCode::bad_data, "{}: line {} is not a completion of a sweep: {}", file.string(), number,
                 copy_again);
        }
        visit(completion);
        rest.remove_prefix(end + 1);
    }
}

}  // namespace gatesweep
