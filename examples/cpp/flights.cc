// The C example in C++17, record by record: handles that close themselves, errors as exceptions.
//
//     c++ -std=c++17 flights.cc $(pkg-config --cflags --libs streamgrad) -o flights && ./flights flights.bundle
#include <array>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <stdexcept>

#include <streamgrad.h>

namespace {

// Closes a handle at the end of its scope.
template <typename Handle, sg_status (*close)(Handle)>
struct Closing {
    Handle handle{};
    Closing() = default;
    Closing(const Closing &) = delete;
    Closing &operator=(const Closing &) = delete;
    ~Closing() { close(handle); }
};

using Trainer = Closing<sg_trainer, sg_trainer_close>;
using Batch = Closing<sg_batch, sg_batch_close>;

// Calls a function of the library with an error of its own, which becomes an exception.
template <typename Function, typename... Arguments>
void call(Function function, Arguments... arguments)
{
    sg_error error;
    if (function(arguments..., &error) != SG_OK)
        throw std::runtime_error(error.message);
}

struct Flight {
    float hour, distance, seats, wind, late;
};

// A stand-in for the stream: all numbers near 1; what leaves late in a strong wind is late.
Flight next_flight()
{
    static unsigned seed = 1;
    const auto number = [] {
        seed = seed * 1664525u + 1013904223u;
        return static_cast<float>(seed >> 8) / static_cast<float>(1 << 23);
    };
    Flight flight{number(), number(), number(), number(), 0};
    flight.late = flight.hour + flight.wind > 2.2f ? 1.0f : 0.0f;
    return flight;
}

void learn(const char *bundle)
{
    Trainer trainer;
    Batch batch;
    call(sg_trainer_open, bundle, nullptr, &trainer.handle);
    call(sg_batch_new, trainer.handle, std::size_t{32}, &batch.handle);

    // The array leads to the flight at hand, so it is made once.
    Flight flight{};
    const std::array<sg_field, 5> fields{{
        {"hour", SG_FLOAT32, &flight.hour, 1},
        {"distance", SG_FLOAT32, &flight.distance, 1},
        {"seats", SG_FLOAT32, &flight.seats, 1},
        {"wind", SG_FLOAT32, &flight.wind, 1},
        {"late", SG_FLOAT32, &flight.late, 1},
    }};
    for (int step = 1; step <= 300; step++) {
        call(sg_batch_clear, batch.handle);
        for (int row = 0; row < 32; row++) {
            flight = next_flight();
            call(sg_batch_add, batch.handle, fields.data(), fields.size());
        }
        std::array<float, 32> p;
        sg_report report = SG_REPORT(p.data(), p.size());
        call(sg_trainer_step, trainer.handle, batch.handle, &report);
        if (step % 100 == 0)
            std::printf("%llu flights loss %.2f auc %.2f\n", static_cast<unsigned long long>(report.version * 32), report.loss,
                        report.metrics.auc);
    }
}

} // namespace

int main(int argc, char **argv)
{
    try {
        learn(argc > 1 ? argv[1] : "flights.bundle");
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
