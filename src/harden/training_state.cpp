#include "training_state.h"

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/log.h"
#include "gatesweep/comm/communicator.h"

namespace gatesweep {
namespace {

using Values = std::vector<std::vector<float>>;  // pair after pair, A before B

Values values_of(Adapter const& adapter) {
    Values values;
    for (auto const& [place, pair] : adapter.pairs) {
        for (at::Tensor const& matrix : {pair.a, pair.b}) {
            auto const* const from = matrix.const_data_ptr<float>();
            values.emplace_back(from, from + matrix.numel());
        }
    }
    return values;
}

// Into fresh matrices of the shapes of `like`.
Adapter with_values(Adapter const& like, Values const& values) {
    Adapter adapter = like;
    std::size_t i = 0;
    for (auto& [place, pair] : adapter.pairs) {
        for (at::Tensor* const matrix : {&pair.a, &pair.b}) {
            GATESWEEP_EXPECT(i < values.size() && std::ssize(values[i]) == matrix->numel());
            at::Tensor filled = at::empty_like(*matrix);
            std::ranges::copy(values[i++], filled.data_ptr<float>());
            *matrix = filled;
        }
    }
    return adapter;
}

}  // namespace
}  // namespace gatesweep

namespace boost::serialization {
template <class Archive>
void serialize(Archive& a, gatesweep::StepRecord& x, unsigned int) {
    a& x.step& x.loss& x.refusal_loss& x.kl& x.drift& x.grad_norm& x.learning_rate& x.tokens;
    bool has = x.validation_loss.has_value();
    double value = x.validation_loss.value_or(0.0);
    a& has& value;
    x.validation_loss = has ? std::optional(value) : std::nullopt;
}
}  // namespace boost::serialization

namespace gatesweep {

std::string state_bytes(TrainingState const& state) {
    std::ostringstream out;
    boost::archive::binary_oarchive archive(out);
    Values const values = values_of(state.adapter), best = state.best ? values_of(*state.best) : Values();
    bool const has_best = state.best.has_value();
    archive << values << state.optimiser.step << state.optimiser.first << state.optimiser.second << state.steps
            << state.best_loss << state.best_step << state.looks_without_gain << has_best << best << state.is_done;
    return out.str();
}

void read_state(std::string const& bytes, TrainingState& state) {
    std::istringstream in(bytes);
    boost::archive::binary_iarchive archive(in);
    Values values, best;
    bool has_best = false;
    archive >> values >> state.optimiser.step >> state.optimiser.first >> state.optimiser.second >> state.steps >>
        state.best_loss >> state.best_step >> state.looks_without_gain >> has_best >> best >> state.is_done;
    state.adapter = with_values(state.adapter, values);
    if (has_best) state.best = with_values(state.adapter, best);
}

void keep_state(std::filesystem::path const& file, std::string const& identity, TrainingState const& state) {
    std::string const bytes = state_bytes(state);
    write_file_atomically(file, sha256_hex(identity + bytes) + bytes);
}

bool recall_state(std::filesystem::path const& file, std::string const& identity, TrainingState& state) {
    if (file_kind(file) != FileKind::file) return false;
    std::string const text = read_file(file);
    constexpr std::size_t digest_size = 64;
    std::string const bytes = text.size() > digest_size ? text.substr(digest_size) : "";
    if (bytes.empty() || text.substr(0, digest_size) != sha256_hex(identity + bytes)) {
        warn("{}: is damaged, or of another job or build (its steps cannot be gone on with): the arm begins anew",
             file.string());
        return false;
    }
    read_state(bytes, state);
    return true;
}

}  // namespace gatesweep
