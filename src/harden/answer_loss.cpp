#include "gatesweep/harden/answer_loss.h"

#include "gatesweep/ops/upload.h"

namespace gatesweep {
namespace {

constexpr std::int64_t max_logits = std::int64_t{16} << 20;  // formed at a time

// Rows of one kind, with their targets where they learn an answer.
struct Rows {
    std::vector<std::int64_t> index, target;
};

Rows rows_of(TrainingBatch const& batch, bool of_refusals) {
    Rows rows;
    for (std::size_t i = 0; i < batch.texts.size(); ++i) {
        TrainingText const& text = batch.texts[i];
        if (text.is_refusal != of_refusals) continue;
        for (std::int64_t r = 0; r < text.num_rows(); ++r) {
            std::int64_t const position = text.first - 1 + r;
            rows.index.push_back(batch.batch.offsets[i] + position);
            if (of_refusals) rows.target.push_back(text.token_ids[static_cast<std::size_t>(position + 1)]);
        }
    }
    return rows;
}

// In one order, whatever the number of threads.
double ordered_sum(at::Tensor const& values) {
    at::Tensor const host = values.to(at::kDouble).cpu().contiguous();
    double sum = 0.0;
    for (std::int64_t i = 0; i < host.numel(); ++i)
        sum += host.const_data_ptr<double>()[i];
    return sum;
}

// Of some rows [n,D]: the loss's sum, and its gradient to the logits without the factor of the mean.
struct LogitLoss {
    double sum = 0.0;
    at::Tensor d_logits;
};

at::Tensor log_p(at::Tensor const& rows, LinearWeight const& lm_head) {
    auto const type = c10::promoteTypes(rows.scalar_type(), at::kFloat);
    return token_linear(rows, lm_head).to(type).log_softmax(1);
}

LogitLoss cross_entropy(at::Tensor const& rows, LinearWeight const& lm_head, at::Tensor const& targets) {
    at::Tensor const log_probs = log_p(rows, lm_head);
    at::Tensor const column = targets.unsqueeze(1);
    at::Tensor d = log_probs.exp();
    d.scatter_add_(1, column, at::full_like(column, -1, d.options()));
    return {-ordered_sum(log_probs.gather(1, column)), d};
}

LogitLoss divergence(at::Tensor const& rows, LinearWeight const& lm_head, at::Tensor const& base_rows) {
    at::Tensor const log_probs = log_p(rows, lm_head), of_base = log_p(base_rows, lm_head);
    at::Tensor const p = of_base.exp();
    // A word's share is added up in its row's order.
    return {ordered_sum((p * (of_base - log_probs)).nan_to_num(0.0)), log_probs.exp() - p};
}

template <class Loss>
double add_rows(at::Tensor const& hidden, Rows const& rows, double factor, LinearWeight const& lm_head,
                at::Tensor const& d_hidden, Loss const& loss) {
    std::int64_t const num = std::ssize(rows.index),
                       step = std::max<std::int64_t>(1, max_logits / lm_head.num_outputs());
    at::Tensor const index = upload<std::int64_t>(rows.index, hidden.device());
    double sum = 0.0;
    for (std::int64_t begin = 0; begin < num; begin += step) {
        std::int64_t const end = std::min(num, begin + step);
        at::Tensor const places = index.slice(0, begin, end);
        LogitLoss const part = loss(hidden.index_select(0, places), begin, end, places);
        sum += part.sum;
        at::Tensor const d_logits = part.d_logits.mul(factor).to(hidden.scalar_type());
        d_hidden.index_copy_(0, places, token_linear_input_gradient(d_logits, lm_head));
    }
    return sum;
}

}  // namespace

AnswerLoss answer_loss(at::Tensor const& hidden, at::Tensor const& base_hidden, LinearWeight const& lm_head,
                       TrainingBatch const& batch, RowCounts const& of_step, double beta) {
    AnswerLoss out;
    out.d_hidden = at::zeros_like(hidden);
    Rows const refusals = rows_of(batch, true), others = rows_of(batch, false);
    auto const mean = [](double weight, std::int64_t num) { return num > 0 ? weight / static_cast<double>(num) : 0.0; };
    at::Tensor const targets = upload<std::int64_t>(refusals.target, hidden.device());
    out.refusal_sum = add_rows(hidden, refusals, mean(1.0, of_step.refusal), lm_head, out.d_hidden,
                               [&](at::Tensor const& rows, std::int64_t begin, std::int64_t end, at::Tensor const&) {
                                   return cross_entropy(rows, lm_head, targets.slice(0, begin, end));
                               });
    if (!base_hidden.defined() || beta == 0.0) return out;
    out.kl_sum = add_rows(hidden, others, mean(beta, of_step.base), lm_head, out.d_hidden,
                          [&](at::Tensor const& rows, std::int64_t, std::int64_t, at::Tensor const& places) {
                              return divergence(rows, lm_head, base_hidden.index_select(0, places));
                          });
    return out;
}

}  // namespace gatesweep
