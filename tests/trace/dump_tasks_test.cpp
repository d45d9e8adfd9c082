// tandem - dump_tasks: how children without a name are told apart
// SPDX-License-Identifier: BSL-1.0
#include <tandem/trace/dump_tasks.hpp>

#include <tandem/core/sleep.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>

#include <sstream>

#include "catch.hpp"
#include "tandem_test.hpp"

using namespace std::chrono_literals;

namespace {

tandem::task<> nap(tandem::duration length) { co_await tandem::sleep(length); }

tandem::task<> both() {
    tandem::this_task::set_name("both");
    co_await tandem::gather(nap(1ms), nap(3ms), nap(5ms));
}

tandem::task<> outer() { co_await tandem::gather(both(), nap(1h)); }

}  // namespace

TANDEM_TEST("dump_tasks: a child of a combinator goes by its place in it, also when others have ended",
            "[trace][dump_tasks][virtual]") {
    const auto running = tandem::create_task(outer(), "outer");
    co_await tandem::sleep(2ms);
    std::ostringstream out;
    tandem::dump_tasks(out);
    const std::string text = out.str();
    INFO(text);
    CHECK(text.find("gather[0]") == std::string::npos);  // it has a name
    CHECK(text.find("both, waits for gather") != std::string::npos);
    CHECK(text.find("    gather[1], waits for sleep") != std::string::npos);
    CHECK(text.find("    gather[2], waits for sleep") != std::string::npos);
}
