// Routing as other tools for it read it, from the counts of every prompt.
#include "formats.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/log.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/npy.h"

namespace gatesweep {
namespace {

using Json = nlohmann::ordered_json;
using Counts = NdArray<std::int64_t>;

std::filesystem::path array_path(ExportedRun const& run, std::string_view name) {
    return run.folder() / "arrays" / fmt::format("{}.npy", name);
}

template <class T>
std::optional<NdArray<T>> read_if_there(ExportedRun const& run, std::string_view name) {
    auto const path = array_path(run, name);
    if (file_kind(path) == FileKind::missing) return std::nullopt;
    return read_npy<T>(path);
}

// The prompts of a run with their counts.
struct Routing {
    explicit Routing(ExportedRun const& run)
        : counts(read_npy<std::int64_t>(array_path(run, "activation_counts"))), prompts(run.view.table("prompts")) {
        num_layers = counts.shape[1];
        num_experts = counts.shape[2];
        for (std::int64_t p = 0; p < counts.shape[0]; ++p)
            num_tokens.push_back(prompts.integer(static_cast<std::size_t>(p), "num_tokens"));
        std::int64_t sum = 0;
        for (std::int64_t e = 0; e < num_experts; ++e)
            sum += counts.at(0, 0, e);
        top_k = sum / num_tokens.at(0);
        for (std::int64_t p = 0; p < counts.shape[0]; ++p) {
            for (std::int64_t l = 0; l < num_layers; ++l)
                check(run, p, l);
        }
    }

    // Counts that tokens cannot have made would become choices that nobody made.
    void check(ExportedRun const& run, std::int64_t p, std::int64_t l) const {
        std::int64_t const tokens = num_tokens[static_cast<std::size_t>(p)];
        std::int64_t sum = 0;
        bool fits = true;
        for (std::int64_t e = 0; e < num_experts; ++e) {
            sum += counts.at(p, l, e);
            fits = fits && counts.at(p, l, e) >= 0 && counts.at(p, l, e) <= tokens;
        }
        GATESWEEP_VALIDATE(fits && sum == top_k * tokens, ExitCode::bad_data,
                           "{}: prompt {}, layer {}: {} choices of {} tokens (each token chooses {} experts): copy the "
                           "run folder again",
                           array_path(run, "activation_counts").string(), p, l, sum, tokens, top_k);
    }

    Counts counts;
    CsvTable const& prompts;
    std::vector<std::int64_t> num_tokens;
    std::int64_t num_layers = 0, num_experts = 0, top_k = 0;
};

// [tokens][top_k] experts that come to the counts. Which token chose which is not stored: choices are dealt out expert
// by expert, so that no token has one twice (an expert has no more than one choice of a token).
std::vector<std::vector<std::int64_t>> dealt_choices(Routing const& routing, std::int64_t p, std::int64_t l) {
    auto const tokens = static_cast<std::size_t>(routing.num_tokens[static_cast<std::size_t>(p)]);
    std::vector<std::vector<std::int64_t>> rows(tokens);
    std::size_t next = 0;
    for (std::int64_t e = 0; e < routing.num_experts; ++e) {
        for (std::int64_t n = 0; n < routing.counts.at(p, l, e); ++n)
            rows[next++ % tokens].push_back(e);
    }
    return rows;
}

template <class T>
Json matrix(NdArray<T> const& array, std::int64_t p) {
    Json rows = Json::array();
    for (std::int64_t l = 0; l < array.shape[1]; ++l) {
        Json& row = rows.emplace_back(Json::array());
        for (std::int64_t e = 0; e < array.shape[2]; ++e)
            row.push_back(array.at(p, l, e));
    }
    return rows;
}

// Mean weight of an expert where it was chosen, 0 where it never was.
Json mean_weights(NdArray<double> const& mass, Counts const& counts, std::int64_t p) {
    NdArray<double> mean({1, counts.shape[1], counts.shape[2]});
    for (std::int64_t l = 0; l < counts.shape[1]; ++l) {
        for (std::int64_t e = 0; e < counts.shape[2]; ++e) {
            if (counts.at(p, l, e) > 0) mean.at(0, l, e) = mass.at(p, l, e) / static_cast<double>(counts.at(p, l, e));
        }
    }
    return matrix(mean, 0);
}

template <class T>
void add_rows(NdArray<T>& sums, NdArray<T> const& array, std::int64_t p) {
    auto const row = array.row(p);
    std::transform(sums.values.begin(), sums.values.end(), row.begin(), sums.values.begin(), std::plus<>());
}

std::vector<std::int64_t> moe_layers(ExportedRun const& run) {
    std::vector<std::int64_t> out;
    for (std::int64_t row = 0; row < run.view.num_layers; ++row)
        out.push_back(run.view.moe_layers.layer(row));
    return out;
}

// One object of SAFEx's trace.py, over row p of the arrays.
struct SafexArrays {
    Counts const* input;
    Counts const* output;           // null: not counted
    NdArray<double> const* masses;  // null: not measured
};
Json safex_object(ExportedRun const& run, Routing const& routing, SafexArrays const& arrays, std::int64_t p,
                  std::string const& prompt, StoredCompletion const* reply) {
    Json out;
    out["model"] = run.view.job.model;
    out["prompt"] = prompt;
    out["input_tokens"] = nullptr;  // a run keeps their number
    out["output_text"] = reply ? Json(reply->text) : Json(nullptr);
    out["output_tokens"] = reply ? Json(reply->token_ids) : Json(nullptr);
    out["num_layers"] = routing.num_layers;
    out["num_experts"] = routing.num_experts;
    out["top_k"] = routing.top_k;
    out["input_expert_usage"] = matrix(*arrays.input, p);
    out["input_avg_probs"] = arrays.masses ? mean_weights(*arrays.masses, *arrays.input, p) : Json(nullptr);
    out["output_expert_usage"] = arrays.output ? matrix(*arrays.output, p) : Json(nullptr);
    out["output_avg_probs"] = nullptr;
    out["moe_layers"] = moe_layers(run);
    return out;
}

}  // namespace

void export_megatron(ExportedRun const& run, std::filesystem::path const& out) {
    Routing const routing(run);
    OutputFile file(out / "router_trace_rank0.jsonl", OutputFile::Existing::refuse);
    CsvTable steps{"steps", {"step", "prompt_id", "group"}, {}};
    for (std::int64_t p = 0; p < routing.counts.shape[0]; ++p) {
        steps.add(p, routing.prompts.text(static_cast<std::size_t>(p), "prompt_id"),
                  routing.prompts.text(static_cast<std::size_t>(p), "group"));
        for (std::int64_t l = 0; l < routing.num_layers; ++l) {
            Json record;
            record["step"] = p;
            record["stage"] = "pre_dispatch";
            record["block"] = "decoder";
            record["layer"] = run.view.moe_layers.layer(l);
            record["rank"] = 0;
            record["num_tokens"] = routing.num_tokens[static_cast<std::size_t>(p)];
            record["topk"] = routing.top_k;
            record["top_indices"] = dealt_choices(routing, p, l);
            record["token_order"] = "from counts";
            file.append(json_text(record) + '\n');
        }
    }
    file.sync();
    file.close();
    write_file_atomically(out / "steps.csv", to_csv(steps));
    warn(
        "a run keeps how often each prompt's tokens chose an expert, not which token did: in top_indices the counts "
        "of every step and layer are exact, the order of tokens is not. Load balance and concentration hold, overlaps "
        "between layers or tokens do not");
}

void export_safex(ExportedRun const& run, std::filesystem::path const& out) {
    Routing const routing(run);
    auto const generated = read_if_there<std::int64_t>(run, "generated_counts");
    auto const masses = read_if_there<double>(run, "gate_mass");
    std::map<std::int64_t, StoredCompletion> baseline;
    if (run.view.sweep) {
        for_each_trial(run, [&](ExportedTrial const& trial, std::vector<ExportedReply> const& replies) {
            if (trial.first().kind != "baseline") return;
            for (ExportedReply const& reply : replies)
                baseline.emplace(reply.reply.prompt_index, reply.reply);
        });
    }
    struct Sums {
        Counts input, output;
        NdArray<double> masses;
    };
    std::map<std::string, Sums> groups;
    std::vector<std::int64_t> const shape = {1, routing.num_layers, routing.num_experts};
    OutputFile file(out / "moe_trace.jsonl", OutputFile::Existing::refuse);
    for (std::int64_t p = 0; p < routing.counts.shape[0]; ++p) {
        auto const row = static_cast<std::size_t>(p);
        auto const reply = baseline.find(p);
        StoredCompletion const* const said = reply == baseline.end() ? nullptr : &reply->second;
        std::string const& group = routing.prompts.text(row, "group");
        SafexArrays const arrays{&routing.counts, generated ? &*generated : nullptr, masses ? &*masses : nullptr};
        Json object = safex_object(run, routing, arrays, p, said ? said->prompt.value_or("") : "", said);
        object["prompt_id"] = routing.prompts.text(row, "prompt_id");
        object["group"] = group;
        object["num_input_tokens"] = routing.num_tokens[row];
        file.append(json_text(object) + '\n');
        auto const [sums, is_new] = groups.try_emplace(group);
        if (is_new) sums->second = {Counts(shape), Counts(shape), NdArray<double>(shape)};
        add_rows(sums->second.input, routing.counts, p);
        if (generated) add_rows(sums->second.output, *generated, p);
        if (masses) add_rows(sums->second.masses, *masses, p);
    }
    file.sync();
    file.close();
    for (auto const& [group, sums] : groups) {
        SafexArrays const arrays{&sums.input, generated ? &sums.output : nullptr, masses ? &sums.masses : nullptr};
        Json object = safex_object(run, routing, arrays, 0, "", nullptr);
        object["group"] = group;
        write_file_atomically(out / fmt::format("moe_trace_{}.json", plain_name(group)), json_text(object) + '\n');
    }
    if (!generated) warn("output_expert_usage is null: the job does not count generated tokens ([signals] phases)");
    if (!masses)
        warn("input_avg_probs is null: the job does not measure weights ([scores] providers = [\"gate-mass\"])");
}

}  // namespace gatesweep
