#include "gatesweep/model/adapter_files.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "adapter_config.h"
#include "adapter_names.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/input/safetensors_writer.h"
#include "stored_tensor.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

std::int64_t largest_rank(Adapter const& adapter) {
    std::int64_t rank = adapter.rank;
    for (auto const& [place, pair] : adapter.pairs)
        rank = std::max(rank, pair.a.size(0));
    return rank;
}

class AdapterWriter {
public:
    AdapterWriter(Adapter const& adapter, ModelConfig const& config, AdapterNaming naming)
        : adapter_(adapter), config_(config), names_(config), naming_(naming), rank_(largest_rank(adapter)) {
        GATESWEEP_VALIDATE(naming == AdapterNaming::fused || names_.names_experts(), ExitCode::job,
                           "the experts of {} have no names of their own in any checkpoint (PEFT could not find them): "
                           "write the adapter with naming = \"fused\"",
                           family_title(config));
        // Gate and up are one matrix there, whose ranks are those of both. The others are as wide, so that one rank and
        // one alpha hold for all: not every reader knows patterns of ranks.
        half_ = rank_;
        if (naming == AdapterNaming::fused) rank_ *= 2;
        file_.rank = rank_;
        file_.alpha = adapter.alpha * static_cast<double>(rank_) / static_cast<double>(adapter.rank);
    }

    void write(fs::path const& folder) {
        for (auto const& [place, pair] : adapter_.pairs) {
            if (place.expert < 0) add_pair(place);
        }
        for (std::int64_t const layer : layers_with_experts())
            naming_ == AdapterNaming::fused ? add_fused(layer) : add_experts(layer);
        create_folder(folder);
        // Last comes what makes the folder an adapter.
        remove_file(folder / adapter_config_name);
        write_safetensors_file(folder / adapter_weights_name, tensors_);
        write_file_atomically(folder / adapter_config_name, adapter_config_text(file_));
        sync_folder(folder);
    }

private:
    std::vector<std::int64_t> layers_with_experts() const {
        std::vector<std::int64_t> layers;
        for (auto const& [place, pair] : adapter_.pairs) {
            if (place.expert >= 0 && (layers.empty() || layers.back() != place.layer)) layers.push_back(place.layer);
        }
        return layers;
    }

    // Both halves with `rank` ranks, zeros where the adapter has none; b with what its scale differs by.
    std::pair<at::Tensor, at::Tensor> halves(AdapterPlace const& place, std::int64_t rank) const {
        std::vector<std::int64_t> const& shape = names_.shapes().at(place);
        at::Tensor const a = at::zeros({rank, shape[1]}), b = at::zeros({shape[0], rank});
        auto const found = adapter_.pairs.find(place);
        if (found == adapter_.pairs.end()) return {a, b};
        AdapterPair const& pair = found->second;
        a.slice(0, 0, pair.a.size(0)).copy_(pair.a);
        at::Tensor const here = b.slice(1, 0, pair.b.size(1));
        here.copy_(pair.b);
        if (pair.scale) here.mul_(*pair.scale / adapter_.scale());
        return {a, b};
    }

    void add(std::string const& module, std::string_view suffix, std::vector<std::int64_t> shape,
             std::function<at::Tensor()> make) {
        auto bytes = [make = std::move(make)] {
            at::Tensor const values = make().contiguous();
            std::span<std::byte const> const raw = bytes_of(values);
            return std::string(reinterpret_cast<char const*>(raw.data()), raw.size());
        };
        tensors_.emplace(fmt::format("{}{}{}", adapter_prefix, module, suffix),
                         OutgoingTensor{{"F32", 32}, std::move(shape), std::move(bytes)});
    }

    void add_pair(AdapterPlace const& place) {
        std::string const& module = names_.of(place);
        std::vector<std::int64_t> const& shape = names_.shapes().at(place);
        add(module, adapter_suffix_a, {rank_, shape[1]}, [this, place] { return halves(place, rank_).first; });
        add(module, adapter_suffix_b, {shape[0], rank_}, [this, place] { return halves(place, rank_).second; });
        file_.target_modules.push_back(module);
    }

    void add_experts(std::int64_t layer) {
        for (std::int64_t x = 0; x < config_.num_experts; ++x) {
            for (AdaptedMatrix const matrix : {AdaptedMatrix::w1, AdaptedMatrix::w2, AdaptedMatrix::w3})
                add_pair({layer, x, matrix});
        }
    }

    // Rows of all experts, one expert after the other; columns of all experts, one rank after the other.
    void add_fused(std::int64_t layer) {
        std::int64_t const e = config_.num_experts, d = config_.hidden_size, f = config_.intermediate_size;
        std::string const outside = names_.fused(layer), inside = outside + ".base_layer";
        add(inside, adapter_suffix_a, {e * rank_, d}, [=, this] {
            at::Tensor const all = at::zeros({e, rank_, d});
            for (std::int64_t x = 0; x < e; ++x) {
                all[x].slice(0, 0, half_).copy_(halves({layer, x, AdaptedMatrix::w1}, half_).first);
                all[x].slice(0, half_).copy_(halves({layer, x, AdaptedMatrix::w3}, half_).first);
            }
            return all;
        });
        add(inside, adapter_suffix_b, {2 * f, rank_ * e}, [=, this] {
            at::Tensor const all = at::zeros({2 * f, rank_, e});
            auto const fill = [&](std::int64_t x, AdaptedMatrix matrix, Stride rows, std::int64_t first_rank) {
                at::Tensor const of_expert = all.select(2, x).slice(1, first_rank, first_rank + half_);
                of_expert.slice(0, rows.first, rows.first + rows.step * (f - 1) + 1, rows.step)
                    .copy_(halves({layer, x, matrix}, half_).second);
            };
            for (std::int64_t x = 0; x < e; ++x) {
                fill(x, AdaptedMatrix::w1, names_.gate_rows(), 0);
                fill(x, AdaptedMatrix::w3, names_.up_rows(), half_);
            }
            return all;
        });
        add(outside, adapter_suffix_a, {e * rank_, f}, [=, this] {
            at::Tensor const all = at::zeros({e, rank_, f});
            for (std::int64_t x = 0; x < e; ++x)
                all[x].copy_(halves({layer, x, AdaptedMatrix::w2}, rank_).first);
            return all;
        });
        add(outside, adapter_suffix_b, {d, rank_ * e}, [=, this] {
            at::Tensor const all = at::zeros({d, rank_, e});
            for (std::int64_t x = 0; x < e; ++x)
                all.select(2, x).copy_(halves({layer, x, AdaptedMatrix::w2}, rank_).second);
            return all;
        });
        for (char const* tensor : {".gate_up_proj", ".down_proj"})
            file_.target_parameters.push_back(outside + tensor);
    }

    Adapter const& adapter_;
    ModelConfig const& config_;
    AdapterNames const names_;
    AdapterNaming const naming_;
    std::int64_t rank_, half_ = 0;  // of the file; of gate, or of up
    AdapterConfig file_;
    std::map<std::string, OutgoingTensor> tensors_;
};

}  // namespace

AdapterNaming usual_naming(ModelConfig const& config) {
    bool const is_put_together = config.family != "phimoe";
    return AdapterNames(config).names_experts() && is_put_together ? AdapterNaming::per_expert : AdapterNaming::fused;
}

void write_adapter(fs::path const& folder, Adapter const& adapter, ModelConfig const& config, AdapterNaming naming) {
    AdapterWriter(adapter, config, naming).write(folder);
}

}  // namespace gatesweep
