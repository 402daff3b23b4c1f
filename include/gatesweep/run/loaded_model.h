// A job's model, ready to compute: all weights in memory, or layers streamed from disk (streaming.h).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gatesweep/input/checkpoint.h"
#include "gatesweep/model/streamed_decoder.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/run/streaming.h"

namespace gatesweep {

class LoadedModel {
public:
    // Collective. Errors: those of the checkpoint; unavailable when the weights do not fit; bad_data when ranks read
    // different ones.
    explicit LoadedModel(Setup const& setup);
    LoadedModel(LoadedModel const&) = delete;
    LoadedModel& operator=(LoadedModel const&) = delete;

    Decoder const* resident() const { return resident_.get(); }  // null when layers are streamed
    StreamedDecoder* streamed() { return streamed_ ? &*streamed_ : nullptr; }
    Streaming const& streaming() const { return streaming_; }
    std::unique_ptr<Decoder> give_up() { return std::move(resident_); }

    std::string const& digest() const { return digest_; }  // of the whole weights, whoever holds what
    double seconds() const { return seconds_; }
    std::int64_t bytes_read() const {
        return static_cast<std::int64_t>(checkpoint_->bytes_read());
    }  // by this rank, so far

private:
    std::optional<Checkpoint> checkpoint_;
    Streaming streaming_;
    std::unique_ptr<Decoder> resident_;
    std::optional<StreamedDecoder> streamed_;
    std::string digest_;
    double seconds_ = 0.0;
};

}  // namespace gatesweep
