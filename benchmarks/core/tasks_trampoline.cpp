// tandem benchmarks - awaiting a child where the compiler does no symmetric transfer
// SPDX-License-Identifier: BSL-1.0
#include "child_await.hpp"
#include "child_await_asio.hpp"
#include "groups.hpp"

static_assert(TANDEM_TRAMPOLINE, "compile this file with TANDEM_TRAMPOLINE=1");

std::vector<bench::workload> trampoline_workloads() {
    return {
        {"child await, trampoline mode",
         "ns",
         2'000'000,
         contender<child_await>,
         {{"asio awaitable", peer::contender<peer::child_await>, 1.3}},
         0.0},
        {"depth 1000, trampoline mode, per level",
         "ns",
         1'000'000,
         contender<deep_await>,
         {{"asio awaitable", peer::contender<peer::deep_await>, {}}},
         {}},
    };
}
