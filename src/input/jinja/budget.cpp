#include "budget.h"

namespace gatesweep::jinja {
namespace {

constexpr std::size_t max_steps = 4'000'000;
constexpr std::size_t bytes_per_step = 64;
constexpr int max_depth = 1000;  // expressions, bodies and macros inside each other

thread_local Budget* current = nullptr;

}  // namespace

Budget::Budget() : outer_(current) {
    current = this;
}

Budget::~Budget() {
    current = outer_;
}

void spend(std::size_t steps) {
    if (!current) return;
    if (steps > max_steps || (current->steps_ += steps) > max_steps) refuse("the template takes too many steps");
}

void spend_bytes(std::size_t bytes) {
    spend(bytes / bytes_per_step);
}

Deeper::Deeper() {
    if (!current) return;
    if (current->depth_ >= max_depth) refuse("the template is nested too deeply, or calls itself without end");
    ++current->depth_;
}

Deeper::~Deeper() {
    if (current) --current->depth_;
}

}  // namespace gatesweep::jinja
