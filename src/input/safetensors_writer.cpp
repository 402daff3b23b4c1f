#include "gatesweep/input/safetensors_writer.h"

#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"

namespace gatesweep {
namespace {

std::uint64_t num_bytes(OutgoingTensor const& tensor) {
    auto bits = static_cast<std::uint64_t>(tensor.type.bits);
    for (std::int64_t const size : tensor.shape)
        bits *= static_cast<std::uint64_t>(size);
    return bits / 8;
}

std::string header_of(std::map<std::string, OutgoingTensor> const& tensors) {
    std::string text = R"({"__metadata__":{"format":"pt"})";
    std::uint64_t at = 0;
    for (auto const& [name, tensor] : tensors) {
        std::uint64_t const end = at + num_bytes(tensor);
        nlohmann::ordered_json const entry = {
            {"dtype", tensor.type.name}, {"shape", tensor.shape}, {"data_offsets", {at, end}}};
        text += ',' + nlohmann::json(name).dump() + ':' + entry.dump();
        at = end;
    }
    text += '}';
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
}

std::string little_endian(std::uint64_t value) {
    std::string bytes;
    for (int i = 0; i < 8; ++i)
        bytes += static_cast<char>(value >> (8 * i) & 0xFF);
    return bytes;
}

}  // namespace

void write_safetensors_file(std::filesystem::path const& path, std::map<std::string, OutgoingTensor> const& tensors) {
    std::string const header = header_of(tensors);
    write_file_atomically(path, [&](OutputFile& out) {
        out.append(little_endian(header.size()));
        out.append(header);
        for (auto const& [name, tensor] : tensors) {
            std::string const bytes = tensor.bytes();
            GATESWEEP_VALIDATE(bytes.size() == num_bytes(tensor), ExitCode::internal,
                               "{}: tensor \"{}\" has {} bytes, but its shape asks for {}: this is a mistake in "
                               "gatesweep; please report it",
                               path.string(), printable(name), bytes.size(), num_bytes(tensor));
            out.append(bytes);
        }
    });
}

}  // namespace gatesweep
