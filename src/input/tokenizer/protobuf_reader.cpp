#include "protobuf_reader.h"

namespace gatesweep::bpe {
namespace {

constexpr int bits_of_group = 7;
constexpr int max_bits = 64;
enum Wire : std::uint64_t { varint_wire = 0, fixed64_wire = 1, bytes_wire = 2, fixed32_wire = 5 };

}  // namespace

std::optional<std::uint64_t> ProtobufReader::varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < max_bits && !rest_.empty(); shift += bits_of_group) {
        auto const byte = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        value |= std::uint64_t{byte & 0x7Fu} << shift;
        if (byte < 0x80) return value;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> ProtobufReader::fixed(std::size_t size) {
    if (rest_.size() < size) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
        value |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    rest_.remove_prefix(size);
    return value;
}

std::optional<ProtobufField> ProtobufReader::broken() {
    is_broken_ = true;
    rest_ = {};
    return std::nullopt;
}

std::optional<ProtobufField> ProtobufReader::next() {
    if (rest_.empty()) return std::nullopt;
    auto const tag = varint();
    if (!tag || *tag >> 3 == 0 || *tag >> 3 > UINT32_MAX) return broken();
    ProtobufField field;
    field.number = static_cast<std::uint32_t>(*tag >> 3);
    std::optional<std::uint64_t> value;
    switch (*tag & 7) {
        case varint_wire:
        case bytes_wire:
            value = varint();
            break;
        case fixed64_wire:
            value = fixed(8);
            break;
        case fixed32_wire:
            value = fixed(4);
            break;
        default:
            return broken();
    }
    if (!value) return broken();
    field.value = *value;
    if ((*tag & 7) != bytes_wire) return field;
    if (*value > rest_.size()) return broken();
    field.bytes = rest_.substr(0, *value);
    rest_.remove_prefix(*value);
    return field;
}

}  // namespace gatesweep::bpe
