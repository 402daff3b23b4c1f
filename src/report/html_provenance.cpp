#include "html_provenance.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "html_parts.h"
#include "text.h"

namespace gatesweep {
namespace {

using Json = nlohmann::json;

constexpr char const* not_recorded = "<span class=\"absent\">not recorded</span>";
constexpr std::uint64_t max_manifest_bytes = 256U << 20;

Json read_manifest_json(std::filesystem::path const& file) {
    if (!std::filesystem::exists(file)) return Json::object();
    Json const manifest = Json::parse(read_file(file, max_manifest_bytes), nullptr, false);
    GATESWEEP_VALIDATE(manifest.is_object(), ExitCode::bad_data,
                       "{}: not a JSON object (it says how the tables came about): copy the run folder again",
                       file.string());
    return manifest;
}

// The value at a path of keys, null where any is absent.
Json at(Json const& value, std::initializer_list<char const*> keys) {
    Json const* here = &value;
    for (auto const* key : keys) {
        if (!here->is_object() || !here->contains(key)) return nullptr;
        here = &(*here)[key];
    }
    return *here;
}

std::string plain(Json const& value) {
    if (value.is_null()) return {};
    if (value.is_string()) return value.get<std::string>();
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string value_html(Json const& value) {
    std::string const text = plain(value);
    return text.empty() ? not_recorded : html_escape(text);
}

std::string code_html(Json const& value) {
    std::string const text = plain(value);
    return text.empty() ? not_recorded : fmt::format("<code>{}</code>", html_escape(text));
}

std::string command_html(Json const& command) {
    if (!command.is_array()) return code_html(command);
    std::string line;
    for (auto const& argument : command)
        line.append(line.empty() ? "" : " ").append(plain(argument));
    return code_html(line);
}

std::string layout_html(Json const& manifest) {
    Json const layout = at(manifest, {"layout"});
    if (!layout.is_object()) return not_recorded;
    return fmt::format("{} ranks = {} copies of the model x expert parallel {}; {}, {}, threads per rank: {}",
                       value_html(at(layout, {"ranks"})), value_html(at(layout, {"copies"})),
                       value_html(at(layout, {"expert_parallel"})), value_html(at(layout, {"device"})),
                       value_html(at(layout, {"dtype"})), value_html(at(layout, {"threads"})));
}

std::string determinism_html(Json const& manifest) {
    Json const d = at(manifest, {"determinism"});
    if (!d.is_object()) return not_recorded;
    return fmt::format(
        "{}: {} of {} prompts computed again, alone, came out equal in every bit. Of {} choices of experts, {} were "
        "within rounding "
        "of bfloat16 of another choice, {} within rounding of float32",
        value_html(at(d, {"level"})), value_html(at(d, {"equal_prompts"})), value_html(at(d, {"recomputed_prompts"})),
        value_html(at(d, {"choices"})), value_html(at(d, {"near_ties_bfloat16"})),
        value_html(at(d, {"near_ties_float32"})));
}

std::string row(std::string_view name, std::string const& html) {
    return fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, html);
}

// Rows of whatever objects there are: the columns are all their keys.
std::string attempts_html(Json const& attempts) {
    if (!attempts.is_array() || attempts.empty()) return {};
    HtmlTable table{"Attempts", {{"attempt", HtmlColumn::Kind::number}}, {}, Sorting::fixed};
    std::vector<std::string> keys;
    for (auto const& attempt : attempts) {
        if (!attempt.is_object()) continue;
        for (auto const& item : attempt.items()) {
            if (std::find(keys.begin(), keys.end(), item.key()) == keys.end()) keys.push_back(item.key());
        }
    }
    for (auto const& key : keys)
        table.columns.push_back({html_escape(key)});
    for (std::size_t i = 0; i < attempts.size(); ++i) {
        table.rows.push_back({count_cell(static_cast<std::int64_t>(i) + 1)});
        for (auto const& key : keys)
            table.rows.back().emplace_back(value_html(at(attempts[i], {key.c_str()})));
    }
    return table.html();
}

std::string map_table(std::string_view caption, std::string_view key_title, std::string_view value_title,
                      Json const& map) {
    if (!map.is_object() || map.empty()) return {};
    HtmlTable table{std::string(caption), {{std::string(key_title)}, {std::string(value_title)}}, {}, Sorting::fixed};
    for (auto const& item : map.items()) {
        table.rows.push_back({fmt::format("<code>{}</code>", html_escape(item.key())), code_html(item.value())});
    }
    return table.html();
}

std::string timings_html(std::filesystem::path const& file) {
    if (!std::filesystem::exists(file)) return {};
    CsvTable const timings = read_csv(file);
    HtmlTable table{"Time", {{"phase"}}, {}, Sorting::fixed};
    for (auto const* title : {"seconds", "tokens", "tokens_per_second"})
        table.columns.push_back({title, HtmlColumn::Kind::number});
    for (std::size_t i = 0; i < timings.rows.size(); ++i) {
        table.rows.push_back({html_escape(timings.text(i, "phase"))});
        for (auto const* column : {"seconds", "tokens", "tokens_per_second"}) {
            bool const is_empty = timings.text(i, column).empty();
            table.rows.back().push_back(is_empty ? HtmlCell("") : number_cell(timings.number(i, column)));
        }
    }
    return table.html();
}

std::string origin_notice(RunView const& run, Json const& manifest) {
    Json const origin = at(manifest, {"origin"});
    if (!origin.is_object()) return {};
    Json const list = at(origin, {"changes"});
    std::string changes;
    for (auto const& change : list.is_array() ? list : Json::array())
        changes.append(changes.empty() ? "" : "; ").append(code_html(change));
    bool const is_analysis = plain(at(origin, {"command"})) == "analyze";
    std::string const sweep =
        !run.sweep    ? ""
        : is_analysis ? " The sets of the sweep were chosen with the values of the run itself; their replies and "
                        "labels are the run's."
                      : " The screen of single experts is the run's: its openings were chosen by the run's own labels.";
    return fmt::format(
        "<p class=\"labeller alert\"><b>Made anew, without the model,</b> by <code>gatesweep {}</code> from what the "
        "run in "
        "<code>{}</code> measured (its manifest's SHA-256: <code>{}</code>). Changed: {}.{}</p>\n",
        value_html(at(origin, {"command"})), value_html(at(origin, {"folder"})), value_html(at(origin, {"manifest"})),
        changes.empty() ? "nothing" : changes, sweep);
}

}  // namespace

Provenance provenance(RunView const& run) {
    Json const manifest = read_manifest_json(run.folder / "manifest.json");
    Provenance found;
    found.notice = origin_notice(run, manifest);
    found.summary_rows =
        row("Layout", layout_html(manifest)) +
        (manifest.contains("adapter") ? row("Adapter", code_html(at(manifest, {"adapter", "folder"}))) : "") +
        row("Tokens by the rules of", value_html(at(manifest, {"tokenization"}))) +
        row("Version",
            fmt::format("{} {}",
                        plain(at(manifest, {"tool"})).empty() ? "gatesweep" : value_html(at(manifest, {"tool"})),
                        value_html(at(manifest, {"version"})))) +
        row("Started", value_html(at(manifest, {"started"}))) + row("Finished", value_html(at(manifest, {"finished"})));
    std::string facts = "<dl class=\"facts\">\n" + row("Command", command_html(at(manifest, {"command"}))) +
                        row("Host", value_html(at(manifest, {"host"}))) +
                        row("Build", value_html(at(manifest, {"build"}))) +
                        row("Manifest schema", value_html(at(manifest, {"schema_version"}))) +
                        row("Job digest", code_html(at(manifest, {"digests", "job"}))) +
                        row("Prompts digest", code_html(at(manifest, {"digests", "prompts"}))) +
                        row("Weights digest", code_html(at(manifest, {"digests", "weights"}))) +
                        row("Numerics id", code_html(at(manifest, {"numerics_id"}))) +
                        row("Determinism", determinism_html(manifest)) + "</dl>\n";
    std::string const adapter =
        map_table("Files of the adapter with their SHA-256", "file", "sha256", at(manifest, {"adapter", "sha256"}));
    std::string const files = map_table("Files with their SHA-256", "file", "sha256", at(manifest, {"files"}));
    std::string body =
        "<p>Runs with the same digests and the same numerics id promise the same tables, byte for byte.</p>\n" + facts +
        attempts_html(at(manifest, {"attempts"})) +
        map_table("Libraries", "library", "version", at(manifest, {"versions"})) +
        timings_html(run.folder / "timings.csv");
    body +=
        files.empty()
            ? "<p class=\"note\">The list of files and their digests was not recorded when this page was made.</p>\n"
            : "<details><summary>Files and their digests</summary>\n" + adapter + files + "</details>\n";
    body += fmt::format(
        "<details><summary>The resolved job (<code>job.toml</code>)</summary>\n<pre class=\"job\">{}</pre></details>\n",
        html_escape(run.job.toml));
    found.section = section("provenance", "Provenance", body);
    return found;
}

}  // namespace gatesweep
