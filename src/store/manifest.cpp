#include "gatesweep/store/manifest.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <set>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"

namespace gatesweep {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int max_depth = 4;  // the deepest thing in a manifest is a field of an attempt
constexpr std::uint64_t max_manifest_bytes = std::uint64_t{64} << 20;

class Reader {
public:
    explicit Reader(std::string_view name) : name_(name) {}

    [[noreturn]] void wrong(std::string_view what) const {
        fail(ExitCode::bad_data, "{}: {} (it does not describe a run): restore the file or run again", name_,
             printable(what, 200));
    }

    json parse(std::string_view text) const {
        std::vector<std::set<std::string>> keys(max_depth + 2);
        auto const check = [&](int depth, json::parse_event_t event, json& value) {
            if (depth > max_depth) wrong("nested too deeply");
            auto& seen = keys[static_cast<std::size_t>(depth)];
            if (event == json::parse_event_t::object_start) keys[static_cast<std::size_t>(depth) + 1].clear();
            if (event == json::parse_event_t::key && !seen.insert(value.get<std::string>()).second) {
                wrong(fmt::format("key {} appears twice", value.get<std::string>()));
            }
            return true;
        };
        try {
            return json::parse(text, check);
        } catch (json::exception const&) {
            wrong("not JSON");
        }
    }

    json const& field(json const& object, char const* key) const {
        if (!object.is_object()) wrong(fmt::format("no object around {}", key));
        auto const found = object.find(key);
        if (found == object.end()) wrong(fmt::format("no {}", key));
        return *found;
    }
    std::string text(json const& object, char const* key) const {
        json const& value = field(object, key);
        if (!value.is_string()) wrong(fmt::format("{} is not a text", key));
        return value.get<std::string>();
    }
    // Counts here are small; the limit also keeps a huge literal, which the parser turns into a float, out.
    std::int64_t count(json const& object, char const* key) const {
        json const& value = field(object, key);
        if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 1'000'000'000) {
            wrong(fmt::format("{} is not a count", key));
        }
        return value.get<std::int64_t>();
    }
    std::map<std::string, std::string> texts(json const& object, char const* key) const {
        json const& value = field(object, key);
        if (!value.is_object()) wrong(fmt::format("{} is not an object", key));
        std::map<std::string, std::string> all;
        for (auto const& [name, text] : value.items()) {
            if (!text.is_string()) wrong(fmt::format("{} of {} is not a text", name, key));
            all[name] = text.get<std::string>();
        }
        return all;
    }
    json const& list(json const& object, char const* key) const {
        json const& value = field(object, key);
        if (!value.is_array()) wrong(fmt::format("{} is not a list", key));
        return value;
    }
    std::vector<std::string> words(json const& object, char const* key) const {
        std::vector<std::string> words;
        for (json const& word : list(object, key)) {
            if (!word.is_string()) wrong(fmt::format("a word of {} is not a text", key));
            words.push_back(word.get<std::string>());
        }
        return words;
    }
    // A list of counts or of sizes in bytes, empty when the key is not there.
    std::vector<std::int64_t> sizes(json const& object, char const* key) const {
        std::vector<std::int64_t> sizes;
        if (!object.contains(key)) return sizes;
        for (json const& size : list(object, key)) {
            if (!size.is_number_unsigned() || size.get<std::uint64_t>() > std::uint64_t{1} << 60) {
                wrong(fmt::format("{} is not a list of sizes", key));
            }
            sizes.push_back(size.get<std::int64_t>());
        }
        return sizes;
    }
    void check_files(std::map<std::string, std::string> const& files) const {
        for (auto const& [path, digest] : files) {
            bool const hex = digest.size() == 64 && digest.find_first_not_of("0123456789abcdef") == std::string::npos;
            if (!hex) wrong(fmt::format("the digest of {} is not a sha256", path));
            std::filesystem::path const relative(path);
            bool const inside =
                relative.is_relative() && std::find(relative.begin(), relative.end(), "..") == relative.end();
            if (!inside || path.empty()) wrong(fmt::format("file {} lies outside the folder", path));
        }
    }

private:
    std::string_view name_;
};

}  // namespace

std::string to_json(Manifest const& manifest) {
    ordered_json attempts = ordered_json::array();
    for (auto const& attempt : manifest.attempts) {
        attempts.push_back({{"started", attempt.started},
                            {"finished", attempt.finished},
                            {"host", attempt.host},
                            {"ranks", attempt.ranks},
                            {"outcome", attempt.outcome}});
    }
    ordered_json document = {
        {"schema_version", manifest_schema_version},
        {"tool", manifest.tool},
        {"version", manifest.version},
        {"build", manifest.build},
        {"versions", ordered_json(manifest.versions)},
        {"host", manifest.host},
        {"command", manifest.command},
        {"job", manifest.job},
        {"tokenization", manifest.tokenization},
        {"digests",
         {{"job", manifest.job_digest},
          {"prompts", manifest.prompts_digest},
          {"weights", manifest.weights_digest},
          {"plan", manifest.plan_digest}}},
        {"numerics_id", manifest.numerics_id},
        {"family", manifest.family},
        {"moe_layers", manifest.moe_layers},
        {"layout",
         {{"ranks", manifest.layout.ranks},
          {"copies", manifest.layout.copies},
          {"expert_parallel", manifest.layout.expert_parallel},
          {"threads", manifest.layout.threads},
          {"device", manifest.layout.device},
          {"dtype", manifest.layout.dtype},
          {"bytes_read", manifest.layout.bytes_read},
          {"peak_memory", manifest.layout.peak_memory}}},
        {"determinism",
         {{"level", manifest.determinism.level},
          {"recomputed_prompts", manifest.determinism.recomputed},
          {"equal_prompts", manifest.determinism.equal},
          {"choices", manifest.determinism.choices},
          {"near_ties_bfloat16", manifest.determinism.near_bfloat16},
          {"near_ties_float32", manifest.determinism.near_float32}}},
        {"attempts", attempts},
        {"files", ordered_json(manifest.files)},
        {"started", manifest.started},
        {"finished", manifest.finished},
    };
    if (manifest.adapter)
        document["adapter"] = {{"folder", manifest.adapter->folder}, {"sha256", manifest.adapter->files}};
    if (manifest.origin) {
        document["origin"] = {{"command", manifest.origin->command},
                              {"folder", manifest.origin->folder},
                              {"manifest", manifest.origin->manifest},
                              {"changes", manifest.origin->changes}};
    }
    return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

Manifest parse_manifest(std::string_view text, std::string_view name) {
    Reader const reader(name);
    json const document = reader.parse(text);
    std::int64_t const schema = reader.count(document, "schema_version");
    GATESWEEP_VALIDATE(schema >= 1 && schema <= manifest_schema_version, ExitCode::bad_data,
                       "{}: schema version {} (this program reads up to {}): use the version that made it", name,
                       schema, manifest_schema_version);
    Manifest manifest;
    manifest.tool = reader.text(document, "tool");
    if (manifest.tool != "gatesweep") reader.wrong(fmt::format("made by {}, not by gatesweep", manifest.tool));
    manifest.version = reader.text(document, "version");
    manifest.build = reader.text(document, "build");
    manifest.versions = reader.texts(document, "versions");
    manifest.host = reader.text(document, "host");
    manifest.command = reader.words(document, "command");
    manifest.job = reader.text(document, "job");
    if (document.contains("tokenization")) manifest.tokenization = reader.text(document, "tokenization");
    json const& digests = reader.field(document, "digests");
    manifest.job_digest = reader.text(digests, "job");
    manifest.prompts_digest = reader.text(digests, "prompts");
    manifest.weights_digest = reader.text(digests, "weights");
    if (digests.contains("plan")) manifest.plan_digest = reader.text(digests, "plan");
    manifest.numerics_id = reader.text(document, "numerics_id");
    if (document.contains("family")) manifest.family = reader.text(document, "family");
    manifest.moe_layers = reader.sizes(document, "moe_layers");
    json const& layout = reader.field(document, "layout");
    manifest.layout.ranks = reader.count(layout, "ranks");
    manifest.layout.copies = reader.count(layout, "copies");
    manifest.layout.expert_parallel = reader.count(layout, "expert_parallel");
    manifest.layout.threads = reader.count(layout, "threads");
    manifest.layout.device = reader.text(layout, "device");
    manifest.layout.dtype = reader.text(layout, "dtype");
    manifest.layout.bytes_read = reader.sizes(layout, "bytes_read");
    manifest.layout.peak_memory = reader.sizes(layout, "peak_memory");
    if (document.contains("determinism")) {
        json const& determinism = reader.field(document, "determinism");
        manifest.determinism = {reader.text(determinism, "level"),
                                reader.count(determinism, "recomputed_prompts"),
                                reader.count(determinism, "equal_prompts"),
                                reader.count(determinism, "choices"),
                                reader.count(determinism, "near_ties_bfloat16"),
                                reader.count(determinism, "near_ties_float32")};
    }
    if (document.contains("adapter")) {
        json const& adapter = reader.field(document, "adapter");
        manifest.adapter = ManifestAdapter{reader.text(adapter, "folder"), reader.texts(adapter, "sha256")};
    }
    if (document.contains("origin")) {
        json const& origin = reader.field(document, "origin");
        manifest.origin = ManifestOrigin{reader.text(origin, "command"), reader.text(origin, "folder"),
                                         reader.text(origin, "manifest"), reader.words(origin, "changes")};
    }
    for (json const& attempt : reader.list(document, "attempts")) {
        manifest.attempts.push_back({reader.text(attempt, "started"), reader.text(attempt, "finished"),
                                     reader.text(attempt, "host"), reader.count(attempt, "ranks"),
                                     reader.text(attempt, "outcome")});
    }
    manifest.files = reader.texts(document, "files");
    reader.check_files(manifest.files);
    manifest.started = reader.text(document, "started");
    manifest.finished = reader.text(document, "finished");
    return manifest;
}

Manifest read_manifest(std::filesystem::path const& folder) {
    auto const path = folder / "manifest.json";
    return parse_manifest(read_file(path, max_manifest_bytes), path.string());
}

std::string utc_now() {
    std::time_t const now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

}  // namespace gatesweep
