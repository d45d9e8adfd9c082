// tandem - behaviour of outcome<T>
// SPDX-License-Identifier: BSL-1.0
#include <tandem/base/outcome.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/catch.hpp"

using tandem::outcome;

TEST_CASE("outcome: of a value", "[base][outcome]") {
    outcome<int> o(std::in_place, 5);
    CHECK(o.has_value());
    CHECK(static_cast<bool>(o));
    CHECK_FALSE(o.has_exception());
    CHECK_FALSE(o.was_cancelled());
    CHECK(o.value() == 5);
    CHECK(o.exception() == nullptr);
    CHECK(o.value_or(7) == 5);
    o.value() = 6;
    CHECK(std::as_const(o).value() == 6);
}

TEST_CASE("outcome: of an exception throws it each time it is asked for its value", "[base][outcome]") {
    const outcome<int> o(std::make_exception_ptr(std::out_of_range("x")));
    CHECK_FALSE(o.has_value());
    CHECK(o.has_exception());
    CHECK_FALSE(o.was_cancelled());
    CHECK_THROWS_AS(o.value(), std::out_of_range);
    CHECK_THROWS_AS(o.value(), std::out_of_range);
    CHECK(o.exception() != nullptr);
    CHECK(o.value_or(7) == 7);
}

TEST_CASE("outcome: of a stopped task, which is also the default, throws cancelled_error", "[base][outcome]") {
    const outcome<int> o;
    CHECK(o.was_cancelled());
    CHECK_FALSE(static_cast<bool>(o));
    CHECK_FALSE(o.has_exception());
    CHECK_THROWS_AS(o.value(), tandem::cancelled_error);
    CHECK(o.exception() == nullptr);
    CHECK(o.value_or(3) == 3);
}

TEST_CASE("outcome: void is kept as monostate, a reference as a reference", "[base][outcome]") {
    const outcome<void> done(std::in_place, std::monostate());
    CHECK(done.has_value());
    CHECK(done.value() == std::monostate());
    int target = 1;
    outcome<int&> referring(std::in_place, std::ref(target));
    referring.value().get() = 2;
    CHECK(target == 2);
}

TEST_CASE("outcome: move-only values are moved out of an rvalue", "[base][outcome]") {
    outcome<std::unique_ptr<int>> o(std::in_place, std::make_unique<int>(4));
    std::unique_ptr<int> p = std::move(o).value();
    CHECK(*p == 4);
    outcome<std::unique_ptr<int>> none;
    std::unique_ptr<int> q = std::move(none).value_or(std::make_unique<int>(5));
    CHECK(*q == 5);
}

TEST_CASE("outcome: of an exception_ptr as a value is told apart from an error", "[base][outcome]") {
    const auto e = std::make_exception_ptr(std::runtime_error("a value"));
    const outcome<std::exception_ptr> value(std::in_place, e);
    CHECK(value.has_value());
    CHECK(value.value() == e);
    const outcome<std::exception_ptr> error(e);
    CHECK(error.has_exception());
    CHECK_THROWS_AS(error.value(), std::runtime_error);
}
