#include "gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

class Inflater {
public:
    explicit Inflater(std::string_view name) {
        int const gzip_only = 15 + 16;
        GATESWEEP_VALIDATE(inflateInit2(&stream, gzip_only) == Z_OK, ExitCode::internal,
                           "{}: zlib cannot start: free memory", name);
    }
    ~Inflater() { inflateEnd(&stream); }
    Inflater(Inflater const&) = delete;
    Inflater& operator=(Inflater const&) = delete;

    z_stream stream{};
};

}  // namespace

std::string inflate_gzip(std::string_view compressed, std::string_view name, std::uint64_t max_bytes) {
    Inflater inflater(name);
    z_stream& stream = inflater.stream;
    std::string out;
    std::string block(std::size_t{1} << 18, '\0');
    std::size_t taken = 0;
    bool member_ended = false;
    while (!member_ended || taken < compressed.size()) {
        if (member_ended) {
            if (compressed.find_first_not_of('\0', taken) == compressed.npos) break;  // padding, as gzip accepts it
            inflateReset(&stream);
            member_ended = false;
        }
        std::size_t const offered = std::min<std::size_t>(compressed.size() - taken, std::size_t{1} << 30);
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data() + taken));
        stream.avail_in = static_cast<uInt>(offered);
        stream.next_out = reinterpret_cast<Bytef*>(block.data());
        stream.avail_out = static_cast<uInt>(block.size());
        int const result = inflate(&stream, Z_NO_FLUSH);
        taken += offered - stream.avail_in;
        std::size_t const made = block.size() - stream.avail_out;
        GATESWEEP_VALIDATE(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR, ExitCode::bad_data,
                           "{}: damaged gzip data at byte {} ({}): copy the file again", name, taken,
                           stream.msg ? stream.msg : "no reason given");
        GATESWEEP_VALIDATE(result != Z_BUF_ERROR || made > 0, ExitCode::bad_data,
                           "{}: the gzip data ends early: copy the file again", name);
        GATESWEEP_VALIDATE(out.size() + made <= max_bytes, ExitCode::bad_data,
                           "{}: unpacks to more than {} bytes (a prompt file is smaller): is it the right file?", name,
                           max_bytes);
        out.append(block, 0, made);
        member_ended = result == Z_STREAM_END;
    }
    return out;
}

}  // namespace gatesweep
