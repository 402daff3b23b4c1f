// What a rendering may still cost. A template that loops for minutes, doubles a text sixty times or calls itself
// without end is a mistake or an attack, and is refused.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace gatesweep::jinja {

// An operation that Python would refuse, or that is not supported; the renderer adds the line.
class Refusal : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

[[noreturn]] inline void refuse(std::string const& what) {
    throw Refusal(what);
}

// The budget of what this thread renders, for as long as it lives.
class Budget {
public:
    Budget();
    ~Budget();
    Budget(Budget const&) = delete;
    Budget& operator=(Budget const&) = delete;

private:
    friend void spend(std::size_t);
    friend class Deeper;

    Budget* outer_;
    std::size_t steps_ = 0;
    int depth_ = 0;
};

void spend(std::size_t steps);
void spend_bytes(std::size_t bytes);  // of a text that is about to be made

// One level of recursion, for as long as it lives.
class Deeper {
public:
    Deeper();
    ~Deeper();
    Deeper(Deeper const&) = delete;
    Deeper& operator=(Deeper const&) = delete;
};

}  // namespace gatesweep::jinja
