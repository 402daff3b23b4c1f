// Input: a record log, or, after a byte '!', edits to a good one: 5 bytes each (2 bytes offset, kind, 2 bytes value).
// Whatever is done to a good log, what is read of it are its first commits, or it is refused.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>

#include "fuzz_target.h"
#include "gatesweep/store/record_log.h"
#include "gatesweep/store/record_reader.h"
#include "gatesweep/store/record_writer.h"

namespace {

using gatesweep::RecordLog;

struct GoodLog {
    std::string bytes;
    RecordLog log;

    GoodLog() {
        auto const path = std::filesystem::temp_directory_path() / fmt::format("gatesweep-fuzz-{}.log", ::getpid());
        {
            gatesweep::RecordWriter writer(path, {"job", "prompts", "weights", "numerics"});
            for (int i = 0; i < 12; ++i) {
                writer.append("signals", std::to_string(i), std::string(static_cast<std::size_t>(7 * i), 'x'));
                if (i % 3 == 2) writer.commit();
            }
        }
        bytes = gatesweep::read_file(path);
        std::filesystem::remove(path);
        log = gatesweep::parse_log(bytes, "x.log");
    }
};

std::string edited(std::string bytes, std::string_view edits) {
    for (; edits.size() >= 5; edits.remove_prefix(5)) {
        auto const number = [&](std::size_t at) {
            return static_cast<std::size_t>(static_cast<unsigned char>(edits[at]) << 8 |
                                            static_cast<unsigned char>(edits[at + 1]));
        };
        std::size_t const at = number(0), value = number(3);
        if (at >= bytes.size()) continue;
        switch (edits[2] % 5) {
            case 0:
                bytes[at] = static_cast<char>(value);
                break;
            case 1:
                bytes.resize(at);
                break;
            case 2:
                bytes.erase(at, value);
                break;
            case 3:
                bytes.insert(at, bytes.substr(value % bytes.size(), 200));
                break;
            default:
                bytes.append(value % 300, '\0');
        }
    }
    return bytes;
}

}  // namespace

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    static GoodLog const good;
    if (!input.starts_with('!')) {
        RecordLog const log = parse_log(input, "x.log");
        require(log.num_bytes + log.torn_bytes == input.size(), "every byte is accounted for");
        return;
    }
    std::string const bytes = edited(good.bytes, input.substr(1));
    RecordLog const log = parse_log(bytes, "x.log");
    require(log.records.size() <= good.log.records.size(), "nothing is read that was not written");
    require(log.records.size() % 3 == 0, "commits are whole");
    require(log.num_bytes == 0 || log.identity == good.log.identity, "the identity is the writer's");
    for (std::size_t i = 0; i < log.records.size(); ++i) {
        require(log.records[i].key == good.log.records[i].key && log.records[i].digest == good.log.records[i].digest,
                "what is read is what was written");
    }
}
