// tandem - the exceptions and their texts
// SPDX-License-Identifier: BSL-1.0
#include <tandem/base/error.hpp>

#include <csignal>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "support/catch.hpp"

namespace {

template <class... E>
constexpr bool all_errors = (std::is_base_of_v<tandem::error, E> && ...);

}  // namespace

TEST_CASE("error: everything that tandem raises derives from tandem::error", "[base][error]") {
    static_assert(all_errors<tandem::cancelled_error, tandem::interrupted_error, tandem::timeout_error,
                             tandem::invalid_state_error, tandem::queue_empty, tandem::queue_full,
                             tandem::queue_shut_down, tandem::broken_barrier_error>);
    static_assert(std::is_base_of_v<std::runtime_error, tandem::error>);
    static_assert(std::is_base_of_v<tandem::cancelled_error, tandem::interrupted_error>);
    SUCCEED();
}

TEST_CASE("error: cancelled_error gives the reason, and has a text without one", "[base][error]") {
    const tandem::cancelled_error bare;
    CHECK(bare.reason().empty());
    CHECK(std::string(bare.what()) == "tandem: the task was cancelled");
    const tandem::cancelled_error reasoned("shutting down");
    CHECK(reasoned.reason() == "shutting down");
    CHECK(std::string(reasoned.what()) == "tandem: the task was cancelled: shutting down");
}

TEST_CASE("error: interrupted_error gives the signal", "[base][error]") {
    const tandem::interrupted_error e(SIGINT);
    CHECK(e.signal() == SIGINT);
    CHECK(std::string(e.what()).find(std::to_string(SIGINT)) != std::string::npos);
}

TEST_CASE("error: timeout_error says what it is about", "[base][error]") {
    CHECK(std::string(tandem::timeout_error().what()).find("tandem::timeout") == 0);
    CHECK(std::string(tandem::timeout_error("tandem::http: no answer").what()) == "tandem::http: no answer");
}
