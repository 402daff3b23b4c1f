// tokenizer_bench FOLDER TEXT [mistral]: tokens per second of CPU time of one thread. The text is cut into pieces of
// about 1 kB at ends of lines, as prompts are; `first` is a thread that has seen none of its words, `again` one that
// has.
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/input/tokenizer.h"

namespace gatesweep {
namespace {

constexpr std::size_t piece_bytes = 1000;

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<std::string> pieces_of(std::string const& text) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const line = text.find('\n', std::min(text.size(), at + piece_bytes));
        std::size_t const end = line == std::string::npos ? text.size() : line + 1;
        pieces.push_back(text.substr(at, end - at));
        at = end;
    }
    return pieces;
}

void report(char const* what, std::size_t num_tokens, std::size_t num_bytes, double seconds) {
    fmt::print("{:<8} {:>9} tokens {:>10} bytes {:>8.3f} s {:>12.0f} tokens/s {:>8.1f} MB/s\n", what, num_tokens,
               num_bytes, seconds, static_cast<double>(num_tokens) / seconds,
               1e-6 * static_cast<double>(num_bytes) / seconds);
}

int run(std::vector<std::string> const& arguments) {
    auto const tokenization =
        arguments.size() > 2 && arguments[2] == "mistral" ? Tokenization::mistral : Tokenization::huggingface;
    double const begin = cpu_seconds();
    Tokenizer const tokenizer = Tokenizer::load(arguments.at(0), tokenization);
    fmt::print("load     {:.3f} s\n", cpu_seconds() - begin);
    std::string const text = read_file(arguments.at(1));
    auto const pieces = pieces_of(text);
    std::jthread([&] {
        for (char const* what : {"first", "again"}) {
            double const start = cpu_seconds();
            std::size_t num_tokens = 0;
            for (auto const& piece : pieces)
                num_tokens += tokenizer.encode(piece).size();
            report(what, num_tokens, text.size(), cpu_seconds() - start);
        }
        double const start = cpu_seconds();
        std::size_t const num_tokens = tokenizer.encode(text).size();
        report("at once", num_tokens, text.size(), cpu_seconds() - start);
    }).join();
    return 0;
}

}  // namespace
}  // namespace gatesweep

int main(int argc, char** argv) {
    if (argc < 3) {
        fmt::print(stderr, "usage: tokenizer_bench FOLDER TEXT [mistral]\n");
        return 64;
    }
    try {
        return gatesweep::run({argv + 1, argv + argc});
    } catch (gatesweep::Error const& error) {
        fmt::print(stderr, "{}\n", error.what());
        return static_cast<int>(error.code());
    }
}
