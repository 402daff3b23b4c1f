// What the program does with a model, timed without the program around it: signals, prefill, decoding, products,
// loading.
//   model_bench MODEL WHAT [option value ...]        prints a line of JSON for each run
//   products                       2 x FLOP of one layer's expert products at --rows tokens an expert
//   load                           reading a rank's weights
//   signals --prompts FILE         forward and backward of token ids, a list a line, --batch-tokens together, with
//   --memory
//                                  GB for activations; without a file --num-prompts random ones of --length tokens
//   prefill                        one sequence of --length tokens
//   decode --live N ...            N sequences of --length tokens, then --new steps; with --masked K each of them has K
//                                  experts of its own suppressed
// For all: --dtype, --threads, --runs (after one that is not counted), --expert-parallel, --device. Under mpirun every
// rank takes its share of the prompts or sequences, and times are the slowest rank's. With --random-weights the folder
// needs a config.json alone, and weights of its shape are made where they are used. On a GPU each line tells what is
// taken of its memory in the end, by everybody.
// Long: every part of its one subject stands here.
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "gatesweep/base/error.h"
#include "gatesweep/base/heap.h"
#include "gatesweep/base/waiting_threads.h"
#include "gatesweep/comm/communicator.h"
#include "gatesweep/comm/devices.h"
#include "gatesweep/comm/mpi_session.h"
#include "gatesweep/model/checkpoint_layout.h"
#include "gatesweep/model/decoder.h"
#include "gatesweep/signal/signals.h"
#include "gatesweep/sweep/generator.h"

namespace gatesweep {
namespace {

using Prompts = std::vector<std::vector<std::int32_t>>;

struct Arguments {
    std::string model, what, prompts, dtype = "bfloat16", device = "cpu";
    int threads = 1, runs = 1, expert_parallel = 1;
    std::int64_t batch_tokens = 4096, length = 64, new_tokens = 32, rows = 512, num_prompts = 32, masked = 0;
    std::uint64_t memory_gb = 8;  // for the activations of a signal batch
    std::vector<std::int64_t> live{32};
    bool random_weights = false;
};

struct Bench {
    Arguments args;
    ParallelLayout layout;
    at::Device device = at::kCPU;

    at::ScalarType dtype() const { return args.dtype == "bfloat16" ? at::kBFloat16 : at::kFloat; }

    // The slowest rank's time of one call.
    template <class Body>
    double seconds(Body const& body) const {
        layout.world.barrier();
        auto const start = std::chrono::steady_clock::now();
        body();
        return slowest(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    double slowest(double value) const {
        return 1e-9 * static_cast<double>(layout.world.all_reduce_max(static_cast<std::int64_t>(value * 1e9)));
    }

    void print(nlohmann::json line, std::int64_t tokens, double time) const {
        line.update({{"engine", "gatesweep"},
                     {"bench", args.what},
                     {"ranks", layout.world.size()},
                     {"threads", args.threads},
                     {"expert_parallel", args.expert_parallel},
                     {"dtype", args.dtype},
                     {"device", args.device},
                     {"tokens", tokens},
                     {"seconds", time},
                     {"tokens_per_second", static_cast<double>(tokens) / time}});
        if (device.is_cuda()) line["free_device_memory"] = free_device_memory();
        if (layout.world.rank() == 0) fmt::print("{}\n", line.dump());
        std::fflush(stdout);
    }

    // Run 0 warms up.
    template <class Body>
    void repeat(Body const& body) const {
        for (int run = 0; run <= args.runs; ++run)
            body(run > 0);
    }
};

Prompts random_prompts(std::int64_t count, std::int64_t length, ModelConfig const& config) {
    std::mt19937_64 random(1);
    Prompts prompts(static_cast<std::size_t>(count));
    for (auto& ids : prompts) {
        for (std::int64_t i = 0; i < length; ++i)
            ids.push_back(static_cast<std::int32_t>(3 + random() % static_cast<std::uint64_t>(config.vocab_size - 3)));
    }
    return prompts;
}

Prompts read_prompts(std::string const& path) {
    Prompts prompts;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);)
        prompts.push_back(nlohmann::json::parse(line).get<std::vector<std::int32_t>>());
    return prompts;
}

// Small numbers, so that nothing overflows on the way through many layers.
Weights random_weights(Bench const& bench, ModelConfig const& c) {
    auto const options = at::TensorOptions(bench.dtype()).device(bench.device);
    auto const random = [&](std::vector<std::int64_t> const& shape) {
        return at::empty(shape, options).normal_(0.0, 0.02);
    };
    std::int64_t const local = bench.layout.local_experts(c.num_experts).count;
    Weights weights;
    weights.embedding = random({c.vocab_size, c.hidden_size});
    weights.final_norm = at::ones({c.hidden_size}, options);
    weights.lm_head = LinearWeight(random({c.vocab_size, c.hidden_size}));
    for (std::int64_t l = 0; l < c.num_layers; ++l) {
        LayerWeights& layer = weights.layers.emplace_back();
        layer.input_norm = layer.post_attention_norm = weights.final_norm;
        layer.qkv = LinearWeight(random({(c.num_heads + 2 * c.num_kv_heads) * c.head_dim, c.hidden_size}));
        layer.o_proj = LinearWeight(random({c.hidden_size, c.num_heads * c.head_dim}));
        layer.gate = random({c.num_experts, c.hidden_size});
        layer.gate_product = LinearWeight(layer.gate);
        at::Tensor const gate_up = random({local, 2 * c.intermediate_size, c.hidden_size}),
                         down = random({local, c.hidden_size, c.intermediate_size});
        for (std::int64_t e = 0; e < local; ++e) {
            layer.experts.gate_up.emplace_back(gate_up[e]);
            layer.experts.down.emplace_back(down[e]);
        }
    }
    return weights;
}

Weights load(Bench const& bench, ModelConfig const& config) {
    if (bench.args.random_weights) return random_weights(bench, config);
    Checkpoint const checkpoint(bench.args.model);
    auto const map = std::make_shared<WeightMap const>(validate_checkpoint(checkpoint, config));
    return load_weights(
        {&checkpoint, &config, map, bench.layout.local_experts(config.num_experts), bench.dtype(), bench.device});
}

void bench_load(Bench const& bench, ModelConfig const& config) {
    bench.repeat([&](bool counts) {
        std::int64_t bytes = 0;
        double const time = bench.seconds([&] { bytes = static_cast<std::int64_t>(load(bench, config).num_bytes()); });
        std::int64_t const most = bench.layout.world.all_reduce_max(bytes),
                           sum = bench.layout.world.all_reduce_sum(bytes);
        if (counts)
            bench.print({{"bytes_per_rank", most}, {"gigabytes_per_second", static_cast<double>(sum) / time * 1e-9}}, 0,
                        time);
    });
}

// The rate that the products of a layer's experts reach on their own.
void bench_products(Bench const& bench, Decoder const& model) {
    ModelConfig const& c = model.config();
    std::vector<std::int64_t> offsets{0};
    for (std::size_t e = 0; e < model.weights().layers[0].experts.gate_up.size(); ++e)
        offsets.push_back(offsets.back() + bench.args.rows);
    at::Tensor const x = at::randn({offsets.back(), c.hidden_size}).to(bench.device, bench.dtype());
    at::Tensor const a = at::randn({offsets.back(), c.intermediate_size}).to(bench.device, bench.dtype());
    double const operations =
        6.0 * static_cast<double>(offsets.back() * c.hidden_size * c.intermediate_size * c.num_layers);
    bench.repeat([&](bool counts) {
        at::Tensor last;
        double const time = bench.seconds([&] {
            for (LayerWeights const& layer : model.weights().layers) {
                grouped_linear(x, offsets, layer.experts.gate_up);
                last = grouped_linear(a, offsets, layer.experts.down);
            }
            last[0][0].item<double>();  // waits for a GPU
        });
        if (counts) bench.print({{"rows", bench.args.rows}, {"gflops", operations / time * 1e-9}}, 0, time);
    });
}

// Multiply-adds of a token in the products, twice: forward, and to the activations of all layers but the lowest.
double signal_operations(ModelConfig const& c) {
    double const attention = static_cast<double>(c.hidden_size * c.head_dim * (2 * c.num_heads + 2 * c.num_kv_heads));
    double const experts = static_cast<double>(3 * c.top_k * c.hidden_size * c.intermediate_size);
    auto const layers = static_cast<double>(c.num_layers);
    return 2 * ((2 * layers - 1) * (attention + experts) + 2 * static_cast<double>(c.vocab_size * c.hidden_size));
}

void bench_signals(Bench const& bench, Decoder const& model, Prompts const& prompts) {
    std::vector<std::int64_t> lengths;
    for (auto const& ids : prompts)
        lengths.push_back(std::ssize(ids));
    std::int64_t const tokens = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
    BatchPlan const plan = plan_batches(lengths, bench.args.batch_tokens);
    bench.repeat([&](bool counts) {
        double const time = bench.seconds([&] {
            compute_signals(model, bench.layout, prompts, plan,
                            {.tape_memory = bench.args.memory_gb << 30, .in_halves = overlap_wanted(), .progress = {}});
        });
        if (counts)
            bench.print({{"batch_tokens", bench.args.batch_tokens},
                         {"gflops", signal_operations(model.config()) * static_cast<double>(tokens) / time * 1e-9}},
                        tokens, time);
    });
}

struct Generation {
    GenerationStats stats;
    double prefill, decode;  // the slowest rank's
};

// This rank's share of `live` sequences, every one of its own prompt.
Generation generate(Bench const& bench, Decoder const& model, Prompts const& prompts, std::int64_t live,
                    std::int64_t new_tokens) {
    ModelConfig const& c = model.config();
    RouterEdits edits(c.num_layers, c.num_experts);
    std::vector<Request> requests;
    for (std::int64_t p = bench.layout.world.rank(); p < live; p += bench.layout.world.size()) {
        std::int32_t variant = 0;
        if (bench.args.masked > 0) {  // from layer 0 on, so that sequences share nothing
            std::vector<RouterEdit> masks;
            for (std::int64_t i = 0; i < bench.args.masked; ++i)
                masks.push_back({i * 7 % c.num_layers, (p + i) % c.num_experts});
            variant = edits.add(EditMode::mask, EditScope::both, masks);
        }
        requests.push_back({p, variant});
    }
    Generator generator(model, bench.layout, edits, prompts,
                        {new_tokens, std::max<std::int64_t>(1, std::ssize(requests)), bench.args.batch_tokens, {}});
    bench.layout.world.barrier();
    generator.run(requests, [](Completion const&) {});
    return {generator.stats(), bench.slowest(generator.stats().prefill_seconds),
            bench.slowest(generator.stats().decode_seconds)};
}

void bench_decode(Bench const& bench, Decoder const& model) {
    for (std::int64_t live : bench.args.live) {
        Prompts const prompts = random_prompts(live, bench.args.length, model.config());
        bench.repeat([&](bool counts) {
            Generation const g = generate(bench, model, prompts, live, bench.args.new_tokens + 1);
            if (counts)
                bench.print({{"live", live},
                             {"masked", bench.args.masked},
                             {"prefill_tokens_per_second", static_cast<double>(live * bench.args.length) / g.prefill}},
                            live * bench.args.new_tokens, g.decode);
        });
    }
}

void bench_prefill(Bench const& bench, Decoder const& model) {
    Prompts const prompts = random_prompts(1, bench.args.length, model.config());
    bench.repeat([&](bool counts) {
        Generation const g = generate(bench, model, prompts, 1, 1);
        if (counts) bench.print({{"length", bench.args.length}}, bench.args.length, g.prefill);
    });
}

void run(Bench& bench) {
    Arguments const& args = bench.args;
    ModelConfig const config = load_model_config(args.model);
    if (args.what == "load") return bench_load(bench, config);
    Prompts const prompts =
        args.prompts.empty() ? random_prompts(args.num_prompts, args.length, config) : read_prompts(args.prompts);
    std::size_t longest = static_cast<std::size_t>(args.length + args.new_tokens + 1);
    for (auto const& ids : prompts)
        longest = std::max(longest, ids.size());
    Decoder const model(config, load(bench, config), bench.layout, static_cast<std::int64_t>(longest));
    if (args.what == "products") bench_products(bench, model);
    if (args.what == "prefill") bench_prefill(bench, model);
    if (args.what == "decode") bench_decode(bench, model);
    if (args.what == "signals") bench_signals(bench, model, prompts);
}

}  // namespace
}  // namespace gatesweep

int main(int argc, char** argv) {
    using namespace gatesweep;
    limit_spinning(argv);
    keep_freed_memory();
    MpiSession const mpi(argc, argv);
    Bench bench;
    Arguments& args = bench.args;
    CLI::App app;
    app.add_option("model", args.model)->required()->check(CLI::ExistingDirectory);
    app.add_option("what", args.what)
        ->required()
        ->check(CLI::IsMember({"products", "load", "signals", "prefill", "decode"}));
    app.add_option("--prompts", args.prompts)->check(CLI::ExistingFile);
    app.add_option("--dtype", args.dtype)->check(CLI::IsMember({"bfloat16", "float32"}));
    app.add_option("--threads", args.threads);
    app.add_option("--runs", args.runs);
    app.add_option("--expert-parallel", args.expert_parallel);
    app.add_option("--batch-tokens", args.batch_tokens);
    app.add_option("--length", args.length);
    app.add_option("--new", args.new_tokens);
    app.add_option("--rows", args.rows);
    app.add_option("--live", args.live);
    app.add_option("--num-prompts", args.num_prompts);
    app.add_option("--masked", args.masked);
    app.add_option("--memory", args.memory_gb);
    app.add_option("--device", args.device)->check(CLI::IsMember({"cpu", "cuda"}));
    app.add_flag("--random-weights", args.random_weights);
    CLI11_PARSE(app, argc, argv);
    try {
        bench.layout = make_parallel_layout(mpi.world(), args.expert_parallel);
        at::set_num_threads(args.threads);
        if (args.device == "cuda") {
            auto const devices = gather_devices(mpi.world(), mpi.world().split_by_node(), visible_devices());
            int const mine =
                assign_devices(devices, DeviceSharing::refused)[static_cast<std::size_t>(mpi.world().rank())];
            set_device(mine);
            bench.device = {at::kCUDA, static_cast<c10::DeviceIndex>(mine)};
        }
        run(bench);
    } catch (std::exception const& error) {
        fmt::print(stderr, "model_bench: {}\n", error.what());
        mpi.abort(ExitCode::internal);
    }
    return 0;
}
