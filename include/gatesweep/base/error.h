// Errors that reach the user, and the contracts that never should.
//
// Message grammar: "<what is wrong, with file, row, tensor or rank> (<why it matters>): <what to do>".
#pragma once

#include <fmt/format.h>

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace gatesweep {

// Process exit codes, after sysexits.h.
enum class ExitCode : int {
    ok = 0,
    usage = 64,          // command line
    bad_data = 65,       // an input file exists but its content is wrong
    input_missing = 66,  // an input file does not exist or cannot be read
    unavailable = 69,    // device or MPI unavailable
    internal = 70,       // our own mistake, or a failed identity
    cannot_create = 73,  // output cannot be created, or is locked
    io = 74,             // I/O error, or a lost peer
    stopped = 75,        // stopped cleanly; run again to continue
    job = 78,            // the job file is wrong
};

class Error : public std::runtime_error {
public:
    Error(ExitCode code, std::string const& message) : std::runtime_error(message), code_(code) {}
    ExitCode code() const { return code_; }

private:
    ExitCode code_;
};

template <class... Args>
[[noreturn]] void fail(ExitCode code, fmt::format_string<Args...> format, Args&&... args) {
    throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

[[noreturn]] void contract_failed(char const* kind, char const* condition, char const* file, int line);

// Text of a user's for an error message: control bytes and invalid UTF-8 escaped, cut to `max_bytes`.
std::string printable(std::string_view text, std::size_t max_bytes = 80);

// The candidate nearest to `word` by edit distance, for "did you mean"; empty when none is near.
std::string nearest(std::string_view word, std::span<std::string const> candidates);

}  // namespace gatesweep

// Always on: for data of the user's. GATESWEEP_VALIDATE(condition, ExitCode, format, args...).
#define GATESWEEP_VALIDATE(condition, code, ...)                  \
    do {                                                          \
        if (!(condition)) ::gatesweep::fail((code), __VA_ARGS__); \
    } while (false)

// Debug contracts: EXPECT on entry, ENSURE before leaving. Compiled out of release builds.
#ifdef GATESWEEP_CONTRACTS
#define GATESWEEP_EXPECT(condition) \
    ((condition) ? void() : ::gatesweep::contract_failed("precondition", #condition, __FILE__, __LINE__))
#define GATESWEEP_ENSURE(condition) \
    ((condition) ? void() : ::gatesweep::contract_failed("postcondition", #condition, __FILE__, __LINE__))
#else
#define GATESWEEP_EXPECT(condition) void()
#define GATESWEEP_ENSURE(condition) void()
#endif
