// Reads the wire format of protocol buffers, field by field.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gatesweep::bpe {

struct ProtobufField {
    std::uint32_t number = 0;
    std::uint64_t value = 0;  // a varint, or the bits of a fixed number
    std::string_view bytes;   // a text or a message
};

class ProtobufReader {
public:
    explicit ProtobufReader(std::string_view message) : rest_(message) {}

    // The next field; nothing at the end, or where the bytes are no message (is_broken tells).
    std::optional<ProtobufField> next();
    bool is_broken() const { return is_broken_; }

private:
    std::optional<std::uint64_t> varint();
    std::optional<std::uint64_t> fixed(std::size_t size);
    std::optional<ProtobufField> broken();

    std::string_view rest_;
    bool is_broken_ = false;
};

}  // namespace gatesweep::bpe
