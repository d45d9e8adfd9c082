// tandem - behaviour of moved(fn) and of how callables are kept
// SPDX-License-Identifier: BSL-1.0
#include <tandem/base/callable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "support/catch.hpp"

namespace {

/// Keeps a callable as the awaitables do.
template <class F>
auto keep(F&& fn) {
    return std::make_unique<tandem::detail::callable_t<F>>(tandem::detail::forward_callable<F>(fn));
}
int plain(int n) { return n + 1; }

template <class F>
concept can_be_moved = requires(F&& f) { tandem::moved(std::forward<F>(f)); };

}  // namespace

TEST_CASE("callable: a named one is copied", "[base][callable]") {
    auto p = std::make_shared<int>(1);
    const auto fn = [p] { return *p; };
    const auto kept = keep(fn);
    CHECK(p.use_count() == 3);
    CHECK((*kept)() == 1);
}

TEST_CASE("callable: moved(fn) moves out of the named one", "[base][callable]") {
    auto fn = [p = std::make_unique<int>(7)] { return *p; };
    const auto kept = keep(tandem::moved(fn));
    CHECK((*kept)() == 7);
    auto counted = std::make_shared<int>(1);
    auto other = [counted] { return *counted; };
    CHECK(counted.use_count() == 2);
    const auto second = keep(tandem::moved(other));
    CHECK(counted.use_count() == 2);
    CHECK((*second)() == 1);
}

TEST_CASE("callable: a function and a pointer to one are kept as a pointer", "[base][callable]") {
    const auto kept = keep(plain);
    CHECK((*kept)(1) == 2);
    const auto pointer = keep(&plain);
    CHECK((*pointer)(2) == 3);
    static_assert(std::is_same_v<tandem::detail::callable_t<int (&)(int)>, int (*)(int)>);
}

TEST_CASE("callable: std::ref keeps a reference", "[base][callable]") {
    int calls = 0;
    auto fn = [calls]() mutable { return ++calls; };
    const auto kept = keep(std::ref(fn));
    (*kept)();
    CHECK(fn() == 2);
}

TEST_CASE("callable: moved takes named callables only", "[base][callable]") {
    const auto fn = [] {};
    auto named = [] {};
    static_assert(can_be_moved<decltype(named)&>);
    static_assert(!can_be_moved<std::remove_const_t<decltype(fn)>>);
    static_assert(!std::is_copy_constructible_v<tandem::moved_ref<decltype(named)>>);
    SUCCEED();
}

TEST_CASE("callable: GCC before 13 refuses temporary closures that own something", "[base][callable]") {
    const auto owns = [s = std::string("x")] { return s; };
    const auto refers = [&owns] { return owns(); };
    using owning = std::remove_const_t<decltype(owns)>;
    using referring = std::remove_const_t<decltype(refers)>;
    static_assert(tandem::detail::safe_callable<owning&>);
    static_assert(tandem::detail::safe_callable<referring>);
    static_assert(tandem::detail::safe_callable<tandem::moved_ref<owning>>);
#if TANDEM_GCC_LT_13
    static_assert(!tandem::detail::safe_callable<owning>);
#else
    static_assert(tandem::detail::safe_callable<owning>);
#endif
    CHECK(refers() == "x");
}
