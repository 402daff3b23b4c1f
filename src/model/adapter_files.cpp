#include "gatesweep/model/adapter_files.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "adapter_config.h"
#include "adapter_names.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/words.h"
#include "gatesweep/input/safetensors.h"
#include "stored_tensor.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

using Shape = std::vector<std::int64_t>;

fs::path weights_file(fs::path const& folder) {
    fs::path const file = folder / adapter_weights_name;
    GATESWEEP_VALIDATE(
        file_kind(file) != FileKind::missing || file_kind(folder / "adapter_model.bin") == FileKind::missing,
        ExitCode::input_missing,
        "{}: holds adapter_model.bin but not {} (reading pickled weights can run code that they carry): "
        "save the adapter as safetensors",
        folder.string(), adapter_weights_name);
    return file;
}

class AdapterReader {
public:
    AdapterReader(fs::path const& folder, ModelConfig const& config)
        : config_(config),
          names_(config),
          fields_(read_adapter_config(folder / adapter_config_name)),
          weights_(weights_file(folder)),
          file_(weights_.path().string()) {}

    Adapter read() {
        adapter_.rank = fields_.rank;
        adapter_.alpha = fields_.is_rank_stabilised ? fields_.alpha * std::sqrt(fields_.rank) : fields_.alpha;
        for (std::string const& module : modules()) {
            if (AdapterPlace const* const place = names_.find(module)) {
                read_pair(*place, module);
            } else {
                read_fused(module);
            }
        }
        GATESWEEP_VALIDATE(!adapter_.pairs.empty(), ExitCode::bad_data,
                           "{}: every product of the adapter is zero (the model would be as it is without it): name an "
                           "adapter that was trained",
                           file_);
        narrow();
        return std::move(adapter_);
    }

private:
    // What stands before the names of the halves, both of which are there.
    std::set<std::string> modules() const {
        std::set<std::string> modules;
        for (auto const& [tensor, entry] : weights_.tensors()) {
            bool const is_a = tensor.ends_with(adapter_suffix_a), is_b = tensor.ends_with(adapter_suffix_b);
            if (!tensor.starts_with(adapter_prefix) || !(is_a || is_b)) refuse(tensor);
            std::string const other = tensor.substr(0, tensor.size() - adapter_suffix_a.size()) +
                                      std::string(is_a ? adapter_suffix_b : adapter_suffix_a);
            GATESWEEP_VALIDATE(weights_.tensors().contains(other), ExitCode::bad_data,
                               "{}: tensor \"{}\" is there, but not its other half, \"{}\" (a product has two): copy "
                               "the adapter again",
                               file_, printable(tensor, 200), printable(other, 200));
            std::size_t const length = tensor.size() - adapter_prefix.size() - adapter_suffix_a.size();
            modules.insert(tensor.substr(adapter_prefix.size(), length));
        }
        return modules;
    }

    // Of a tensor that is no half of a matrix that can be adapted.
    [[noreturn]] void refuse(std::string const& tensor) const {
        std::string module = tensor.substr(0, std::min(tensor.find(".lora_"), tensor.find(".modules_to_save")));
        if (module.starts_with(adapter_prefix)) module = module.substr(adapter_prefix.size());
        std::string const part = names_.part_of(module);
        fail(ExitCode::bad_data,
             "{}: tensor \"{}\" {} (its part in the result would be lost): use an adapter of this model's experts, and "
             "of "
             "q_proj, k_proj, v_proj and o_proj, alone",
             file_, printable(tensor, 200),
             part.empty() ? "is of nothing in the model that gatesweep can adapt"
                          : fmt::format("is of {}, which gatesweep does not adapt", part));
    }

    std::string half(std::string const& module, std::string_view suffix) const {
        return fmt::format("{}{}{}", adapter_prefix, module, suffix);
    }

    // Float32.
    at::Tensor values(std::string const& tensor) const {
        TensorEntry const& entry = weights_.tensors().at(tensor);
        auto const& type = entry.type.name;
        GATESWEEP_VALIDATE(
            type == "F32" || type == "F16" || type == "BF16", ExitCode::bad_data,
            "{}: tensor \"{}\" is stored as {} (only F32, F16 and BF16 can be read): save the adapter in "
            "one of these",
            file_, tensor, type);
        at::Tensor const stored = at::empty(entry.shape, stored_type(entry));
        weights_.read(tensor, 0, bytes_of(stored));
        refuse_non_finite(stored, tensor, file_, "the adapter is damaged, or its training diverged; use another");
        return stored.to(at::kFloat);
    }

    Shape const& shape_of(std::string const& tensor) const { return weights_.tensors().at(tensor).shape; }

    void expect_shape(std::string const& tensor, Shape const& shape) const {
        GATESWEEP_VALIDATE(shape_of(tensor) == shape, ExitCode::bad_data,
                           "{}: tensor \"{}\" has shape [{}], but this model and the rank of {} ask for [{}]: use an "
                           "adapter of this model",
                           file_, tensor, fmt::join(shape_of(tensor), ", "), adapter_config_name,
                           fmt::join(shape, ", "));
    }

    // The ranks that add anything: of an expert that is not adapted none, and of gate and up together those of one.
    void add(AdapterPlace const& place, at::Tensor const& a, at::Tensor const& b, double scale) {
        at::Tensor const used = b.ne(0).any(0).logical_and(a.ne(0).any(1)).nonzero().flatten();
        if (used.numel() == 0) return;
        AdapterPair pair{a.index_select(0, used).contiguous(), b.index_select(1, used).contiguous()};
        if (scale != adapter_.scale()) pair.scale = scale;
        adapter_.pairs.emplace(place, std::move(pair));
    }

    // As wide as its pairs: files may have room for more.
    void narrow() {
        std::int64_t widest = 1;
        for (auto const& [place, pair] : adapter_.pairs)
            widest = std::max(widest, pair.a.size(0));
        adapter_.alpha = adapter_.alpha * static_cast<double>(widest) / static_cast<double>(adapter_.rank);
        adapter_.rank = widest;
    }

    void read_pair(AdapterPlace const& place, std::string const& module) {
        std::int64_t const rank = fields_.rank_of(module);
        Shape const& matrix = names_.shapes().at(place);
        std::string const a = half(module, adapter_suffix_a), b = half(module, adapter_suffix_b);
        expect_shape(a, {rank, matrix[1]});
        expect_shape(b, {matrix[0], rank});
        add(place, values(a), values(b), fields_.scale_of(module, rank));
    }

    // PEFT wraps a layer's experts once for each tensor that it targets, gate_up_proj inside where it is both.
    void read_fused(std::string const& module) {
        constexpr std::string_view inside = ".base_layer";
        bool const is_inside = module.ends_with(inside);
        std::string const experts = is_inside ? module.substr(0, module.size() - inside.size()) : module;
        std::int64_t const layer = names_.fused_layer(experts);
        if (layer < 0) refuse(half(module, adapter_suffix_a));
        bool const has_gate_up = fields_.targets_parameter(experts + ".gate_up_proj"),
                   has_down = fields_.targets_parameter(experts + ".down_proj");
        GATESWEEP_VALIDATE(is_inside ? has_gate_up && has_down : has_gate_up || has_down, ExitCode::bad_data,
                           "{}: target_parameters does not name the experts' tensors that \"{}\" in {} is of (which of "
                           "them, its name alone does not tell): copy both files again",
                           fields_.file, half(module, adapter_suffix_a), file_);
        bool const is_gate_up = is_inside || !has_down;
        read_experts(layer, module, experts + (is_gate_up ? ".gate_up_proj" : ".down_proj"), is_gate_up);
    }

    void read_experts(std::int64_t layer, std::string const& module, std::string const& parameter, bool is_gate_up) {
        std::int64_t const e = config_.num_experts, d = config_.hidden_size, f = config_.intermediate_size;
        std::int64_t const out = is_gate_up ? 2 * f : d, in = is_gate_up ? d : f, rank = fields_.rank_of(parameter);
        std::string const name_a = half(module, adapter_suffix_a), name_b = half(module, adapter_suffix_b);
        bool const turned = is_turned(name_a, out, in, rank);
        expect_shape(name_a, {e * rank, turned ? out : in});
        expect_shape(name_b, {turned ? in : out, rank * e});
        at::Tensor const first = values(name_a).view({e, rank, -1}), second = values(name_b).view({-1, rank, e});
        double const scale = fields_.scale_of(parameter, rank);
        for (std::int64_t x = 0; x < e; ++x) {
            at::Tensor const a = turned ? second.select(2, x).t() : first[x],
                             b = turned ? first[x].t() : second.select(2, x);
            auto const add_rows = [&](AdaptedMatrix matrix, Stride rows, std::int64_t count) {
                std::int64_t const last = rows.first + rows.step * (count - 1);
                add({layer, x, matrix}, a, b.slice(0, rows.first, last + 1, rows.step), scale);
            };
            if (!is_gate_up) add_rows(AdaptedMatrix::w2, {0, 1}, d);
            if (is_gate_up) add_rows(AdaptedMatrix::w1, names_.gate_rows(), f);
            if (is_gate_up) add_rows(AdaptedMatrix::w3, names_.up_rows(), f);
        }
    }

    bool is_turned(std::string const& name_a, std::int64_t out, std::int64_t in, std::int64_t rank) const {
        if (names_.is_transposed()) return false;  // there all versions agree
        if (out != in) return shape_of(name_a) == Shape{config_.num_experts * rank, out};
        GATESWEEP_VALIDATE(
            fields_.layout != AdapterConfig::Layout::unknown, ExitCode::bad_data,
            "{}: the field peft_version is missing (before 0.19 the two halves of \"{}\" had each other's "
            "places, and their shapes do not tell): save the adapter with a newer PEFT",
            fields_.file, name_a);
        return fields_.layout == AdapterConfig::Layout::turned;
    }

    ModelConfig const& config_;
    AdapterNames const names_;
    AdapterConfig const fields_;
    SafetensorsFile const weights_;
    std::string const file_;
    Adapter adapter_;
};

}  // namespace

Adapter read_adapter(fs::path const& folder, ModelConfig const& config) {
    return AdapterReader(folder, config).read();
}

std::shared_ptr<Adapter const> read_optional_adapter(fs::path const& folder, ModelConfig const& config) {
    return folder.empty() ? nullptr : std::make_shared<Adapter const>(read_adapter(folder, config));
}

std::string adapter_text(Adapter const& adapter) {
    std::set<std::pair<std::int64_t, std::int64_t>> experts;
    std::int64_t of_experts = 0;
    for (auto const& [place, pair] : adapter.pairs) {
        if (place.expert < 0) continue;
        experts.emplace(place.layer, place.expert);
        ++of_experts;
    }
    std::int64_t const of_attention = std::ssize(adapter.pairs) - of_experts;
    std::string text = fmt::format("rank {}, alpha {:g}", adapter.rank, adapter.alpha);
    if (of_experts > 0) text += fmt::format(", {} matrices of {}", of_experts, plural(std::ssize(experts), "expert"));
    if (of_attention > 0) text += fmt::format(", {} of attention", of_attention);
    return text;
}

}  // namespace gatesweep
