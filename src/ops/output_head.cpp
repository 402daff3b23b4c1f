#include "gatesweep/ops/output_head.h"

#include <algorithm>
#include <cmath>

#include "gatesweep/ops/upload.h"
#include "logit_chunks.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/logit_loops.h"
#include "ops/cpu/row_loops.h"
#include "ops/generic/generic_ops.h"

namespace gatesweep {
namespace {

// body(first row, logits [n,V] of the compute type) for a few rows at a time.
template <class Body>
void for_logits(at::Tensor const& hidden, LinearWeight const& lm_head, Body const& body) {
    auto const compute_type = hidden.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    for_logit_chunks(hidden.size(0), lm_head.num_outputs(), [&](std::int64_t begin, std::int64_t end) {
        body(begin, token_linear(hidden.slice(0, begin, end), lm_head).to(compute_type).contiguous());
    });
}

// What f(first row, logits) gives for the rows of each part, one after the other, on the CPU. For devices that need not
// send their logits there.
template <class Function>
std::vector<double> rows_from_device(at::Tensor const& hidden, LinearWeight const& lm_head, Function const& f) {
    std::vector<at::Tensor> parts;
    for_logits(hidden, lm_head,
               [&](std::int64_t first, at::Tensor const& logits) { parts.push_back(f(first, logits)); });
    if (parts.empty()) return {};
    at::Tensor const all = at::cat(parts).to(at::kCPU, at::kDouble).contiguous();
    return {all.const_data_ptr<double>(), all.const_data_ptr<double>() + all.numel()};
}

at::Tensor columns_of(std::span<std::int32_t const> targets, at::Device device) {
    std::vector<std::int64_t> const columns(targets.begin(), targets.end());
    return upload<std::int64_t>(columns, device);
}

// [n,V] -> [n]
at::Tensor of_targets(at::Tensor const& log_p, std::span<std::int32_t const> targets) {
    return log_p.gather(1, columns_of(targets, log_p.device()).unsqueeze(1)).squeeze(1);
}

double log_sum_exp(float const* z, std::int64_t n) {
    float const largest = kernels::largest_of_row(z, n);
    return static_cast<double>(largest) + std::log(kernels::sum_of_exponentials(z, largest, n));
}

double log_sum_exp(double const* z, std::int64_t n) {
    double const largest = *std::max_element(z, z + n);
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i)
        sum += std::exp(z[i] - largest);
    return largest + std::log(sum);
}

// The first of equals.
std::int64_t largest_index(float const* z, std::int64_t n) {
    return std::find(z, z + n, kernels::largest_of_row(z, n)) - z;
}
std::int64_t largest_index(double const* z, std::int64_t n) {
    return std::max_element(z, z + n) - z;
}

template <class Body>
void for_rows(at::Tensor const& logits, Body const& body) {
    AT_DISPATCH_FLOATING_TYPES(logits.scalar_type(), "output_head", [&] {
        auto const* data = logits.const_data_ptr<scalar_t>();
        std::int64_t const vocab = logits.size(1);
        kernels::for_each_row(logits.size(0), vocab, [&](std::int64_t row) { body(row, data + row * vocab, vocab); });
    });
}

}  // namespace

std::vector<std::int32_t> greedy_tokens(at::Tensor const& hidden, LinearWeight const& lm_head) {
    if (!hidden.is_cpu()) {
        at::Tensor const tokens = greedy_tokens_there(hidden, lm_head).to(at::kCPU, at::kInt);
        return {tokens.const_data_ptr<std::int32_t>(), tokens.const_data_ptr<std::int32_t>() + tokens.numel()};
    }
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(hidden.size(0)));
    for_logits(hidden, lm_head, [&](std::int64_t first, at::Tensor const& logits) {
        for_rows(logits, [&](std::int64_t row, auto const* z, std::int64_t vocab) {
            tokens[first + row] = static_cast<std::int32_t>(largest_index(z, vocab));
        });
    });
    return tokens;
}

at::Tensor greedy_tokens_there(at::Tensor const& hidden, LinearWeight const& lm_head) {
    at::Tensor tokens = at::empty({hidden.size(0)}, hidden.options().dtype(at::kLong));
    for_logits(hidden, lm_head, [&](std::int64_t first, at::Tensor const& logits) {
        tokens.slice(0, first, first + logits.size(0)).copy_(generic::greedy_tokens(logits));
    });
    return tokens;
}

std::vector<double> target_log_probs(at::Tensor const& hidden, LinearWeight const& lm_head,
                                     std::span<std::int32_t const> targets) {
    if (!hidden.is_cpu()) {
        return rows_from_device(hidden, lm_head, [&](std::int64_t first, at::Tensor const& logits) {
            return of_targets(generic::log_probabilities(logits), targets.subspan(first, logits.size(0)));
        });
    }
    std::vector<double> result(targets.size());
    for_logits(hidden, lm_head, [&](std::int64_t first, at::Tensor const& logits) {
        for_rows(logits, [&](std::int64_t row, auto const* z, std::int64_t vocab) {
            std::size_t const i = static_cast<std::size_t>(first + row);
            result[i] = static_cast<double>(z[targets[i]]) - log_sum_exp(z, vocab);
        });
    });
    return result;
}

TextScorer::TextScorer(at::Tensor const& reference_hidden, LinearWeight const& lm_head,
                       std::span<std::int32_t const> ids)
    : lm_head_(lm_head), ids_(ids.begin(), ids.end()) {
    std::int64_t const num_targets = static_cast<std::int64_t>(ids.size()) - 1;
    log_p_ = at::empty({num_targets, lm_head.num_outputs()}, reference_hidden.options().dtype(at::kFloat));
    if (!log_p_.is_cpu()) {
        for_logits(reference_hidden.slice(0, 0, num_targets), lm_head,
                   [&](std::int64_t first, at::Tensor const& logits) {
                       log_p_.slice(0, first, first + logits.size(0)).copy_(generic::log_probabilities(logits));
                   });
        return;
    }
    auto* const out = log_p_.data_ptr<float>();
    for_logits(reference_hidden.slice(0, 0, num_targets), lm_head, [&](std::int64_t first, at::Tensor const& logits) {
        for_rows(logits, [&](std::int64_t row, auto const* z, std::int64_t vocab) {
            double const normaliser = log_sum_exp(z, vocab);
            float* const to = out + (first + row) * vocab;
            for (std::int64_t i = 0; i < vocab; ++i)
                to[i] = static_cast<float>(static_cast<double>(z[i]) - normaliser);
        });
    });
}

TextScore TextScorer::reference() const {
    TextScore score;
    score.num_targets = log_p_.size(0);
    if (score.num_targets == 0) return score;
    at::Tensor const log_p = of_targets(log_p_, std::span(ids_).subspan(1)).cpu().contiguous();
    for (std::int64_t t = 0; t < score.num_targets; ++t)
        score.nll_sum -= static_cast<double>(log_p.const_data_ptr<float>()[t]);
    return score;
}

TextScore TextScorer::score(at::Tensor const& hidden) const {
    std::int64_t const num_targets = log_p_.size(0);
    at::Tensor const rows = hidden.slice(0, 0, num_targets);
    auto const [nll, kl] = log_p_.is_cpu() ? score_rows(rows) : score_rows_on_device(rows);
    TextScore score;
    score.num_targets = num_targets;
    for (std::int64_t t = 0; t < num_targets; ++t) {
        score.nll_sum += nll[t];
        score.kl_sum += kl[t];
    }
    return score;
}

// Log-probabilities are rounded as the reference's are, so that equal logits give exactly 0.
TextScorer::RowScores TextScorer::score_rows(at::Tensor const& hidden) const {
    RowScores scores{std::vector<double>(static_cast<std::size_t>(hidden.size(0))),
                     std::vector<double>(static_cast<std::size_t>(hidden.size(0)))};
    auto const* const reference = log_p_.const_data_ptr<float>();
    for_logits(hidden, lm_head_, [&](std::int64_t first, at::Tensor const& logits) {
        for_rows(logits, [&](std::int64_t row, auto const* z, std::int64_t vocab) {
            std::int64_t const t = first + row;
            double const normaliser = log_sum_exp(z, vocab);
            float const* const log_p = reference + t * vocab;
            double sum = 0;
            for (std::int64_t i = 0; i < vocab; ++i) {
                float const log_q = static_cast<float>(static_cast<double>(z[i]) - normaliser);
                sum += static_cast<double>(std::exp(log_p[i])) * static_cast<double>(log_p[i] - log_q);
            }
            scores.kl[t] = sum;
            scores.nll[t] = -static_cast<double>(static_cast<float>(static_cast<double>(z[ids_[t + 1]]) - normaliser));
        });
    });
    return scores;
}

TextScorer::RowScores TextScorer::score_rows_on_device(at::Tensor const& hidden) const {
    auto const both = rows_from_device(hidden, lm_head_, [&](std::int64_t first, at::Tensor const& logits) {
        auto const n = static_cast<std::size_t>(logits.size(0));
        std::span<std::int32_t const> const targets = std::span(ids_).subspan(static_cast<std::size_t>(first + 1), n);
        return generic::text_scores(logits, log_p_.slice(0, first, first + logits.size(0)),
                                    columns_of(targets, logits.device()))
            .view(-1);
    });
    RowScores scores;
    for (std::size_t i = 0; i < both.size(); i += 2) {
        scores.nll.push_back(both[i]);
        scores.kl.push_back(both[i + 1]);
    }
    return scores;
}

}  // namespace gatesweep
