#include "gatesweep/harden/step_gradient.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "gatesweep/base/error.h"
#include "gatesweep/harden/adamw.h"
#include "gatesweep/harden/adapter_gradients.h"
#include "gatesweep/harden/answer_loss.h"

namespace gatesweep {
namespace {

constexpr std::int64_t values_at_a_time = 1 << 18;  // of every rank, when gradients travel
constexpr std::size_t num_losses = 3;

// The base model's routes.
class RouteRecorder final : public RoutingObserver {
public:
    void on_routing(std::int64_t, PackedBatch const&, Routing const&) override {}
    void on_router_gradient(std::int64_t, PackedBatch const&, Routing const&, at::Tensor const&,
                            at::Tensor const&) override {}
    void on_layer(std::int64_t, LayerWeights const& weights, LayerTape const& tape) override {
        if (!is_wanted || !tape.is_routed()) return;
        at::Tensor const logits = router_logits(weights, tape.router_input);
        routes.push_back(logits.to(c10::promoteTypes(logits.scalar_type(), at::kFloat)).softmax(1));
    }

    bool is_wanted = false;
    std::vector<at::Tensor> routes;
};

// Sums of what each rank has of the values [first, last) of all parts of a wave: row r is of rank r's part, and each
// element is of one rank alone.
std::vector<double> of_all_ranks(std::vector<double> rows, ParallelLayout const& layout) {
    layout.world.reduce_sum(std::span(rows), 0);
    return rows;
}

// This rank's share of one row of values.
class GradientRows {
public:
    GradientRows(Adapter const& adapter, AdapterGradients const& gradients, ParallelLayout const& layout)
        : layout_(layout) {
        std::int64_t first = 0;
        for (auto const& [place, pair] : adapter.pairs) {
            auto const found = gradients.pairs().find(place);
            bool const has = found != gradients.pairs().end();
            pieces_.push_back({first, pair.a.numel(), has ? found->second.a : at::Tensor()});
            first += pair.a.numel();
            pieces_.push_back({first, pair.b.numel(), has ? found->second.b : at::Tensor()});
            first += pair.b.numel();
        }
    }

    // [world ranks, last - first].
    std::vector<double> between(std::int64_t first, std::int64_t last) const {
        std::vector<double> rows(static_cast<std::size_t>(layout_.world.size() * (last - first)), 0.0);
        for (Piece const& piece : pieces_) {
            std::int64_t const begin = std::max(first, piece.first), end = std::min(last, piece.first + piece.count);
            if (begin >= end || !piece.values.defined()) continue;
            for (std::int64_t source = 0; source < layout_.ep_size(); ++source) {
                auto const* const from = piece.values.const_data_ptr<double>() + source * piece.count - piece.first;
                std::copy(from + begin, from + end, rows.begin() + row_of(source) * (last - first) + begin - first);
            }
        }
        return rows;
    }

private:
    struct Piece {
        std::int64_t first, count;
        at::Tensor values;
    };
    // The world rank of a rank of this group.
    std::int64_t row_of(std::int64_t source) const { return layout_.world.rank() - layout_.ep_rank() + source; }

    ParallelLayout const& layout_;
    std::vector<Piece> pieces_;
};

struct Sums {
    std::vector<double> losses = std::vector<double>(num_losses, 0.0), values;
};

// Adds the rows in order, on rank 0.
void add_rows(std::vector<double> const& rows, std::span<double> to, ParallelLayout const& layout) {
    if (layout.world.rank() != 0) return;
    for (std::size_t i = 0; i < rows.size(); ++i)
        to[i % to.size()] += rows[i];
}

void add_wave(Adapter const& adapter, AdapterGradients const& gradients, std::span<double const> losses,
              ParallelLayout const& layout, Sums& sums) {
    std::vector<double> rows(static_cast<std::size_t>(layout.world.size()) * num_losses, 0.0);
    std::ranges::copy(losses, rows.begin() + static_cast<std::ptrdiff_t>(num_losses) * layout.world.rank());
    add_rows(of_all_ranks(std::move(rows), layout), sums.losses, layout);
    if (sums.values.empty()) return;
    GradientRows const mine(adapter, gradients, layout);
    std::int64_t const num = std::ssize(sums.values);
    for (std::int64_t first = 0; first < num; first += values_at_a_time) {
        std::int64_t const last = std::min(num, first + values_at_a_time);
        add_rows(
            of_all_ranks(mine.between(first, last), layout),
            std::span(sums.values).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)),
            layout);
    }
}

double mean(double sum, std::int64_t num) {
    return num > 0 ? sum / static_cast<double>(num) : 0.0;
}

}  // namespace

std::vector<std::vector<std::size_t>> cut_into_parts(std::vector<TrainingText> const& texts, std::int64_t num_parts) {
    std::vector<std::size_t> order(texts.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return texts[i].token_ids.size(); });
    std::vector<std::vector<std::size_t>> parts(
        static_cast<std::size_t>(std::min<std::int64_t>(num_parts, std::ssize(texts))));
    for (std::size_t i = 0; i < order.size(); ++i)
        parts[i % parts.size()].push_back(order[i]);
    return parts;
}

StepGradient step_gradient(Decoder& model, ParallelLayout const& layout, Adapter const& adapter,
                           std::vector<TrainingText> const& texts, std::int64_t num_parts, LossWeights const& weights,
                           TapePolicy policy, Look look) {
    ModelConfig const& config = model.config();
    StepGradient out;
    out.rows = count_rows(texts);
    auto const parts = cut_into_parts(texts, num_parts);
    std::vector<LayerAdapter> const beside = adapter_weights(
        adapter, config.num_layers, layout.local_experts(config.num_experts), model.weights().embedding.options());
    std::int64_t const num_ranks = layout.world.size(), num_waves = (std::ssize(parts) + num_ranks - 1) / num_ranks;
    Sums sums;
    if (look == Look::losses_and_gradient) sums.values.resize(static_cast<std::size_t>(num_values(adapter)), 0.0);
    double const drift_rows = static_cast<double>(out.rows.tokens * config.num_sparse_layers());
    for (std::int64_t wave = 0; wave < num_waves; ++wave) {
        auto const mine = static_cast<std::size_t>(wave * num_ranks + layout.world.rank());
        std::vector<TrainingText> chosen;
        if (mine < parts.size()) {
            for (std::size_t const i : parts[mine])
                chosen.push_back(texts[i]);
        }
        TrainingBatch const batch = training_batch(std::move(chosen));
        at::Tensor base_hidden;
        RouteRecorder base;
        base.is_wanted = weights.gamma > 0.0;
        if (weights.needs_base()) base_hidden = model.hidden(batch.batch, base);
        RouteAnchor anchor{std::move(base.routes), weights.gamma / drift_rows, 0.0};
        AnswerLoss loss;
        auto const loss_of = [&](at::Tensor const& hidden) {
            loss = answer_loss(hidden, base_hidden, model.weights().lm_head, batch, out.rows, weights.beta);
            return NextTokenLoss{{}, loss.d_hidden};
        };
        model.adapt(beside);
        AdapterGradients gradients(adapter, config, layout);
        if (look == Look::losses_and_gradient) {
            ObservedBatch const observed{.batch = batch.batch,
                                         .observer = &gradients,
                                         .loss = loss_of,
                                         .anchor = weights.gamma > 0.0 ? &anchor : nullptr,
                                         .only_adapters = weights.gamma == 0.0};
            model.forward_backward(std::span(&observed, 1), policy);
        } else {
            RouteRecorder unused;
            loss_of(model.hidden(batch.batch, unused));
        }
        model.adapt({});
        double const losses[] = {loss.refusal_sum, loss.kl_sum, anchor.divergence};
        add_wave(adapter, gradients, losses, layout, sums);
    }
    layout.world.broadcast(std::as_writable_bytes(std::span(sums.losses)), 0);
    layout.world.broadcast(std::as_writable_bytes(std::span(sums.values)), 0);
    out.losses = {mean(sums.losses[0], out.rows.refusal), mean(sums.losses[1], out.rows.base),
                  drift_rows > 0.0 ? sums.losses[2] / drift_rows : 0.0};
    out.values = std::move(sums.values);
    GATESWEEP_VALIDATE(std::isfinite(out.losses.total(weights)), ExitCode::bad_data,
                       "the loss of a hardening step is not finite (the adapter has left all bounds, and no number "
                       "after it would mean anything): lower [harden] learning_rate");
    return out;
}

}  // namespace gatesweep
