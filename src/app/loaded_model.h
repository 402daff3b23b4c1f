// A job's model, ready to compute: all weights in memory, or layers streamed from disk (streaming.h).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gatesweep/input/checkpoint.h"
#include "gatesweep/model/streamed_mixtral.h"
#include "setup.h"
#include "streaming.h"

namespace gatesweep {

class LoadedModel {
public:
    // Collective. Errors: those of the checkpoint; unavailable when the weights do not fit; bad_data when ranks read
    // different ones.
    explicit LoadedModel(Setup const& setup);
    LoadedModel(LoadedModel const&) = delete;
    LoadedModel& operator=(LoadedModel const&) = delete;

    Mixtral const* resident() const { return resident_.get(); }  // null when layers are streamed
    StreamedMixtral* streamed() { return streamed_ ? &*streamed_ : nullptr; }
    Streaming const& streaming() const { return streaming_; }
    std::unique_ptr<Mixtral> give_up() { return std::move(resident_); }

    std::string const& digest() const { return digest_; }  // of the whole weights, whoever holds what
    double seconds() const { return seconds_; }
    std::int64_t bytes_read() const {
        return static_cast<std::int64_t>(checkpoint_->bytes_read());
    }  // by this rank, so far

private:
    std::optional<Checkpoint> checkpoint_;
    Streaming streaming_;
    std::unique_ptr<Mixtral> resident_;
    std::optional<StreamedMixtral> streamed_;
    std::string digest_;
    double seconds_ = 0.0;
};

}  // namespace gatesweep
