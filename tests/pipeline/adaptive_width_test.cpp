// tandem - a stage whose width finds itself: many slots, and an adaptive semaphore around the call
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pipeline/pipeline.hpp>

#include <tandem/resilience/adaptive_semaphore.hpp>
#include <tandem/sync/semaphore.hpp>

#include "pipeline_probes.hpp"

using namespace tandem_test;

namespace {

/// Ten workers, each of which takes 50 ms for a call; who comes beyond waits in its line.
class server {
public:
    tandem::task<int> answer(int v) {
        const auto worker = co_await workers_.acquire();
        co_await tandem::sleep(50ms);
        co_return v;
    }

private:
    tandem::semaphore workers_{10};
};

}  // namespace

TANDEM_TEST("pipeline: an adaptive semaphore around the call gives a stage the width that its server stands",
            "[pipeline][adaptive_semaphore][virtual]") {
    server remote;
    tandem::adaptive_semaphore width{tandem::vegas_limit()};
    const auto ask = [&remote](int v) { return remote.answer(v); };
    const auto fetch = [&width, &ask](int v) { return width.call(ask, v); };
    const int count = 8000;
    auto line = tandem::pipeline("adaptive", numbers(count))
                    .io("fetch", fetch, stage_options().concurrency(64))
                    .sink("keep", forget);
    const tandem::pipeline_report r = co_await line.run();
    CHECK(r.stored == count);
    CHECK(r.elapsed < 44s);  // 200 a second at best: 40 s, and a start with four at a time
    CHECK(width.limit() >= 9);
    CHECK(width.limit() <= 18);  // ten, and the short queue that vegas keeps
    check_books(r);
}
