#include "gatesweep/store/record_writer.h"

#include <limits>

#include "gatesweep/base/error.h"
#include "gatesweep/store/record_log.h"
#include "record_frame.h"

namespace gatesweep {
namespace {

using namespace record_frame;

void add_text(std::string& out, std::string_view text) {
    std::uint64_t const size = text.size();
    out.append(bytes_of(size)).append(text);
}

std::string header_bytes(RunIdentity const& identity) {
    std::string text;
    for (auto const* field : {&identity.job, &identity.prompts, &identity.weights, &identity.numerics})
        add_text(text, *field);
    auto const size = sizeof(Preamble) + text.size() + checksum_bytes;
    GATESWEEP_VALIDATE(size <= max_header_bytes, ExitCode::internal, "a run's identity of {} bytes is too long", size);
    Preamble preamble{};
    std::memcpy(preamble.magic, file_magic.data(), file_magic.size());
    preamble.version = format_version;
    preamble.size = static_cast<std::uint32_t>(size);
    preamble.checksum = checksum_of(preamble);
    std::uint64_t const sum = checksum(text.data(), text.size(), preamble.checksum);
    return std::string(bytes_of(preamble)).append(text).append(bytes_of(sum));
}

}  // namespace

RecordWriter::RecordWriter(std::filesystem::path path, RunIdentity const& identity)
    : file_(std::move(path), OutputFile::Existing::refuse) {
    std::string const header = header_bytes(identity);
    file_.append(header);
    file_.sync();
    auto const folder = file_.path().parent_path();
    sync_folder(folder.empty() ? "." : folder);
    std::memcpy(&seed_, header.data() + header.size() - checksum_bytes, sizeof seed_);
    size_ = header.size();
}

void RecordWriter::fail_if_dead() const {
    GATESWEEP_VALIDATE(death_.empty(), ExitCode::io, "{}", death_);
}

void RecordWriter::append(std::string_view kind, std::string_view key, std::string_view payload) {
    fail_if_dead();
    constexpr auto max_bytes = std::numeric_limits<std::uint32_t>::max();
    GATESWEEP_VALIDATE(!kind.empty() && !key.empty() && kind.size() <= max_bytes && key.size() <= max_bytes,
                       ExitCode::internal, "{}: a record needs a kind and a key", file_.path().string());
    Head head{};
    head.magic = frame_magic;
    head.record = static_cast<std::uint64_t>(num_committed_ + num_pending_);
    head.commit = static_cast<std::uint64_t>(num_commits_);
    head.kind_bytes = static_cast<std::uint32_t>(kind.size());
    head.key_bytes = static_cast<std::uint32_t>(key.size());
    head.payload_bytes = payload.size();
    last_frame_ = pending_.size();
    std::uint64_t const seed = seed_ + size_ + last_frame_;
    head.checksum = checksum_of(head, seed);
    pending_.append(bytes_of(head)).append(kind).append(key).append(payload);
    std::uint64_t const sum = checksum(pending_.data() + last_frame_, pending_.size() - last_frame_, seed);
    pending_.append(bytes_of(sum));
    ++num_pending_;
}

void RecordWriter::commit() {
    fail_if_dead();
    if (num_pending_ == 0) return;
    // Only now is it known which frame is the last.
    std::uint64_t const seed = seed_ + size_ + last_frame_;
    char* const frame = pending_.data() + last_frame_;
    Head head;
    std::memcpy(&head, frame, sizeof head);
    head.ends_commit = 1;
    head.checksum = checksum_of(head, seed);
    std::memcpy(frame, &head, sizeof head);
    std::size_t const summed = pending_.size() - last_frame_ - checksum_bytes;
    std::uint64_t const sum = checksum(frame, summed, seed);
    std::memcpy(frame + summed, &sum, sizeof sum);
    try {
        file_.append(pending_);
        file_.sync();
    } catch (Error const& error) {
        death_ = error.what();
        throw;
    }
    size_ += pending_.size();
    num_committed_ += num_pending_;
    ++num_commits_;
    num_pending_ = 0;
    pending_.clear();
}

}  // namespace gatesweep
