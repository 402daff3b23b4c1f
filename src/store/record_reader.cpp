#include "gatesweep/store/record_reader.h"

#include <algorithm>
#include <array>
#include <functional>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/store/record_log.h"
#include "record_frame.h"

namespace gatesweep {
namespace {

using namespace record_frame;

constexpr std::uint64_t window_bytes = 1 << 20;

// The file as a window that moves forward, so that small reads cost no call each.
class Window {
public:
    using Read = std::function<void(std::uint64_t offset, std::span<std::byte> out)>;
    Window(std::uint64_t size, Read read) : size_(size), read_(std::move(read)) {}

    std::uint64_t size() const { return size_; }
    // At most window_bytes; valid until the next call.
    std::string_view view(std::uint64_t offset, std::uint64_t count) {
        if (offset < start_ || offset + count > start_ + buffer_.size()) {
            buffer_.resize(std::min(window_bytes, size_ - offset));
            start_ = offset;
            read_(offset, std::as_writable_bytes(std::span(buffer_)));
        }
        return std::string_view(buffer_).substr(offset - start_, count);
    }
    // Any number of bytes, piece by piece.
    void pieces(std::uint64_t offset, std::uint64_t count, std::function<void(std::string_view)> const& use) {
        for (std::uint64_t done = 0; done < count;) {
            auto const piece = view(offset + done, std::min(window_bytes, count - done));
            use(piece);
            done += piece.size();
        }
    }
    template <class T>
    T value(std::uint64_t offset) {
        T value;
        std::memcpy(&value, view(offset, sizeof value).data(), sizeof value);
        return value;
    }

private:
    std::uint64_t size_;
    Read read_;
    std::string buffer_;
    std::uint64_t start_ = 0;
};

std::span<std::byte const> as_bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

class Reader {
public:
    Reader(Window& window, std::filesystem::path const& path) : window_(window) { log_.path = path; }

    RecordLog read() {
        if (!read_header()) {
            log_.torn_bytes = window_.size();
            return std::move(log_);
        }
        while (offset_ < window_.size() && read_frame()) {
        }
        if (offset_ < window_.size()) refuse_if_followed_by_a_commit();
        log_.records.resize(num_committed_);
        log_.torn_bytes = window_.size() - log_.num_bytes;
        return std::move(log_);
    }

private:
    // False when the file ends inside it.
    bool read_header() {
        auto const start = window_.view(0, std::min<std::uint64_t>(window_.size(), sizeof(Preamble)));
        // A file system may have made the file longer before the bytes came.
        if (start.find_first_not_of('\0') == start.npos && is_zero()) return false;
        auto const magic = file_magic.substr(0, start.size());
        GATESWEEP_VALIDATE(start.starts_with(magic), ExitCode::bad_data,
                           "{}: not a record log (its first bytes are others): remove it if another program wrote it",
                           name());
        if (start.size() < sizeof(Preamble)) return false;
        auto const preamble = window_.value<Preamble>(0);
        bool const intact = preamble.checksum == checksum_of(preamble);
        GATESWEEP_VALIDATE(!intact || preamble.version == format_version, ExitCode::bad_data,
                           "{}: written in format {}, this program knows {}: use the program that wrote it", name(),
                           preamble.version, format_version);
        GATESWEEP_VALIDATE(
            intact && preamble.size >= sizeof(Preamble) + checksum_bytes && preamble.size <= max_header_bytes,
            ExitCode::bad_data, "{}: the header is damaged at offset 0 (no record in it can be trusted): {}", name(),
            remedy);
        if (window_.size() < preamble.size) return false;
        std::uint64_t const text_bytes = preamble.size - sizeof(Preamble) - checksum_bytes;
        std::string text(window_.view(sizeof(Preamble), text_bytes));
        seed_ = window_.value<std::uint64_t>(sizeof(Preamble) + text_bytes);
        GATESWEEP_VALIDATE(seed_ == checksum(text.data(), text.size(), preamble.checksum) && take_identity(text),
                           ExitCode::bad_data, "{}: the header is damaged at offset {} (no record can be trusted): {}",
                           name(), sizeof(Preamble), remedy);
        log_.num_bytes = offset_ = preamble.size;
        return true;
    }

    bool is_zero() {
        bool zero = true;
        window_.pieces(0, window_.size(),
                       [&](std::string_view piece) { zero = zero && piece.find_first_not_of('\0') == piece.npos; });
        return zero;
    }

    bool take_identity(std::string_view text) {
        auto& identity = log_.identity;
        for (auto* field : {&identity.job, &identity.prompts, &identity.weights, &identity.numerics}) {
            std::uint64_t size = 0;
            if (text.size() < sizeof size) return false;
            std::memcpy(&size, text.data(), sizeof size);
            text.remove_prefix(sizeof size);
            if (text.size() < size) return false;
            *field = text.substr(0, size);
            text.remove_prefix(size);
        }
        return text.empty();
    }

    // Whether the bytes at `offset` are the head of a frame that was written there.
    std::optional<Head> head_at(std::uint64_t offset) {
        if (window_.size() - offset < sizeof(Head)) return std::nullopt;
        auto const head = window_.value<Head>(offset);
        bool const valid = head.magic == frame_magic && head.checksum == checksum_of(head, seed_ + offset);
        return valid ? std::optional(head) : std::nullopt;
    }

    // False when the bytes at offset_ are not one whole frame.
    bool read_frame() {
        auto const head = head_at(offset_);
        if (!head) return false;
        std::uint64_t const rest = window_.size() - offset_ - sizeof(Head);
        std::uint64_t const names = std::uint64_t{head->kind_bytes} + head->key_bytes;
        if (rest < names || rest - names < head->payload_bytes || rest - names - head->payload_bytes < checksum_bytes)
            return false;
        GATESWEEP_VALIDATE(head->record == log_.records.size() && head->commit == num_commits_, ExitCode::bad_data,
                           "{}: record {} at offset {} is numbered {} in commit {} (records are missing): {}", name(),
                           log_.records.size(), offset_, head->record, head->commit, remedy);
        LogRecord record;
        record.offset = offset_ + sizeof(Head) + names;
        record.size = head->payload_bytes;
        std::string text;
        window_.pieces(offset_ + sizeof(Head), names, [&](std::string_view piece) { text += piece; });
        record.kind = text.substr(0, head->kind_bytes);
        record.key = text.substr(head->kind_bytes);
        if (!is_intact(*head, text, record)) return false;
        log_.records.push_back(std::move(record));
        offset_ += sizeof(Head) + names + head->payload_bytes + checksum_bytes;
        if (head->ends_commit != 0) {
            ++num_commits_;
            num_committed_ = log_.records.size();
            log_.num_bytes = offset_;
        }
        return true;
    }

    // Sets record.digest.
    bool is_intact(Head const& head, std::string_view names, LogRecord& record) {
        std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> const sum(XXH3_createState(), XXH3_freeState);
        XXH3_64bits_reset_withSeed(sum.get(), seed_ + offset_);
        XXH3_64bits_update(sum.get(), &head, sizeof head);
        XXH3_64bits_update(sum.get(), names.data(), names.size());
        FastDigest digest;
        window_.pieces(record.offset, record.size, [&](std::string_view piece) {
            XXH3_64bits_update(sum.get(), piece.data(), piece.size());
            digest.add(as_bytes_of(piece));
        });
        record.digest = digest.hex();
        return window_.value<std::uint64_t>(record.offset + record.size) == XXH3_64bits_digest(sum.get());
    }

    void refuse_if_followed_by_a_commit() {
        std::string const magic(bytes_of(frame_magic));
        for (std::uint64_t at = offset_ + 1; window_.size() - at >= sizeof(Head);) {
            auto const piece = window_.view(at, std::min(window_bytes, window_.size() - at));
            auto const found = piece.find(magic);
            if (found == piece.npos) {
                at += piece.size() - (magic.size() - 1);
                continue;
            }
            at += found;
            auto const head = head_at(at);
            GATESWEEP_VALIDATE(!head || head->commit <= num_commits_, ExitCode::bad_data,
                               "{}: damaged at offset {}, in record {} (a later commit at offset {} proves that it was "
                               "whole once): {}",
                               name(), offset_, log_.records.size(), at, remedy);
            ++at;
        }
    }

    std::string name() const { return log_.path.string(); }

    static constexpr std::string_view remedy =
        "check the disk, then restore the file or remove it (what it held is then computed again)";

    Window& window_;
    RecordLog log_;
    std::uint64_t seed_ = 0;
    std::uint64_t offset_ = 0;  // of the next frame
    std::uint64_t num_commits_ = 0;
    std::size_t num_committed_ = 0;  // records
};

}  // namespace

RecordLog read_log(std::filesystem::path const& path) {
    InputFile const file(path);
    Window window(file.size(), [&](std::uint64_t offset, std::span<std::byte> out) { file.read_at(offset, out); });
    return Reader(window, path).read();
}

RecordLog parse_log(std::string_view bytes, std::filesystem::path const& path) {
    Window window(bytes.size(), [&](std::uint64_t offset, std::span<std::byte> out) {
        std::ranges::copy(as_bytes_of(bytes).subspan(offset, out.size()), out.begin());
    });
    return Reader(window, path).read();
}

std::string read_payload(InputFile const& file, LogRecord const& record) {
    std::string payload(record.size, '\0');
    file.read_at(record.offset, std::as_writable_bytes(std::span(payload)));
    GATESWEEP_VALIDATE(
        FastDigest().add(as_bytes_of(payload)).hex() == record.digest, ExitCode::bad_data,
        "{}: {} {} at offset {} changed since the file was read: check the disk and who else writes there",
        file.path().string(), record.kind, printable(record.key), record.offset);
    return payload;
}

}  // namespace gatesweep
